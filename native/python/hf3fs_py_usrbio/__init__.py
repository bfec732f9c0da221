# SPDX-License-Identifier: Apache-2.0
"""USRBIO for Python: file I/O through rings in shared memory, without the kernel in between.

The functions and classes of the C library, by ctypes; importing raises ImportError when there is no
libhf3fs_api_shared.so. hf3fs_fuse.io has what makes the shared memory too. See docs/python.md.

Failures are OSErrors with the errno of native/include/hf3fs_usrbio.h and a message that says what
to do. Failures of single I/Os are negative results.
"""

from ._files import (
    deregister_fd,
    extract_mount_point,
    force_fsync,
    hardlink,
    punch_hole,
    register_fd,
)
from ._ioring import ioring
from ._iovec import iovec

__version__ = "0.1.0.dev0"

__all__ = [
    "deregister_fd",
    "extract_mount_point",
    "force_fsync",
    "hardlink",
    "ioring",
    "iovec",
    "punch_hole",
    "register_fd",
]
