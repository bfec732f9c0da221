/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the preload library share: a mount whose files are read through rings.
 */
#ifndef LMP_PRELOAD_SUPPORT_H
#define LMP_PRELOAD_SUPPORT_H

#include "support.h"

enum { BLOCK_BYTES = 64 << 10, FILE_BLOCKS = 100, FILE_BYTES = BLOCK_BYTES * FILE_BLOCKS };

/* Makes the mount and its daemon, and a file of FILE_BYTES: every 8 bytes tell their own offset. */
void preload_begin(struct fake_mount *m, const char *name);
/* Tells programs that a file has changed, as the daemon does. */
void tell_change(uint64_t ino);
/* Opens that file. */
int preload_open(const struct fake_mount *m, const char *name, int flags);
/* Whether memory holds the file's bytes from an offset on. */
void check_bytes(const uint8_t *memory, size_t length, uint64_t offset);
/* An aligned buffer of the whole file's size and more. */
uint8_t *preload_buffer(void);
/* Runs a test in a thread, whose ring goes with it: how many registrations are left. */
int preload_run(void (*body)(void));

#endif
