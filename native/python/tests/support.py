# SPDX-License-Identifier: Apache-2.0
"""What the tests share. LAMPYRIS_TEST_MOUNT names a mount for the tests that need one."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sys
import tempfile
import unittest
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from hf3fs_fuse import io  # noqa: E402 (needs the path above)

MOUNT = os.environ.get("LAMPYRIS_TEST_MOUNT", "")
# A wait that takes so long has failed; seconds.
PATIENCE = 30


@unittest.skipUnless(
    MOUNT,
    "no mount; remedy: LAMPYRIS_TEST_MOUNT=/mnt/l with a running `lampyris up --mount /mnt/l`",
)
class MountTest(unittest.TestCase):
    """A test with a directory of its own on the mount; everything made here goes after it."""

    def setUp(self) -> None:
        self.mount = io.extract_mount_point(MOUNT)
        self.assertIsNotNone(self.mount, f"{MOUNT} is not on a mount of ours")
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = tempfile.mkdtemp(dir=MOUNT, prefix="python-")
        self.stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.seed = int(os.environ.get("SEED", random.randrange(2**31)))
        self.random = random.Random(self.seed)

    def bytes(self, size: int) -> bytes:
        return self.random.getrandbits(8 * size).to_bytes(size, "little") if size else b""

    def file(self, content: bytes, name: str = "file") -> str:
        path = os.path.join(self.directory, name)
        with open(path, "wb") as f:
            f.write(content)
        return path

    def open(self, path: str, flags: int) -> int:
        """A registered descriptor."""
        fd = os.open(path, flags, 0o644)
        self.stack.callback(os.close, fd)
        io.register_fd(fd)
        self.stack.callback(io.deregister_fd, fd)
        return fd

    def shm(self, size: int) -> SharedMemory:
        shm = SharedMemory(create=True, size=size)
        self.stack.callback(self._close, shm)
        return shm

    def iov(self, size: int, block_size: int = 0) -> io.iovec:
        return io.make_iovec(self.shm(size), self.mount, block_size)

    def ring(self, entries: int, for_read: bool = True, **options) -> io.ioring:
        ring = io.make_ioring(self.mount, entries, for_read, **options)
        self.stack.callback(ring.destroy)
        return ring

    def registrations(self) -> set:
        names = os.listdir(os.path.join(self.mount, "3fs-virt/iovs"))
        return {name for name in names if not name.startswith("submit-ios")}

    @staticmethod
    def _close(shm: SharedMemory) -> None:
        with contextlib.suppress(FileNotFoundError):
            shm.unlink()
        shm.close()
