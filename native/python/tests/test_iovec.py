# SPDX-License-Identifier: Apache-2.0
"""Slices of memory; no mount is needed to wrap it."""

import errno
import gc
import mmap
import unittest
import uuid
import weakref
from multiprocessing.shared_memory import SharedMemory

import support  # noqa: F401 (sets the path)
from hf3fs_py_usrbio import iovec

try:
    import numpy
except ImportError:
    numpy = None

SIZE = 4096
ID = str(uuid.UUID(int=7))


class IovecTest(unittest.TestCase):
    def setUp(self):
        self.memory = mmap.mmap(-1, SIZE)
        self.memory[:] = bytes(range(256)) * (SIZE // 256)
        self.iov = iovec(self.memory, ID, "/mnt/l")

    def test_slices_are_views_with_offset_and_length(self):
        part = self.iov[100:200]
        self.assertEqual((len(part), part.base_off), (100, 100))
        self.assertEqual((part.result, part.userdata), (0, None))
        self.assertEqual(bytes(part.buf), self.memory[100:200])
        deeper = part[10:-10]
        self.assertEqual((len(deeper), deeper.base_off), (80, 110))
        deeper.buf[0] = 0
        self.assertEqual(self.memory[110], 0)
        self.assertEqual(len(self.iov[:]), SIZE)
        self.assertEqual(len(self.iov[SIZE - 1 : 2 * SIZE]), 1)
        self.assertEqual(len(self.iov[20:10]), 0)
        self.assertEqual(bytes(self.iov[20:10].buf), b"")

    def test_slices_are_buffers(self):
        for part in (self.iov, self.iov[7:77], self.iov[7:77][1:2], self.iov[5:5]):
            self.assertEqual(len(memoryview(part)), len(part))
            self.assertEqual(bytes(part), bytes(part.buf))

    @unittest.skipIf(numpy is None, "no numpy; remedy: pip install numpy")
    def test_numpy_sees_the_memory_itself(self):
        part = self.iov[64:128]
        for source in (part, part.buf):
            array = numpy.frombuffer(source, dtype=numpy.uint32)
            self.assertEqual(array.shape, (16,))
            array[3] = 0xFFFFFFFF
            self.assertEqual(self.memory[76:80], b"\xff" * 4)
        part[:] = numpy.arange(16, dtype=numpy.uint32)
        self.assertEqual(self.memory[64:72], b"\0\0\0\0\1\0\0\0")

    def test_bytes_are_copied_into_a_slice_of_their_length(self):
        self.iov[10:13] = b"abc"
        self.iov[20:40][2:4] = bytearray(b"de")
        self.assertEqual(self.memory[10:13] + self.memory[22:24], b"abcde")
        with self.assertRaises(ValueError):
            self.iov[10:14] = b"abc"

    def test_only_slices_of_step_one_exist(self):
        with self.assertRaisesRegex(ValueError, "observed=step 2"):
            self.iov[::2]
        with self.assertRaises(TypeError):
            self.iov[3]

    def test_slice_by_finds_a_buffer_in_the_memory(self):
        part = self.iov[1000:2000]
        self.assertEqual(part.slice_by(memoryview(self.memory)[1500:1600]).base_off, 1500)
        for outside in (memoryview(self.memory)[999:1100], memoryview(self.memory)[1990:2001]):
            with self.assertRaises(IndexError):
                part.slice_by(outside)
        with self.assertRaises(IndexError):
            self.iov.slice_by(bytearray(8))

    def test_wrong_arguments_are_errors(self):
        wrap = [
            (bytearray(), ID, "/mnt/l", 0),
            (self.memory, ID, "", 0),
            (self.memory, ID, "/" * 256, 0),
            (self.memory, ID, "/mnt/l", SIZE + 1),
            (self.memory, ID, "/mnt/l", -1),
        ]
        for arguments in wrap:
            with self.assertRaises(OSError) as raised:
                iovec(*arguments)
            self.assertEqual(raised.exception.errno, errno.EINVAL)
        with self.assertRaises(ValueError):
            iovec(self.memory, "not a uuid", "/mnt/l")
        with self.assertRaises(TypeError):
            iovec(b"read-only", ID, "/mnt/l")

    def test_ids_may_have_hyphens_or_not(self):
        self.assertEqual(len(iovec(self.memory, uuid.UUID(ID).hex, "/mnt/l")), SIZE)

    def test_a_slice_keeps_the_memory_and_the_last_one_frees_it(self):
        gone = weakref.ref(self.memory)
        part = self.iov[5:10][1:3]
        del self.memory, self.iov
        self.assertIsNotNone(gone())
        self.assertEqual(bytes(part.buf), b"\x06\x07")
        del part
        self.assertIsNone(gone(), "freed without the cycle collector")

    def test_shared_memory_can_be_closed_and_is_then_seen_to_be(self):
        shm = SharedMemory(create=True, size=SIZE)
        shm.unlink()
        part = iovec(shm.buf, ID, "/mnt/l")[1:5]
        shm.close()
        with self.assertRaises(ValueError):
            part.buf
        del part
        gc.collect()


if __name__ == "__main__":
    unittest.main()
