package io.lampyris.fuse;

import org.jspecify.annotations.Nullable;

/**
 * One opendir(3).
 *
 * @param inode of the directory; 0 when it is virtual
 * @param virtualPath relative to the virtual tree, or null
 * @param virtualHandle what the virtual tree wants back
 */
record OpenDirectory(long inode, @Nullable String virtualPath, long virtualHandle) {}
