# SPDX-License-Identifier: Apache-2.0
"""Rings on a mount: both directions, errors, limits, threads, processes and lifetimes."""

import datetime
import errno
import gc
import multiprocessing
import os
import signal
import tempfile
import threading
import time
import traceback
import unittest

import support
from hf3fs_fuse import io
from support import PATIENCE

MIB = 1 << 20


def shared_memory() -> set:
    """What programs of the library have left in /dev/shm."""
    return {name for name in os.listdir("/dev/shm") if name.startswith("hf3fs-iov-")}


class RingTest(support.MountTest):
    def fails(self, code, call, *arguments, **named):
        with self.assertRaises(OSError) as raised:
            call(*arguments, **named)
        self.assertEqual(raised.exception.errno, code, raised.exception)
        return str(raised.exception)

    def one(self, ring, iov, fd, off, read=True):
        [done] = ring.prepare(iov, read, fd, off).submit().wait(min_results=1, timeout=PATIENCE)
        return done.result

    def test_a_ring_reads_what_the_mount_wrote(self):
        content = self.bytes(3 * MIB + 123)
        fd = self.open(self.file(content), os.O_RDONLY)
        iov = self.iov(4 * MIB)
        ring = self.ring(64)
        expected = {}
        for i in range(64):
            at = self.random.randrange(len(content))
            size = self.random.randrange(1, 64 * 1024)
            expected[i] = content[at : at + size]
            ring.prepare(iov[i << 16 : (i << 16) + size], True, fd, at, userdata=i)
        done = ring.submit().wait(min_results=64, timeout=PATIENCE)
        self.assertEqual(sorted(d.userdata for d in done), list(range(64)), f"seed={self.seed}")
        for d in done:
            self.assertEqual(d.result, len(expected[d.userdata]), f"seed={self.seed}")
            self.assertEqual(bytes(d.buf[: d.result]), expected[d.userdata], f"seed={self.seed}")

    def test_the_mount_reads_what_a_ring_wrote(self):
        path = os.path.join(self.directory, "new")
        fd = self.open(path, os.O_WRONLY | os.O_CREAT)
        content = self.bytes(2 * MIB + 77)
        iov = self.iov(len(content))
        iov[:] = content
        ring = self.ring(32, for_read=False)
        for at in range(0, len(content), 100_000):
            part = iov[at : at + 100_000]
            ring.prepare(part, False, fd, at, userdata=len(part))
        for done in ring.submit().wait(min_results=21, timeout=PATIENCE):
            self.assertEqual(done.result, done.userdata)
        self.assertEqual(io.force_fsync(fd), 0)
        self.assertEqual(os.stat(path).st_size, len(content))
        with open(path, "rb") as f:
            self.assertEqual(f.read(), content)

    def test_reads_end_at_the_end_of_the_file(self):
        fd = self.open(self.file(b"x" * 1000), os.O_RDONLY)
        iov, ring = self.iov(4096), self.ring(1)
        self.assertEqual(self.one(ring, iov[:], fd, 900), 100)
        for beyond in (1000, 1001, 1 << 40):
            self.assertEqual(self.one(ring, iov[:], fd, beyond), 0)

    def test_holes_read_as_zeros_or_fail_with_the_flag(self):
        path = self.file(b"")
        os.truncate(path, 1 << 40)
        fd = self.open(path, os.O_RDONLY)
        iov = self.iov(4096)
        iov[:] = b"\xff" * 4096
        self.assertEqual(self.one(self.ring(1), iov[:], fd, 1 << 39), 4096)
        self.assertEqual(bytes(iov.buf), bytes(4096))
        for priority in (None, io.IorPriority.HIGH, io.IorPriority.NORMAL, io.IorPriority.LOW):
            ring = self.ring(1, flags=2, priority=priority, timeout=1)
            self.assertEqual(self.one(ring, iov[:], fd, 1 << 39), -errno.ENODATA)

    def test_a_ring_with_priority_and_flags_is_registered_with_both_and_goes(self):
        iovs = os.path.join(self.mount, "3fs-virt", "iovs")
        before, shared = set(os.listdir(iovs)), shared_memory()
        ring = self.ring(4, io_depth=-2, flags=3, priority=io.IorPriority.LOW, timeout=7)
        self.assertEqual(ring.entries, 4)
        [name] = set(os.listdir(iovs)) - before
        self.assertRegex(name, r"^[0-9a-f]{32}\.r-2\.pl\.t7\.f11$")
        ring.destroy()
        self.assertEqual(set(os.listdir(iovs)), before)
        self.assertLessEqual(shared_memory(), shared)
        self.fails(errno.EINVAL, self.ring, 4, io_depth=5, flags=1, priority=io.IorPriority.LOW)
        self.fails(errno.EINVAL, self.ring, 4, flags=4, priority=io.IorPriority.LOW)
        self.assertEqual(set(os.listdir(iovs)), before)
        self.assertLessEqual(shared_memory(), shared)

    def test_prepare_refuses_what_cannot_be_done(self):
        path = self.file(b"x" * 100)
        reader = self.open(path, os.O_RDONLY)
        writer = self.open(path, os.O_WRONLY)
        iov = self.iov(4096)
        reads, writes = self.ring(4), self.ring(4, for_read=False)
        self.fails(errno.EACCES, writes.prepare, iov[:], False, reader, 0)
        self.fails(errno.EACCES, reads.prepare, iov[:], True, writer, 0)
        self.fails(errno.EINVAL, reads.prepare, iov[:], False, reader, 0)
        self.fails(errno.EINVAL, reads.prepare, iov[5:5], True, reader, 0)
        self.fails(errno.EINVAL, reads.prepare, iov[:], True, reader, -1)
        self.fails(errno.EINVAL, reads.prepare, iov[:], True, reader, 2**64)
        self.fails(errno.EBADF, reads.prepare, iov[:], True, 0, 0)
        with self.assertRaises(TypeError):
            reads.prepare(iov.buf, True, reader, 0)
        self.assertEqual(self.one(reads, iov[:], reader, 0), 100, "none of it is in the ring")

    def test_only_files_of_the_mount_are_registered_and_only_once(self):
        with tempfile.TemporaryFile() as foreign:
            message = self.fails(errno.EBADF, io.register_fd, foreign.fileno())
            self.assertRegex(message, "observed=.*remedy: ")
        fd = self.open(self.file(b"x"), os.O_RDONLY)
        self.fails(errno.EINVAL, io.register_fd, fd)
        io.deregister_fd(fd)
        self.fails(errno.EBADF, self.ring(1).prepare, self.iov(10)[:], True, fd, 0)
        io.register_fd(fd)

    def test_rings_and_buffers_that_cannot_be_are_refused(self):
        for arguments in ({"entries": 0}, {"entries": 4, "io_depth": 5}, {"entries": 2**31}):
            self.fails(errno.EINVAL, io.make_ioring, self.mount, **arguments)
        self.fails(errno.EINVAL, io.make_ioring, self.mount, 4, timeout=-1)
        self.fails(errno.ENOENT, io.make_ioring, "/nowhere", 4)
        shm = self.shm(4096)
        self.fails(errno.ENOENT, io.make_iovec, shm, "/nowhere")
        before = self.registrations()
        self.fails(errno.EINVAL, io.make_iovec, shm, self.mount, 4097)
        self.assertLessEqual(self.registrations(), before, "nothing is left of it")

    def test_a_closed_ring_says_so(self):
        ring = self.ring(4)
        iov = self.iov(10)
        fd = self.open(self.file(b"x"), os.O_RDONLY)
        with ring:
            self.assertEqual(self.one(ring, iov[:], fd, 0), 1)
        ring.destroy()
        self.fails(errno.EBADF, ring.prepare, iov[:], True, fd, 0)
        self.fails(errno.EBADF, ring.submit)
        self.fails(errno.EBADF, ring.wait, min_results=1)

    def test_destroy_ends_a_wait_in_another_thread(self):
        ring = self.ring(4)
        seen = []

        def wait():
            try:
                ring.wait(min_results=1)
            except OSError as e:
                seen.append(e.errno)

        thread = threading.Thread(target=wait)
        thread.start()
        while ring._handle.users == 0:
            time.sleep(0.001)
        ring.destroy()
        thread.join(PATIENCE)
        self.assertEqual(seen, [errno.EBADF])

    def test_a_full_ring_says_so_and_goes_on(self):
        fd = self.open(self.file(b"y" * 8192), os.O_RDONLY)
        iov, ring = self.iov(4096), self.ring(4)
        self.assertEqual(ring.entries, 4)
        # A daemon that is awake may take one before submit: then its place in the ring is free
        # for one more, and the slots, one more than entries, are what is full.
        slots = ring.entries + 1
        for _ in range(3):
            prepared = 0
            with self.assertRaises(BlockingIOError):
                while prepared <= slots:
                    ring.prepare(iov[:1], True, fd, 0)
                    prepared += 1
            done = ring.submit().wait(max_results=100, min_results=prepared, timeout=PATIENCE)
            self.assertEqual([d.result for d in done], [1] * prepared)
            self.assertEqual(ring.wait(max_results=100), [])

    def test_wait_returns_what_there_is_when_the_time_is_over(self):
        fd = self.open(self.file(b"y" * 8192), os.O_RDONLY)
        iov, ring = self.iov(4096), self.ring(4)
        self.assertEqual(ring.wait(), [])
        self.assertEqual(ring.wait(min_results=1, timeout=0.01), [])
        self.assertEqual(ring.wait(min_results=1, timeout=datetime.timedelta(milliseconds=5)), [])
        ring.prepare(iov[:1], True, fd, 0).prepare(iov[1:3], True, fd, 0).submit()
        self.assertEqual(len(ring.wait(min_results=1, timeout=PATIENCE)), 1)
        self.assertEqual(len(ring.wait(min_results=3, timeout=1)), 1)

    def test_batches_are_processed_as_io_depth_says(self):
        fd = self.open(self.file(b"y" * 8192), os.O_RDONLY)
        iov = self.iov(4096)
        exact = self.ring(8, io_depth=4)
        for _ in range(3):
            exact.prepare(iov[:1], True, fd, 0)
        self.assertEqual(exact.submit().wait(min_results=3, timeout=0.1), [], "not a batch yet")
        exact.prepare(iov[:1], True, fd, 0)
        self.assertEqual(len(exact.submit().wait(min_results=4, timeout=PATIENCE)), 4)
        for options in ({"io_depth": -4}, {"io_depth": -4, "timeout": 5}, {"priority": -1}):
            ring = self.ring(8, **options)
            for _ in range(7):
                ring.prepare(iov[:1], True, fd, 0)
            self.assertEqual(len(ring.submit().wait(min_results=7, timeout=PATIENCE)), 7, options)

    def test_no_io_crosses_a_block_of_the_buffer(self):
        fd = self.open(self.file(b"y" * 8192), os.O_RDONLY)
        iov, ring = self.iov(4096, block_size=1024), self.ring(1)
        self.assertEqual(iov[5:].block_size, 1024)
        self.assertEqual(self.one(ring, iov[1024:2048], fd, 0), 1024)
        self.assertEqual(self.one(ring, iov[1000:1100], fd, 0), -errno.EINVAL)

    def test_one_slice_prepared_twice_has_two_results(self):
        fd = self.open(self.file(b"y" * 100), os.O_RDONLY)
        ring, part = self.ring(4), self.iov(64)[:]
        ring.prepare(part, True, fd, 0, userdata="a").prepare(part, True, fd, 90, userdata="b")
        done = ring.submit().wait(min_results=2, timeout=PATIENCE)
        self.assertEqual({d.userdata: d.result for d in done}, {"a": 64, "b": 10})
        self.assertIn(part, done)

    def test_ctrl_c_interrupts_a_wait_and_loses_nothing(self):
        fd = self.open(self.file(b"y" * 100), os.O_RDONLY)
        ring = self.ring(4)
        ring.prepare(self.iov(64)[:], True, fd, 0).submit()

        def interrupt(*_):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with self.assertRaises(KeyboardInterrupt):
                ring.wait(min_results=2)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        self.assertEqual([d.result for d in ring.wait(min_results=1, timeout=PATIENCE)], [64])

    def test_threads_share_a_ring(self):
        content = self.bytes(MIB)
        fd = self.open(self.file(content), os.O_RDONLY)
        rounds, lock, good, errors = 200, threading.Lock(), [], []
        iov, ring = self.iov(4 * 4096), self.ring(4 * rounds)

        def work(part, rng):
            try:
                for _ in range(rounds):
                    at = rng.randrange(MIB - 4096)
                    ring.prepare(part[:], True, fd, at, userdata=(at, part)).submit()
                    # Whose I/O this is does not matter; its memory is free once it is back.
                    [done] = ring.wait(min_results=1, timeout=PATIENCE)
                    at, part = done.userdata
                    same = bytes(done.buf) == content[at : at + 4096]
                    with lock:
                        good.append(done.result == 4096 and same)
            except BaseException:
                errors.append(traceback.format_exc())

        parts = [iov[i * 4096 : (i + 1) * 4096] for i in range(4)]
        threads = [
            threading.Thread(target=work, args=(part, type(self.random)(self.seed + i)))
            for i, part in enumerate(parts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertEqual((len(good), all(good)), (4 * rounds, True), f"seed={self.seed}")

    def test_a_forked_child_has_to_make_its_own_ring(self):
        content = self.bytes(5000)
        path = self.file(content)
        fd = self.open(path, os.O_RDONLY)
        iov, ring = self.iov(8192), self.ring(2)

        def child(inherited_ring, inherited_iov, answers):
            try:
                inherited_ring.submit()
            except OSError as e:
                answers.put(e.errno)
            del inherited_ring, inherited_iov
            gc.collect()
            answers.put(io.read_file(path) == content)

        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        process = context.Process(target=child, args=(ring, iov, answers))
        process.start()
        self.assertEqual(answers.get(timeout=PATIENCE), errno.EBADF)
        self.assertTrue(answers.get(timeout=PATIENCE))
        process.join(PATIENCE)
        self.assertEqual(process.exitcode, 0)
        self.assertEqual(self.one(ring, iov[:], fd, 0), 5000, "the parent's still work")
        self.assertEqual(bytes(iov.buf[:5000]), content)

    def test_user_data_lives_until_its_io_is_back(self):
        class Tag:
            count = 0

            def __init__(self):
                Tag.count += 1

            def __del__(self):
                Tag.count -= 1

        fd = self.open(self.file(b"y" * 100), os.O_RDONLY)
        ring, iov = self.ring(4), self.iov(64)
        for i in range(4):
            ring.prepare(iov[i : i + 1], True, fd, 0, userdata=Tag())
        gc.collect()
        self.assertEqual(Tag.count, 4)
        done = ring.submit().wait(min_results=4, timeout=PATIENCE)
        self.assertTrue(all(isinstance(d.userdata, Tag) for d in done))
        del done
        gc.collect()
        self.assertEqual(Tag.count, 0)

    def test_objects_may_go_in_any_order_with_ios_under_way(self):
        path = self.file(self.bytes(MIB))
        before = self.registrations()
        for _ in range(30):
            shm = support.SharedMemory(create=True, size=MIB)
            iov = io.make_iovec(shm, self.mount)
            if self.random.random() < 0.5:
                shm.unlink()
                unlinked = None
            else:
                unlinked = shm.name
            ring = io.make_ioring(self.mount, 16)
            fd = os.open(path, os.O_RDONLY)
            io.register_fd(fd)
            parts = [iov[i << 16 : (i + 1) << 16] for i in range(16)]
            for i, part in enumerate(parts):
                ring.prepare(part, True, fd, i << 16, userdata=[ring, part, parts])
            ring.submit()
            objects = {"shm": shm, "iov": iov, "ring": ring, "parts": parts}
            del shm, iov, ring, part, parts
            order = list(objects)
            self.random.shuffle(order)
            for name in order:
                del objects[name]
                if self.random.random() < 0.5:
                    gc.collect()
            io.deregister_fd(fd)
            os.close(fd)
            gc.collect()
            if unlinked is not None:
                left = support.SharedMemory(name=unlinked)
                left.close()
                left.unlink()
        self.assertLessEqual(self.registrations(), before, f"seed={self.seed}")
        self.assertEqual(len(io.read_file(path)), MIB, "the daemon still serves")

    def test_a_registration_ends_with_the_last_slice(self):
        before = self.registrations()
        shm = self.shm(4096)
        iov = io.make_iovec(shm, self.mount, 1024)
        name = os.path.basename(iov.link)
        self.assertTrue(name.endswith(".b1024"))
        self.assertIn(name, self.registrations())
        part = iov[10:20][1:2]
        del iov
        self.assertIn(name, self.registrations())
        del part
        self.assertLessEqual(self.registrations(), before)


if __name__ == "__main__":
    unittest.main()
