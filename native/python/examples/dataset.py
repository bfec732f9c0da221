#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A map-style dataset of fixed-size records, read through one USRBIO ring per worker.

    python3 dataset.py /mnt/l/train.bin --record-size 65536 --batch 32

With PyTorch, RecordDataset goes into a DataLoader as it is: workers are processes, each makes its
own ring at its first read, and a whole batch is read at once (`__getitems__`). Without PyTorch,
`batches()` does what a loader would: while one batch is used, the next is being read.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from multiprocessing.shared_memory import SharedMemory
from typing import Iterator, List, Optional, Sequence

try:
    from torch.utils.data import Dataset
except ImportError:
    Dataset = object  # type: ignore[assignment, misc]

try:
    from hf3fs_fuse.io import (
        deregister_fd,
        extract_mount_point,
        make_ioring,
        make_iovec,
        register_fd,
    )
except ImportError as e:
    sys.exit(f"dataset.py: {e}; or the package is missing: pip install native/python")


class _Reader:
    """What one process needs to read: a file, a ring, and memory for two batches."""

    def __init__(self, path: str, record_size: int, depth: int) -> None:
        mount = extract_mount_point(path)
        if mount is None:
            raise ValueError(f"{path} is not on a Lampyris mount; remedy: copy it to one")
        self.pid = os.getpid()
        self.record_size = record_size
        self.depth = depth
        self.shm = SharedMemory(create=True, size=2 * depth * record_size)
        self.iov = make_iovec(self.shm, mount)
        self.shm.unlink()  # registered memory needs no name, and so goes with the process
        self.ring = make_ioring(mount, 2 * depth, for_read=True)
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        register_fd(self.fd)
        self.free = list(range(2 * depth))

    def start(self, indices: Sequence[int]) -> List[int]:
        """Starts to read records; returns the slots of memory they go to."""
        slots = [self.free.pop() for _ in indices]
        for index, slot in zip(indices, slots):
            at = slot * self.record_size
            part = self.iov[at : at + self.record_size]
            self.ring.prepare(part, True, self.fd, index * self.record_size, userdata=slot)
        self.ring.submit()
        return slots

    def finish(self, slots: Sequence[int], arrived: set) -> List[bytes]:
        """Waits until these slots have arrived, whatever else does; returns copies."""
        while not arrived.issuperset(slots):
            for done in self.ring.wait(max_results=self.depth, min_results=1):
                if done.result != self.record_size:
                    raise OSError(f"record in slot {done.userdata}: {done.result} bytes or -errno")
                arrived.add(done.userdata)
        records = []
        for slot in slots:
            at = slot * self.record_size
            records.append(bytes(self.shm.buf[at : at + self.record_size]))
            arrived.discard(slot)
            self.free.append(slot)
        return records

    def close(self) -> None:
        self.ring.destroy()
        deregister_fd(self.fd)
        os.close(self.fd)
        del self.iov
        self.shm.close()


class RecordDataset(Dataset):
    """Records of `record_size` bytes, one after the other in the file `path` on a mount.

    `dataset[i]` is a record as bytes (`torch.frombuffer(bytearray(r), dtype=...)` makes a tensor
    of it). At most `depth` records are read at once per process, into 2 * depth * record_size bytes
    of shared memory. Raises IndexError beyond the end, OSError when a read fails.
    """

    def __init__(self, path: str, record_size: int, depth: int = 64) -> None:
        self.path = path
        self.record_size = record_size
        self.depth = depth
        self._count = os.stat(path).st_size // record_size
        self._reader: Optional[_Reader] = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> bytes:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> List[bytes]:
        """A batch at once: newer DataLoaders call this."""
        return [record for batch in self.batches(indices, self.depth) for record in batch]

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_reader": None}  # a spawned worker makes its own

    def batches(self, indices: Sequence[int], batch_size: int) -> Iterator[List[bytes]]:
        """Batches of records in the order of `indices`; the next one is read meanwhile."""
        if not 0 < batch_size <= self.depth:
            limit = f"1..{self.depth}"
            raise ValueError(f"batch_size is out of range; observed={batch_size}, limit={limit}")
        for index in indices:
            if not 0 <= index < self._count:
                raise IndexError(f"no such record; observed={index}, limit=0..{self._count - 1}")
        reader = self._own_reader()
        arrived: set = set()
        pending: Optional[List[int]] = None
        try:
            for at in range(0, len(indices), batch_size):
                following = reader.start(indices[at : at + batch_size])
                ready, pending = pending, following
                if ready is not None:
                    yield reader.finish(ready, arrived)
            if pending is not None:
                ready, pending = pending, None
                yield reader.finish(ready, arrived)
        finally:
            # Left half-way: what is still under way must not end up in another batch.
            if pending is not None or arrived or len(reader.free) != 2 * self.depth:
                self.close()

    def _own_reader(self) -> _Reader:
        # A forked worker inherits the parent's reader, which is of no use to it.
        if self._reader is None or self._reader.pid != os.getpid():
            self._reader = _Reader(self.path, self.record_size, self.depth)
        return self._reader

    def close(self) -> None:
        """Gives back ring, memory and file; reading again makes new ones."""
        reader, self._reader = self._reader, None
        if reader is not None and reader.pid == os.getpid():
            reader.close()


def _main() -> None:
    parser = argparse.ArgumentParser(description="Reads the records of a file in random order.")
    parser.add_argument("path", help="file on a mount")
    parser.add_argument("--record-size", type=int, default=64 * 1024, help="bytes (64 KiB)")
    parser.add_argument("--batch", type=int, default=32, help="records at a time (32)")
    parser.add_argument("--workers", type=int, default=0, help="processes, with PyTorch only")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    dataset = RecordDataset(options.path, options.record_size, max(64, options.batch))
    order = list(range(len(dataset)))
    random.Random(options.seed).shuffle(order)
    started = time.monotonic()
    if Dataset is object or options.workers == 0:
        batches = dataset.batches(order, options.batch)
    else:
        from torch.utils.data import DataLoader

        batches = DataLoader(
            dataset,
            batch_size=options.batch,
            sampler=order,
            num_workers=options.workers,
            collate_fn=list,
        )
    count = sum(len(batch) for batch in batches)
    seconds = time.monotonic() - started
    mib = count * options.record_size / 2**20
    print(f"{count} records, {mib:.0f} MiB in {seconds:.2f} s: {mib / seconds:.0f} MiB/s")
    dataset.close()


if __name__ == "__main__":
    _main()
