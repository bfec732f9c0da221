/* SPDX-License-Identifier: Apache-2.0
 *
 * For programs that write #include <hf3fs/hf3fs_usrbio.h>.
 */
#include "../hf3fs_usrbio.h"
