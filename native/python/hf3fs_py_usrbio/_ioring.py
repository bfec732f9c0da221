# SPDX-License-Identifier: Apache-2.0
"""ioring: I/Os in one direction between iovecs and registered files."""

from __future__ import annotations

import collections
import ctypes
import datetime
import errno
import itertools
import math
import mmap
import os
import threading
import time
import uuid
import weakref
from typing import Any, Deque, Dict, List, Optional, Tuple, Union

from ._errors import INT_MAX, SIZE_MAX, failure, integer
from ._iovec import iovec
from ._library import LIB, Cqe, Ior, Timespec

# A wait in C is cut into steps so that Ctrl-C and destroy() get through.
_STEP_S = 0.1
# How long a wait without a time limit goes on before it looks whether the daemon is still there.
_ALIVE_CHECK_S = 1.0


class _Memory:
    """Memory of a ring that is registered here and not by the library."""

    def __init__(self, mount: bytes, size: int, attributes: str) -> None:
        path = f"/dev/shm/hf3fs-iov-{uuid.uuid4()}"
        name = uuid.uuid4().hex + attributes
        self.link = os.path.join(mount, b"3fs-virt/iovs", name.encode())
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, size)
            self.map = mmap.mmap(fd, size)
            os.symlink(path, self.link)
        finally:
            os.close(fd)
            os.unlink(path)
        self.bytes = (ctypes.c_char * size).from_buffer(self.map)

    def release(self) -> None:
        try:
            os.unlink(self.link)
        except OSError:
            pass  # the daemon is gone, and the registration with it


class _Handle:
    """The ring in C, with who uses it: it is destroyed when nobody is inside a call."""

    def __init__(self, ior: Ior, watch: int, memory: Optional[_Memory]) -> None:
        self.ior = ior
        self.memory = memory
        self.ref = ctypes.pointer(ior)
        self.pid = os.getpid()
        self.watch = watch  # the daemon's directory; fails with ENOTCONN when the daemon dies
        self.lock = threading.Lock()
        self.users = 0
        self.closed = False

    def __enter__(self) -> Any:
        # The list of free slots is each process's own, so a ring cannot be shared over fork. The
        # lock may have been held by another thread while we forked: do not touch it.
        if self.pid != os.getpid():
            raise OSError(
                errno.EBADF,
                f"the ring belongs to another process; observed=pid {os.getpid()}, limit=pid "
                f"{self.pid}; remedy: make a ring in each process, after fork",
            )
        with self.lock:
            self.check_open()
            self.users += 1
        return self.ref

    def __exit__(self, *unused: Any) -> None:
        with self.lock:
            self.users -= 1
            last = self.closed and self.users == 0
        if last:
            self._release()

    def check_open(self) -> None:
        if self.closed:
            raise OSError(errno.EBADF, "the ring is closed; remedy: make another one")

    def check_alive(self) -> None:
        try:
            os.fstat(self.watch)
        except OSError as e:
            raise failure(e.errno or errno.EIO, "no daemon answers for this ring") from e

    def close(self) -> None:
        if self.pid != os.getpid():
            return  # what a child inherited goes with the child
        with self.lock:
            last = not self.closed and self.users == 0
            self.closed = True
        if last:
            self._release()

    def _release(self) -> None:
        LIB.hf3fs_iordestroy(self.ref)
        if self.memory is not None:
            self.memory.release()
        os.close(self.watch)


def _with_both(
    ior: Ior,
    mount: bytes,
    entries: int,
    for_read: bool,
    io_depth: int,
    priority: int,
    timeout_ms: int,
    flags: int,
) -> Tuple[int, _Memory]:
    """A ring with a priority and flags, which no function of the library registers."""
    direction, level = "r" if for_read else "w", "h" if priority < 0 else "l"
    attributes = f".{direction}{io_depth}.p{level}.t{timeout_ms}.f{flags:b}"
    size = LIB.hf3fs_ior_size(entries)
    memory = _Memory(mount, size, attributes)
    kind = (for_read, io_depth, priority, timeout_ms, flags)
    at = ctypes.addressof(memory.bytes)
    rc = LIB.hf3fs_iorwrap(ctypes.byref(ior), at, mount, size, *kind)
    if rc < 0:
        memory.release()
    return rc, memory


def _seconds(timeout: Union[None, float, datetime.timedelta]) -> float:
    if timeout is None:
        return math.inf
    if isinstance(timeout, datetime.timedelta):
        return timeout.total_seconds()
    return float(timeout)


