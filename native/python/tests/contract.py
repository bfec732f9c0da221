# SPDX-License-Identifier: Apache-2.0
"""What a mount owes to programs that speak to it without any library; a program for bin/test-e2e.

    contract.py hold MOUNT DIR PROCESSES RINGS   processes with rings that end when they are killed
    contract.py busy MOUNT DIR                   reads through a ring until its standard input ends
    contract.py whole MOUNT DIR                  whole chunks written, whole sectors read
    contract.py gone MOUNT DIR                   what a process registered goes with it, always
    contract.py users MOUNT DIR                  a ring uses what its own user has opened; as root
    contract.py seen MOUNT DIR                   what a ring wrote is there for all, at once

Everything is written from the layout and the grammar of registrations, on purpose: a second
reading of both. Exit codes: 0 as it should be, 1 not so, 77 it cannot be tried here, and why.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time
import uuid
from typing import Callable, List, Optional

PATIENCE = 60
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.sem_open.restype = ctypes.c_void_p
LIBC.sem_post.argtypes = [ctypes.c_void_p]
LIBC.sem_timedwait.argtypes = [ctypes.c_void_p, ctypes.c_void_p]


def iovs(mount: str) -> str:
    return os.path.join(mount, "3fs-virt", "iovs")


class Shared:
    """Registered memory; its name in /dev/shm is gone as soon as it is registered."""

    def __init__(self, mount: str, size: int, attributes: str = "") -> None:
        self.id = uuid.uuid4()
        path = f"/dev/shm/contract-{uuid.uuid4()}"
        self.link = os.path.join(iovs(mount), self.id.hex + attributes)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(fd, size)
            self.map = mmap.mmap(fd, size)
            os.symlink(path, self.link)
        finally:
            os.close(fd)
            os.unlink(path)


class Ring(Shared):
    """A ring, one I/O at a time."""

    def __init__(self, mount: str, entries: int, attributes: str) -> None:
        self.slots = entries + 1
        super().__init__(mount, 16 + 32 + 96 * self.slots + 4096, attributes)
        self.sem = ctypes.addressof(ctypes.c_char.from_buffer(self.map, 16 + 96 * self.slots))
        name = os.path.basename(os.readlink(os.path.join(iovs(mount), "submit-ios")))
        self.submit = LIBC.sem_open(name[len("sem") :].replace(".", "/", 1).encode(), 0)
        if not self.submit:
            raise OSError(ctypes.get_errno(), f"sem_open of {name}")

    def index(self, at: int) -> int:
        return struct.unpack_from("<i", self.map, at)[0]

    def run(self, iov: Shared, iov_at: int, inode: int, at: int, length: int) -> int:
        """Bytes, or -errno."""
        head = self.index(0)
        args = iov.id.bytes + struct.pack("<QQQQQ", iov_at, inode, at, length, 4242)
        self.map[16 : 16 + 56] = args
        struct.pack_into("<ixxxxQ", self.map, 16 + 80 * self.slots + 16 * head, 0, 4242)
        struct.pack_into("<i", self.map, 0, (head + 1) % self.slots)
        LIBC.sem_post(self.submit)
        tail = self.index(12)
        until = struct.pack("<qq", int(time.time()) + PATIENCE, 0)
        while self.index(8) == tail:
            if LIBC.sem_timedwait(self.sem, until) != 0 and ctypes.get_errno() == errno.ETIMEDOUT:
                sys.exit(f"no completion; observed=none in {PATIENCE} s")
        slot, result, userdata = struct.unpack_from(
            "<ixxxxqQ", self.map, 16 + 56 * self.slots + 24 * tail
        )
        struct.pack_into("<i", self.map, 12, (tail + 1) % self.slots)
        expect((slot, userdata), (0, 4242), "what a completion says of its I/O")
        return result


def expect(observed: object, expected: object, what: str) -> None:
    if observed != expected:
        sys.exit(f"{what}; observed={observed}, expected={expected}")


def until(what: str, condition: Callable[[], bool], seconds: int = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"never came: {what}; limit={seconds} s")
        time.sleep(0.01)


def registrations(mount: str) -> List[str]:
    return [name for name in os.listdir(iovs(mount)) if not name.startswith("submit-ios")]


def as_child(work: Callable[[], None], ready: Optional[int] = None) -> int:
    """Runs something in a process of its own, which then waits until it is killed."""
    pid = os.fork()
    if pid != 0:
        return pid
    code = 1
    try:
        work()
        code = 0
        if ready is not None:
            os.write(ready, b"x")
            while True:
                signal.pause()
    except SystemExit as e:
        print(e, file=sys.stderr, flush=True)
    except BaseException as e:  # noqa: BLE001 (a child must not go on in the parent's code)
        print(f"{type(e).__name__}: {e}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def await_children(end: int, count: int) -> None:
    got = 0
    while got < count:
        part = os.read(end, count - got)
        if not part:
            sys.exit("a process ended before it was ready")
        got += len(part)


def end_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def filled(directory: str, name: str, content: bytes, mode: int = 0o666) -> str:
    path = os.path.join(directory, name)
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, mode)
    return path


def use_rings(mount: str, path: str, rings: int, handle: bool) -> None:
    """Registers and reads through each; all of it is left behind."""
    keep: List[object] = []
    if handle:
        keep.append(os.open(iovs(mount), os.O_RDONLY | os.O_DIRECTORY))
    fd = os.open(path, os.O_RDONLY)
    inode = os.fstat(fd).st_ino
    iov = Shared(mount, 4096)
    keep.append(iov)
    for i in range(rings):
        ring = Ring(mount, 4, f".r0.t{i}")
        keep.append(ring)
        expect(ring.run(iov, 0, inode, 0, 4096), 1000, "bytes read")
        expect(iov.map[:1000], b"c" * 1000, "what was read")
    LEFT_BEHIND.append(keep)


LEFT_BEHIND: List[object] = []


def hold(mount: str, directory: str, processes: str, rings: str) -> None:
    path = filled(directory, "hold", b"c" * 1000)
    end, ready = os.pipe()
    children = []
    for i in range(int(processes)):
        # Every fourth does without the handle that tells of its end.
        work = lambda: use_rings(mount, path, int(rings), i % 4 != 0)  # noqa: E731, B023
        children.append(as_child(work, ready))
    os.close(ready)
    await_children(end, int(processes))
    expect(len(registrations(mount)), int(processes) * (int(rings) + 1), "registrations")
    print("ready", *children, flush=True)
    sys.stdin.read()
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        expect(end_of(pid), -signal.SIGKILL, "how a process ended")
    until("the end of all registrations", lambda: not registrations(mount))
    expect([n for n in os.listdir("/dev/shm") if n.startswith("contract-")], [], "in /dev/shm")


def busy(mount: str, directory: str) -> None:
    path = filled(directory, "busy", b"b" * 4096)
    fd = os.open(path, os.O_RDONLY)
    inode = os.fstat(fd).st_ino
    iov = Shared(mount, 4096)
    ring = Ring(mount, 1, ".r0.t0")
    print("ready", os.getpid(), flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        expect(ring.run(iov, 0, inode, 0, 4096), 4096, "bytes read")
    os.unlink(ring.link)
    os.unlink(iov.link)


def whole(mount: str, directory: str) -> None:
    """Writes whole chunks and reads whole sectors, which nobody has to copy."""
    chunk, count = 1 << 20, 8
    fd = os.open(filled(directory, "whole", b""), os.O_RDWR)
    inode = os.fstat(fd).st_ino
    iov = Shared(mount, chunk)
    writes, reads = Ring(mount, 1, ".w1.t0"), Ring(mount, 1, ".r1.t0")
    contents = [os.urandom(chunk) for _ in range(count)]
    for at, content in enumerate(contents):
        iov.map[:] = content
        expect(writes.run(iov, 0, inode, at * chunk, chunk), chunk, "bytes written")
    for length in (4096, 64 << 10, chunk):
        for at, content in enumerate(contents):
            offset = random.randrange(0, chunk - length + 1, 4096)
            expect(reads.run(iov, 0, inode, at * chunk + offset, length), length, "bytes read")
            expect(iov.map[:length] == content[offset : offset + length], True, "the same bytes")


def gone(mount: str, directory: str) -> None:
    path = filled(directory, "gone", b"c" * 1000)
    for handle in (True, False):
        expect(end_of(as_child(lambda: use_rings(mount, path, 3, handle))), 0, "exit")  # noqa: B023
        until("the end of what an exited process left", lambda: not registrations(mount))
        end, ready = os.pipe()
        pid = as_child(lambda: use_rings(mount, path, 3, handle), ready)  # noqa: B023
        await_children(end, 1)
        expect(len(registrations(mount)), 4, "registrations")
        os.kill(pid, signal.SIGKILL)
        end_of(pid)
        until("the end of what a killed process left", lambda: not registrations(mount))
    in_namespace(mount, directory)


def in_namespace(mount: str, directory: str) -> None:
    """The same with a program whose process ids mean nothing outside."""
    me = [sys.executable, os.path.abspath(__file__), "hold", mount, directory, "2", "2"]
    command = ["unshare", "--pid", "--fork", "--kill-child=SIGKILL"]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as e:
        print(f"skip pid namespaces: {e}", flush=True)
        return
    if tried.returncode != 0:
        print(f"skip pid namespaces: {tried.stderr.strip()}", flush=True)
        return
    with subprocess.Popen(
        [*command, *me], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        expect(program.stdout.readline().split()[:1], ["ready"], "a namespace")
        expect(len(registrations(mount)), 6, "registrations of a namespace")
        program.kill()
    until("the end of what a namespace left", lambda: not registrations(mount))


def users(mount: str, directory: str) -> None:
    if os.getuid() != 0:
        print("not root; remedy: run it as root")
        sys.exit(77)
    private = filled(directory, "private", b"s" * 1000, 0o600)
    os.chown(private, 1001, 1001)
    shared = filled(directory, "shared", b"p" * 1000, 0o644)
    end, ready = os.pipe()

    def owner() -> None:
        become(1001)
        LEFT_BEHIND.append([os.open(private, os.O_RDWR), os.open(shared, os.O_RDONLY)])

    holder = as_child(owner, ready)
    await_children(end, 1)
    secret = os.stat(private).st_ino
    public = os.stat(shared).st_ino

    def other() -> None:
        become(1002)
        iov = Shared(mount, 4096)
        reads, writes = Ring(mount, 4, ".r0.t0"), Ring(mount, 4, ".w0.t0")
        for inode in (secret, public):
            expect(reads.run(iov, 0, inode, 0, 1000), -errno.EBADF, "read of another's file")
            expect(writes.run(iov, 0, inode, 0, 10), -errno.EBADF, "write to another's file")
        expect(iov.map[:], bytes(4096), "memory after refused reads")
        fd = os.open(shared, os.O_RDONLY)
        expect(reads.run(iov, 0, public, 0, 2000), 1000, "read of a file that was opened")
        expect(writes.run(iov, 0, public, 0, 10), -errno.EACCES, "write to a file opened to read")
        os.close(fd)

    expect(end_of(as_child(other)), 0, "another user")

    def same() -> None:
        become(1001)
        iov = Shared(mount, 4096)
        iov.map[:4] = b"mine"
        expect(Ring(mount, 4, ".w0.t0").run(iov, 0, secret, 0, 4), 4, "the owner's write")
        expect(Ring(mount, 4, ".r0.t0").run(iov, 0, secret, 0, 4096), 1000, "the owner's read")

    expect(end_of(as_child(same)), 0, "the same user in another process")
    os.kill(holder, signal.SIGKILL)
    end_of(holder)
    with open(private, "rb") as f:
        expect(f.read(8), b"mine" + b"s" * 4, "what the owner wrote")


def become(uid: int) -> None:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def seen(mount: str, directory: str) -> None:
    path = filled(directory, "seen", b"")
    fd = os.open(path, os.O_RDWR)
    inode = os.fstat(fd).st_ino
    iov = Shared(mount, 1 << 20)
    writes, reads = Ring(mount, 8, ".w0.t0"), Ring(mount, 8, ".r0.ph.t1.f10")
    for i in range(1, 40):
        length = 1 + i * 7919 % (1 << 20)
        at = i * 300_007
        content = bytes([i]) * length
        iov.map[:length] = content
        expect(writes.run(iov, 0, inode, at, length), length, "bytes written")
        # Another process, by its own descriptor, without a sync.
        found = subprocess.run(
            ["dd", f"if={path}", "iflag=skip_bytes,count_bytes", f"skip={at}", f"count={length}"],
            capture_output=True,
            check=True,
        ).stdout
        expect(found == content, True, f"what dd sees of {length} bytes at {at}")
        until("the length", lambda: os.stat(path).st_size >= at + length, 6)  # noqa: B023
        expect(os.pread(fd, length, at) == content, True, "what pread sees")
        os.pwrite(fd, b"over", at)
        expect(reads.run(iov, 0, inode, at, min(length, 4)), min(length, 4), "bytes read")
        expect(iov.map[: min(length, 4)], b"over"[:length], "what the ring sees of pwrite")
    os.ftruncate(fd, 1 << 40)
    expect(reads.run(iov, 0, inode, 1 << 39, 4096), -errno.ENODATA, "a hole where it is forbidden")
    expect(Ring(mount, 1, ".f1.r0.t0").run(iov, 0, inode, 1 << 39, 4096), 4096, "a hole elsewhere")
    expect(iov.map[:4096], bytes(4096), "what is read of a hole")


def run_case(usage: Optional[str], *functions: Callable[..., None]) -> None:
    """Calls the function that the first argument names, with the others."""
    cases = {f.__name__: f for f in functions}
    if len(sys.argv) < 4 or sys.argv[1] not in cases:
        print(usage, file=sys.stderr)
        sys.exit(2)
    cases[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    run_case(__doc__, hold, busy, whole, gone, users, seen)
