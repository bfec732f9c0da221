# SPDX-License-Identifier: Apache-2.0
"""What concerns files and mounts rather than rings."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from typing import Optional, Sequence, Union

from ._errors import INT_MAX, SIZE_MAX, failure, integer
from ._library import LIB

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

_PATH_MAX = 4096
_IOC_FSYNC = 2 << 30 | 4 << 16 | ord("h") << 8 | 11  # _IOR('h', 11, uint32_t)


def extract_mount_point(path: Path) -> Optional[str]:
    """The mount point of the file system that `path` is on, or None when it is another kind.

    The path need not exist yet; its nearest ancestor that does decides.
    """
    found = ctypes.create_string_buffer(_PATH_MAX)
    length = LIB.hf3fs_extract_mount_point(found, _PATH_MAX, os.fsencode(path))
    if length < 0:
        return None
    if length > _PATH_MAX:
        raise failure(errno.ENAMETOOLONG, "the mount point's path is too long")
    return os.fsdecode(found.value)


def register_fd(fd: int, flags: int = 0) -> None:
    """Lets rings of this process use the file behind `fd`. No flag is defined.

    Register after open, deregister before close.

    Raises:
        OSError: EBADF when the file is not on a mount, EINVAL when the fd is registered already.
    """
    fd = integer("fd", fd, -INT_MAX, INT_MAX)
    rc = LIB.hf3fs_reg_fd(fd, integer("flags", flags, 0, SIZE_MAX))
    if rc > 0:
        remedy = {
            errno.EBADF: "open a file on the mount, and with containers share mount and /dev/shm",
            errno.EINVAL: "deregister_fd() it before it is registered or its number used again",
        }.get(rc, "")
        raise failure(rc, f"cannot register fd {fd}", remedy)


def deregister_fd(fd: int) -> None:
    """Ends register_fd(); before close, and after the I/Os of the file. Harmless without it."""
    LIB.hf3fs_dereg_fd(integer("fd", fd, -INT_MAX, INT_MAX))


def force_fsync(fd: int) -> int:
    """Makes what was written durable, and the file's size the one that stat() shows; returns 0.

    Raises:
        OSError: ENOTTY when the file is not on a mount, or what fsync would say.
    """
    try:
        fcntl.ioctl(fd, _IOC_FSYNC, bytes(4))
    except OSError as e:
        raise failure(e.errno or errno.EIO, f"cannot sync fd {fd}") from e
    return 0


def hardlink(target: Path, link_name: Path) -> None:
    """Makes `link_name` another name of the file `target`; both on one mount.

    Raises:
        OSError: EBADF or EXDEV when they are not, EEXIST, ENOENT, ...
    """
    rc = LIB.hf3fs_hardlink(os.fsencode(target), os.fsencode(link_name))
    if rc != 0:
        raise failure(rc, f"cannot link {link_name!r} to {target!r}")


def punch_hole(
    fd: Union[int, Path, None] = None,
    start: Sequence[int] = (),
    end: Sequence[int] = (),
    flags: int = 0,
    *,
    filename: Optional[Path] = None,
) -> None:
    """Gives back the space of the bytes `start[i]` to `end[i] - 1` of a file, for all i.

    Args:
        fd: a descriptor open for writing, or a path.
        start, end: positions in bytes, as many of one as of the other.
        flags: none is defined.
        filename: a path, instead of fd.

    Raises:
        ValueError: start and end differ in length.
        OSError: EBADF when the file is not on a mount, or what the daemon says.
    """
    if len(start) != len(end):
        raise ValueError(f"start and end differ in length; observed={len(start)} and {len(end)}")
    where = fd if filename is None else filename
    if where is None:
        raise TypeError("punch_hole needs fd or filename")
    if not isinstance(where, int):
        own = os.open(where, os.O_RDWR | os.O_CLOEXEC)
        try:
            return punch_hole(own, start, end, flags)
        finally:
            os.close(own)
    positions = ctypes.c_size_t * len(start)
    rc = LIB.hf3fs_punchhole(
        integer("fd", where, -INT_MAX, INT_MAX),
        len(start),
        positions(*(integer("start", at, 0, SIZE_MAX) for at in start)),
        positions(*(integer("end", at, 0, SIZE_MAX) for at in end)),
        integer("flags", flags, 0, SIZE_MAX),
    )
    if rc != 0:
        raise failure(rc, f"cannot punch {len(start)} holes into {where}")
    return None
