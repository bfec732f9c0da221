# SPDX-License-Identifier: Apache-2.0
"""Shared memory without multiprocessing's resource tracker.

The tracker unlinks memory that another process made, and warns of memory that is gone. What is
registered needs no name any more, so ours is unlinked at once and the kernel does the rest.
"""

from __future__ import annotations

import errno
import mmap
import os
import uuid

from hf3fs_py_usrbio._errors import failure

_SHM_DIR = "/dev/shm"


class Shm:
    """`size` bytes that are there: no SIGBUS when /dev/shm is full, but OSError here.

    Attributes:
        name: file below /dev/shm.
        buf: the memory; it stays mapped as long as something refers to it.
    """

    def __init__(self, size: int) -> None:
        self.name = f"hf3fs-iov-{uuid.uuid4()}"
        self._path = f"{_SHM_DIR}/{self.name}"
        # 0666 less umask, as the C library's: the daemon may run as another user.
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            os.posix_fallocate(fd, 0, size)
            self.buf = memoryview(mmap.mmap(fd, size))
        except OSError as e:
            self.unlink()
            raise failure(
                e.errno or errno.EIO,
                f"cannot have {size} bytes of shared memory",
                f"make {_SHM_DIR} larger (containers: --shm-size), or use a smaller block_size",
            ) from e
        finally:
            os.close(fd)

    def unlink(self) -> None:
        """Removes the name; afterwards it cannot be registered."""
        os.unlink(self._path)
