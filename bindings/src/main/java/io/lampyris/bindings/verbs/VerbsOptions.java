package io.lampyris.bindings.verbs;

import org.jspecify.annotations.Nullable;

/**
 * Which of the machine's ways to use.
 *
 * @param library file or name of libibverbs
 * @param device the device's name; null for the first that has an active port and can do it
 * @param port its number; 0 for the first active one
 * @param gidIndex the address's index in the port's table; -1 for the best: RoCE v2 over IPv4, then
 *     RoCE v2 that is not link-local, then any RoCE v2; on InfiniBand the first
 */
public record VerbsOptions(String library, @Nullable String device, int port, int gidIndex) {
  /** Whatever is found first. */
  public static final VerbsOptions ANY = new VerbsOptions(VerbsLibrary.DEFAULT_PATH, null, 0, -1);
}