class ioring:  # noqa: N801 (the name is the API)
    """A ring of I/Os, all reads or all writes.

    Any thread may call any method. The ring keeps iovecs and user data of I/Os that are not
    finished alive. It goes when the last reference does, by destroy(), or at the end of a `with`
    block; I/Os that are still under way are then lost. A forked child must make its own.

    Args:
        hf3fs_mount_point: as extract_mount_point() finds it.
        entries: how many I/Os may be prepared and not yet waited for; >= 1.
        for_read: direction.
        io_depth: > 0: the daemon processes exactly so many at a time, so keep feeding; 0: all that
            are prepared; < 0: at most -io_depth at a time. Not above entries.
        priority: < 0 high, 0 or None normal, > 0 low (hf3fs_fuse.io.IorPriority).
        timeout: ms that the daemon may wait to fill a batch; None is 0.
        numa: node to prefer for the ring's memory; -1 is any.
        flags: 1 reads bytes that are not committed yet, 2 makes reads of holes fail with ENODATA.

    Raises:
        OSError: EINVAL for impossible arguments, ENOENT when nothing is mounted there, EMFILE when
            the daemon's table is full, EACCES or EIO when the shared memory cannot be used.
    """

    def __init__(
        self,
        hf3fs_mount_point: str,
        entries: int,
        for_read: bool = True,
        io_depth: int = 0,
        priority: Optional[int] = None,
        timeout: Optional[int] = None,
        numa: int = -1,
        flags: int = 0,
    ) -> None:
        mount = os.fsencode(hf3fs_mount_point)
        ior = Ior()
        head = (
            ctypes.byref(ior),
            mount,
            integer("entries", entries, 1, INT_MAX - 1),
            bool(for_read),
            integer("io_depth", io_depth, -INT_MAX, INT_MAX),
        )
        timeout_ms = integer("timeout", timeout or 0, 0, INT_MAX)
        numa = integer("numa", numa, -INT_MAX, INT_MAX)
        flags = integer("flags", flags, 0, SIZE_MAX)
        level = integer("priority", priority or 0, -INT_MAX, INT_MAX)
        what = f"cannot create a ring of {entries} entries on {hf3fs_mount_point}"
        memory: Optional[_Memory] = None
        try:
            if flags == 0:
                rc = LIB.hf3fs_iorcreate3(*head, level, timeout_ms, numa)
            elif level == 0:
                rc = LIB.hf3fs_iorcreate4(*head, timeout_ms, numa, flags)
            else:
                rc, memory = _with_both(ior, *head[1:], level, timeout_ms, flags)
        except OSError as e:
            raise failure(e.errno or errno.EIO, what) from e
        if rc < 0:
            raise failure(-rc, what)
        try:
            watch = os.open(
                os.path.join(mount, b"3fs-virt/iovs"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            )
        except OSError:
            LIB.hf3fs_iordestroy(ctypes.byref(ior))
            if memory is not None:
                memory.release()
            raise
        self._handle = _Handle(ior, watch, memory)
        # Also at the end of the interpreter, and whatever cycle the ring is part of.
        self._finalizer = weakref.finalize(self, self._handle.close)
        self._entries: int = LIB.hf3fs_io_entries(ctypes.byref(ior))
        self._prepare_lock = threading.Lock()
        self._tokens = itertools.count(1)
        self._prepared: Dict[int, Tuple[iovec, Any]] = {}
        # Taken off the ring by a wait that was interrupted: the next one returns them.
        self._unclaimed: Deque[iovec] = collections.deque()

    @staticmethod
    def size_for_entries(entries: int) -> int:
        """Bytes of shared memory that a ring of so many entries needs."""
        return LIB.hf3fs_ior_size(integer("entries", entries, 0, INT_MAX - 1))

    @property
    def entries(self) -> int:
        """How many I/Os fit."""
        return self._entries

    def destroy(self) -> None:
        """Gives the ring back. Calls in other threads end with EBADF; a second time is harmless."""
        self._finalizer()

    def __enter__(self) -> "ioring":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.destroy()

    def prepare(self, iov: iovec, read: bool, fd: int, off: int, userdata: Any = None) -> "ioring":
        """Puts an I/O of len(iov) bytes into the ring; the daemon may start it at once.

        Do not touch the memory, and keep the fd registered, until wait() has returned the I/O.

        Args:
            iov: the slice of memory to read into or to write from; not empty.
            read: the direction of the ring, again.
            fd: a descriptor that is registered with register_fd().
            off: position in the file, in bytes.
            userdata: any object; comes back as `iov.userdata`.

        Returns:
            the ring, so that `ring.prepare(...).submit().wait(...)` is one line.

        Raises:
            OSError: EAGAIN (BlockingIOError) when the ring is full, EBADF for an fd that is not
                registered or a closed ring, EACCES (PermissionError) when the fd is not open for
                this direction, EINVAL for another direction than the ring's or an empty slice.
        """
        if not isinstance(iov, iovec):
            raise TypeError(f"iov must be an iovec; observed={type(iov).__name__}")
        fd = integer("fd", fd, -INT_MAX, INT_MAX)
        off = integer("off", off, 0, SIZE_MAX)
        with self._handle as ring, self._prepare_lock:
            if iov._in_flight:
                iov = iov[:]  # one slice can carry one result
            token = next(self._tokens)
            # Before the call: another thread may see the I/O complete before this one returns.
            self._prepared[token] = (iov, userdata)
            iov._in_flight = True
            rc = LIB.hf3fs_prep_io(
                ring,
                ctypes.byref(iov._root()._struct),
                bool(read),
                iov._address(),
                fd,
                off,
                len(iov),
                token,
            )
            if rc < 0:
                iov._in_flight = False
                del self._prepared[token]
                what = f"cannot prepare an I/O of {len(iov)} bytes at {off} of fd {fd}"
                remedy = "open the file for this direction" if rc == -errno.EACCES else ""
                raise failure(-rc, what, remedy)
        return self

    def submit(self) -> "ioring":
        """Tells the daemon that I/Os are prepared; returns the ring.

        Raises:
            OSError: EBADF when the ring is closed.
        """
        with self._handle as ring:
            rc = LIB.hf3fs_submit_ios(ring)
            if rc < 0:
                raise failure(-rc, "cannot submit")
        return self

    def wait(
        self,
        *,
        max_results: int = 0,
        min_results: int = 0,
        timeout: Union[None, float, datetime.timedelta] = None,
    ) -> List[iovec]:
        """Completed I/Os, in the order in which they completed.

        Args:
            max_results: return at most so many; never less than min_results, nor than 1.
            min_results: wait for so many; 0 looks once and does not wait.
            timeout: seconds or a timedelta; after that, return what there is. None is no limit.

        Returns:
            the slices given to prepare(), with `result` (bytes, or -errno) and `userdata` set; a
            slice that was prepared twice at once comes back once as another slice of the same
            memory.

        Raises:
            OSError: EBADF when the ring is closed, also while waiting; ENOTCONN when the daemon has
                died (looked at only without a timeout); EBADMSG when the ring holds rubbish.
        """
        limit = max(max_results, min_results, 1)
        deadline = time.monotonic() + _seconds(timeout)
        done: List[iovec] = []
        with self._handle as ring:
            with self._handle.lock:
                while self._unclaimed and len(done) < limit:
                    done.append(self._unclaimed.popleft())
            try:
                self._collect(ring, done, limit, min_results, deadline)
            except OSError:
                if not done:
                    raise  # else the next call finds the error again
            except BaseException:
                self._unclaimed.extendleft(reversed(done))
                raise
        return done

    def _collect(
        self, ring: Any, done: List[iovec], limit: int, min_results: int, deadline: float
    ) -> None:
        """Appends to `done` until there are enough of them or the time is over."""
        cqes = (Cqe * min(limit, self._entries))()
        next_check = time.monotonic() + _ALIVE_CHECK_S
        while len(done) < limit:
            room = min(limit - len(done), len(cqes))
            missing = min(max(min_results - len(done), 0), room)
            pause = 0.0 if missing == 0 else min(_STEP_S, max(deadline - time.monotonic(), 0.0))
            count = self._reap(ring, cqes, room, missing, pause, done)
            if len(done) >= min_results:
                if count < room:
                    return
                continue
            now = time.monotonic()
            if now >= deadline:
                return
            self._handle.check_open()
            if deadline == math.inf and now >= next_check:
                self._handle.check_alive()
                next_check = now + _ALIVE_CHECK_S

    def _reap(
        self, ring: Any, cqes: Any, room: int, missing: int, pause: float, done: List[iovec]
    ) -> int:
        """One wait in C; the number of completions."""
        until_ns = time.time_ns() + int(pause * 1e9) if pause > 0 else 0
        until = Timespec(*divmod(until_ns, 1_000_000_000))
        count = LIB.hf3fs_wait_for_ios(ring, cqes, room, missing, ctypes.byref(until))
        if count < 0:
            raise failure(-count, "cannot wait for I/Os")
        strange = 0
        for cqe in cqes[:count]:
            iov, userdata = self._prepared.pop(cqe.userdata, (None, None))
            if iov is None:
                strange += 1
                continue
            iov.result = cqe.result
            iov.userdata = userdata
            iov._in_flight = False
            done.append(iov)
        if strange:
            raise failure(errno.EBADMSG, f"{strange} completions of I/Os that were not prepared")
        return count
