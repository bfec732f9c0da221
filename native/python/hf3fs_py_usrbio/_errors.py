# SPDX-License-Identifier: Apache-2.0
"""Errors of the operating system, with what was seen and what to do."""

from __future__ import annotations

import errno
import operator
import os
from typing import Any

INT_MAX = 2**31 - 1
SIZE_MAX = 2**64 - 1

# For the most common cause; the library's log on stderr says more.
_REMEDIES = {
    errno.EACCES: "share /dev/shm with the daemon (containers: -v /dev/shm:/dev/shm)",
    errno.EAGAIN: "wait for completions, or make the ring with more entries",
    errno.EBADF: "register_fd() a descriptor of a file on the mount first",
    errno.EINVAL: "check the arguments against the documentation",
    errno.EMFILE: "release buffers and rings that are not used any more",
    errno.ENOENT: "name the mount point of a running file system: extract_mount_point(path)",
    errno.ENOTCONN: "the daemon is gone: mount again, then make new rings",
}


def failure(code: int, what: str, remedy: str = "") -> OSError:
    """The OSError (or its subclass) for errno `code`."""
    remedy = remedy or _REMEDIES.get(code, "see the daemon's log")
    return OSError(code, f"{what}; observed={os.strerror(code)}; remedy: {remedy}")


def integer(name: str, value: Any, low: int, high: int) -> int:
    """`value` as an int that C can hold: ctypes itself would cut off what does not fit."""
    number = operator.index(value)
    if not low <= number <= high:
        raise OSError(
            errno.EINVAL,
            f"{name} is out of range; observed={number}, limit={low}..{high}; "
            "remedy: pass another value",
        )
    return number
