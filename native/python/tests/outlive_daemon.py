# SPDX-License-Identifier: Apache-2.0
"""outlive_daemon.py DIRECTORY: waits for an I/O that never comes, and is left by the daemon.

Says `waiting` when it does: then kill the daemon. Exit code 0: the wait ended with ENOTCONN.
"""

import errno
import os
import sys
from multiprocessing.shared_memory import SharedMemory

import support  # noqa: F401 (sets the path)
from hf3fs_fuse import io

mount = io.extract_mount_point(sys.argv[1])
fd = os.open(os.path.join(sys.argv[1], "outlives"), os.O_RDWR | os.O_CREAT, 0o644)
io.register_fd(fd)
shm = SharedMemory(create=True, size=4096)
iov = io.make_iovec(shm, mount)
shm.unlink()
ring = io.make_ioring(mount, 4, io_depth=4)  # one I/O is not a batch
ring.prepare(iov[:], True, fd, 0).submit()
print("waiting", flush=True)
try:
    print("the wait returned", ring.wait(min_results=1))
except OSError as e:
    print(e)
    sys.exit(0 if e.errno == errno.ENOTCONN else 1)
sys.exit(1)
