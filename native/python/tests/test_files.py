# SPDX-License-Identifier: Apache-2.0
"""Whole files, mount points, links, holes, and the dataset of examples/, on a mount."""

import errno
import multiprocessing
import os
import tempfile
import unittest

import support
from hf3fs_fuse import io
from hf3fs_fuse._shm import Shm
from hf3fs_fuse.fuse import get_mount_point
from support import PATIENCE

CHUNK = 1 << 20


class ShmTest(unittest.TestCase):
    def test_memory_that_cannot_be_had_is_an_error_and_leaves_nothing(self):
        before = {name for name in os.listdir("/dev/shm") if name.startswith("hf3fs-iov-")}
        with self.assertRaisesRegex(OSError, "observed=.*remedy: make /dev/shm larger"):
            Shm(-1)
        after = {name for name in os.listdir("/dev/shm") if name.startswith("hf3fs-iov-")}
        self.assertLessEqual(after, before)


class FilesTest(support.MountTest):
    def test_the_mount_point_is_found_from_paths_on_it(self):
        for path in (self.mount, self.directory, self.directory + "/not/yet/there"):
            self.assertEqual(io.extract_mount_point(path), self.mount)
            self.assertEqual(get_mount_point(path), self.mount)
        for path in ("/proc/self", "/", "/nowhere"):
            self.assertIsNone(io.extract_mount_point(path))

    def test_read_file_reads_all_of_it_whatever_the_block_size(self):
        content = self.bytes(1_234_567)
        path = self.file(content)
        for block_size in (1 << 30, 1_234_567, 1_234_566, 1 << 20, 4096 + 1, 1 << 16):
            self.assertEqual(io.read_file(path, block_size=block_size), content, block_size)
        self.assertEqual(io.read_file(path, self.mount, 100_000, 1_000_000), content[1_000_000:])
        self.assertEqual(io.read_file(path, off=len(content)), b"")
        self.assertEqual(io.read_file(path, off=1 << 50), b"")
        self.assertEqual(io.read_file(self.file(b"", "empty")), b"")
        self.assertEqual(io.read_file(path, priority=io.IorPriority.LOW), content)

    def test_read_file_calls_back_with_each_block(self):
        content = self.bytes(10_500)
        path = self.file(content)
        seen = []
        answer = io.read_file(path, block_size=1000, cb=lambda d, at: seen.append((at, bytes(d))))
        self.assertIsNone(answer)
        self.assertEqual([at for at, _ in seen], list(range(0, 10_500, 1000)))
        self.assertEqual(b"".join(data for _, data in seen), content)

    def test_the_callback_says_where_to_go_on_or_that_it_is_enough(self):
        content = self.bytes(10_000)
        path = self.file(content)
        seen = []

        def jump(data, at):
            seen.append((at, bytes(data)))
            return at + 3000

        io.read_file(path, block_size=1000, off=500, cb=jump)
        self.assertEqual([at for at, _ in seen], [500, 3500, 6500, 9500])
        self.assertEqual(seen[-1][1], content[9500:])
        seen.clear()
        io.read_file(path, block_size=1000, cb=lambda d, at: seen.append(at) or at == 2000)
        self.assertEqual(seen, [0, 1000, 2000])

    def test_read_file_may_be_left_by_an_exception_and_data_kept(self):
        path = self.file(b"z" * 5000)
        before = self.registrations()
        kept = []

        def fail(data, at):
            kept.append(data)
            raise RuntimeError("enough")

        with self.assertRaises(RuntimeError):
            io.read_file(path, block_size=1000, cb=fail)
        self.assertEqual(bytes(kept[0]), b"z" * 1000)
        kept.clear()
        self.assertLessEqual(self.registrations(), before)

    def test_read_file_fails_as_open_and_registration_do(self):
        with self.assertRaises(FileNotFoundError):
            io.read_file(self.directory + "/nothing")
        with tempfile.NamedTemporaryFile() as foreign:
            with self.assertRaises(OSError) as raised:
                io.read_file(foreign.name)
            self.assertEqual(raised.exception.errno, errno.EBADF)

    def test_force_fsync_is_for_files_of_the_mount(self):
        fd = os.open(self.file(b"x"), os.O_RDWR)
        self.stack.callback(os.close, fd)
        self.assertEqual(io.force_fsync(fd), 0)
        with tempfile.TemporaryFile() as foreign:
            with self.assertRaises(OSError):
                io.force_fsync(foreign.fileno())

    def test_hard_links_and_holes(self):
        path = self.file(b"h" * (2 * CHUNK))
        link = path + "-link"
        with self.assertRaises(ValueError):
            io.punch_hole(path, [0], [])
        with self.assertRaises(FileNotFoundError):
            io.hardlink(path + "-nothing", link)
        io.hardlink(path, link)
        io.punch_hole(path, [0, CHUNK + 5], [CHUNK, CHUNK + 8])
        self.assertTrue(os.path.samefile(path, link))
        with open(path, "rb") as f:
            self.assertEqual(f.read(), bytes(CHUNK) + b"h" * 5 + bytes(3) + b"h" * (CHUNK - 8))
        with self.assertRaises(OSError) as raised:
            io.punch_hole(path, [5], [4])
        self.assertEqual(raised.exception.errno, errno.EINVAL)
        with self.assertRaises(FileExistsError):
            io.hardlink(path, link)


class DatasetTest(support.MountTest):
    SIZE = 3000

    def setUp(self):
        super().setUp()
        from dataset import RecordDataset

        self.records = [self.bytes(self.SIZE) for _ in range(100)]
        path = self.file(b"".join(self.records) + b"half a record")
        self.dataset = RecordDataset(path, self.SIZE, depth=16)
        self.stack.callback(self.dataset.close)

    def test_records_are_read_one_by_one_and_in_batches(self):
        self.assertEqual(len(self.dataset), 100)
        self.assertEqual(self.dataset[7], self.records[7])
        order = list(range(100))
        self.random.shuffle(order)
        expected = [self.records[i] for i in order]
        self.assertEqual(self.dataset.__getitems__(order), expected, f"seed={self.seed}")
        batches = list(self.dataset.batches(order, 7))
        self.assertEqual([len(b) for b in batches], [7] * 14 + [2])
        self.assertEqual([r for b in batches for r in b], expected, f"seed={self.seed}")

    def test_batches_left_half_way_do_not_mix_with_the_next(self):
        for _ in self.dataset.batches(range(100), 5):
            break
        batches = self.dataset.batches(range(100), 5)
        next(batches)
        batches.close()
        self.assertEqual(self.dataset.__getitems__([1, 2]), self.records[1:3])

    def test_a_forked_worker_reads_with_a_ring_of_its_own(self):
        self.assertEqual(self.dataset[1], self.records[1])
        context = multiprocessing.get_context("fork")
        answers = context.Queue()

        def work(dataset):
            answers.put(dataset.__getitems__([5, 99]))
            dataset.close()

        worker = context.Process(target=work, args=(self.dataset,))
        worker.start()
        self.assertEqual(answers.get(timeout=PATIENCE), [self.records[5], self.records[99]])
        worker.join(PATIENCE)
        self.assertEqual(worker.exitcode, 0)
        self.assertEqual(self.dataset[2], self.records[2])

    def test_records_beyond_the_end_are_errors(self):
        for index in (-1, 100):
            with self.assertRaises(IndexError):
                self.dataset[index]


if __name__ == "__main__":
    unittest.main()
