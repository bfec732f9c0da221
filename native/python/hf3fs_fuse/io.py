# SPDX-License-Identifier: Apache-2.0
"""Buffers, rings and whole files through USRBIO.

    shm = SharedMemory(size=1 << 20, create=True)
    iov = make_iovec(shm, mount)
    ring = make_ioring(mount, entries=64)
    fd = os.open(path, os.O_RDONLY)
    register_fd(fd)
    ring.prepare(iov[:4096], True, fd, 0, userdata="first")
    [done] = ring.submit().wait(min_results=1)
    print(done.result, done.userdata, bytes(done.buf[:done.result]))
    deregister_fd(fd)
    os.close(fd)
"""

from __future__ import annotations

import errno
import io
import os
import uuid
import weakref
from typing import Any, Callable, Optional

import hf3fs_py_usrbio as _usrbio
from hf3fs_py_usrbio import (
    deregister_fd,
    extract_mount_point,
    force_fsync,
    hardlink,
    ioring,
    punch_hole,
    register_fd,
)
from hf3fs_py_usrbio._errors import failure

from ._shm import Shm

__all__ = [
    "IorPriority",
    "deregister_fd",
    "extract_mount_point",
    "force_fsync",
    "hardlink",
    "ioring",
    "iovec",
    "make_ioring",
    "make_iovec",
    "punch_hole",
    "read_file",
    "register_fd",
]


# Without a callback nobody sees the blocks, and memory that is used again stays in the caches.
_UNSEEN_BLOCK_BYTES_MAX = 32 << 20


class IorPriority:
    """Values for `priority` of a ring."""

    HIGH = -1
    NORMAL = 0
    LOW = 1


def _deregister(link: str, pid: int) -> None:
    # A forked child inherits the object, not the registration.
    if pid == os.getpid():
        try:
            os.unlink(link)
        except OSError:
            pass  # the daemon is gone, and the registration with it


class iovec(_usrbio.iovec):  # noqa: N801 (the name is the API)
    """Memory with its registration, which ends with the last reference to it or to a slice.

    Attributes:
        link: the symlink that registers it.
    """

    link: str

    @property
    def iov(self) -> _usrbio.iovec:
        """Itself; some programs ask for what is inside."""
        return self

    def _own(self, link: str, shm: Any) -> None:
        self.link = link
        self._shm = shm  # SharedMemory unmaps when it is collected
        weakref.finalize(self, _deregister, link, os.getpid())


def make_iovec(shm: Any, hf3fs_mount_point: str, block_size: int = 0, numa: int = -1) -> iovec:
    """Registers shared memory with the daemon.

    Args:
        shm: multiprocessing.shared_memory.SharedMemory, or what has its `name` and `buf`. It may
            be unlinked as soon as this returns.
        hf3fs_mount_point: as extract_mount_point() finds it.
        block_size: bytes; no I/O may cross a multiple of it. 0 is no such limit.
        numa: kept for compatibility, the memory exists already.

    Raises:
        OSError: ENOENT when nothing is mounted there, EINVAL for a bad block_size, EACCES when the
            daemon cannot open the memory, EMFILE when its table is full.
    """
    key = str(uuid.uuid4())
    suffix = f".b{block_size}" if block_size > 0 else ""
    link = os.path.join(hf3fs_mount_point, "3fs-virt", "iovs", key + suffix)
    try:
        os.symlink("/dev/shm/" + shm.name.lstrip("/"), link)
    except OSError as e:
        raise failure(e.errno or errno.EIO, f"cannot register {shm.name} as {link}") from e
    try:
        iov = iovec(shm.buf, key, hf3fs_mount_point, block_size, numa)
    except BaseException:
        _deregister(link, os.getpid())
        raise
    iov._own(link, shm)
    return iov


def make_ioring(
    hf3fs_mount_point: str,
    entries: int,
    for_read: bool = True,
    io_depth: int = 0,
    priority: Optional[int] = None,
    timeout: Optional[int] = None,
    numa: int = -1,
    flags: int = 0,
) -> ioring:
    """A ring; the arguments are those of hf3fs_py_usrbio.ioring."""
    return ioring(
        hf3fs_mount_point, entries, for_read, io_depth, priority, timeout, numa, flags
    )


def read_file(
    fn: str,
    hf3fs_mount_point: Optional[str] = None,
    block_size: int = 1 << 30,
    off: int = 0,
    priority: Optional[int] = None,
    cb: Optional[Callable[[memoryview, int], Any]] = None,
) -> Optional[bytes]:
    """Reads a file from `off` to its end through a ring, block by block.

    Args:
        fn: path on the mount.
        hf3fs_mount_point: None finds it.
        block_size: bytes to read at a time, at most; as much shared memory is used.
        off: where to start, in bytes.
        priority: of the ring.
        cb: called as cb(data, position) for each block; `data` is a memoryview that the next block
            overwrites. An int (not a bool) that it returns is the position to go on at; another
            true value ends the reading. A block is shorter than block_size only at the end.

    Returns:
        the bytes, or None with `cb`.

    Raises:
        OSError: of open, of the ring, or of the read that failed.
    """
    mount = extract_mount_point(fn) if hf3fs_mount_point is None else hf3fs_mount_point
    fd = os.open(fn, os.O_RDONLY | os.O_CLOEXEC)
    try:
        register_fd(fd)
        try:
            assert mount is not None, "register_fd takes files on a mount only"
            size = max(1, min(block_size, os.fstat(fd).st_size))
            if cb is None:
                size = min(size, _UNSEEN_BLOCK_BYTES_MAX)
            with _usrbio.ioring(mount, 1, priority=priority) as ring:
                return _read_blocks(fd, _private_iovec(size, mount), ring, off, cb)
        finally:
            deregister_fd(fd)
    finally:
        os.close(fd)


def _private_iovec(size: int, mount: str) -> iovec:
    shm = Shm(size)
    try:
        return make_iovec(shm, mount)
    finally:
        shm.unlink()


def _read_blocks(
    fd: int, iov: iovec, ring: ioring, off: int, cb: Optional[Callable[[memoryview, int], Any]]
) -> Optional[bytes]:
    content = io.BytesIO()
    while True:
        [done] = ring.prepare(iov[:], True, fd, off).submit().wait(min_results=1)
        if done.result < 0:
            raise OSError(-done.result, f"{os.strerror(-done.result)} at {off}")
        if done.result == 0:
            break
        data = done.buf[: done.result]
        if cb is None:
            content.write(data)
        else:
            answer = cb(data, off)
            if isinstance(answer, int) and not isinstance(answer, bool):
                off = answer
                continue
            if answer:
                break
        off += done.result
        if done.result < len(iov):
            break
    return content.getvalue() if cb is None else None
