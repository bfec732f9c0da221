@NullMarked
package io.lampyris.protocol;

import org.jspecify.annotations.NullMarked;
