# SPDX-License-Identifier: Apache-2.0
"""The structs against the ABI of native/include/hf3fs_usrbio.h, and how the library is found."""

import ctypes
import os
import subprocess
import sys
import unittest
from pathlib import Path

import support
from hf3fs_py_usrbio import _errors, _library, ioring


class LayoutTest(unittest.TestCase):
    def check(self, struct, bytes_, /, **offsets):
        self.assertEqual(ctypes.sizeof(struct), bytes_)
        for name, offset in offsets.items():
            self.assertEqual(getattr(struct, name).offset, offset, name)

    def test_structs_have_the_sizes_and_offsets_of_the_abi(self):
        self.check(
            _library.Iov,
            312,
            base=0,
            iovh=8,
            id=16,
            mount_point=32,
            size=288,
            block_size=296,
            numa=304,
        )
        self.check(
            _library.Ior,
            600,
            iov=0,
            iorh=312,
            mount_point=320,
            for_read=576,
            io_depth=580,
            priority=584,
            timeout=588,
            flags=592,
        )
        self.check(_library.Cqe, 24, index=0, reserved=4, result=8, userdata=16)
        self.check(_library.Timespec, 16, tv_sec=0, tv_nsec=8)

    def test_a_ring_takes_the_bytes_of_the_specification(self):
        for entries in (1, 2, 64, 1024):
            self.assertEqual(ioring.size_for_entries(entries), 16 + 32 + 96 * (entries + 1) + 4096)

    def test_numbers_that_c_would_cut_off_are_refused(self):
        for value in (-1, 2**64):
            with self.assertRaisesRegex(OSError, "off is out of range.*observed=.*limit=.*remedy:"):
                _errors.integer("off", value, 0, _errors.SIZE_MAX)
        with self.assertRaises(TypeError):
            _errors.integer("off", 1.5, 0, _errors.SIZE_MAX)


class LibraryTest(unittest.TestCase):
    PACKAGE = Path("/p/native/python/hf3fs_py_usrbio")

    def test_a_variable_is_the_only_candidate(self):
        for variable in ("HF3FS_LIB", "LAMPYRIS_USRBIO_LIB"):
            self.assertEqual(
                _library.candidates({variable: "/x/lib.so"}, self.PACKAGE), ["/x/lib.so"]
            )
        self.assertEqual(
            _library.candidates({"HF3FS_LIB": "/tmp"}, self.PACKAGE), ["/tmp/" + _library.NAME]
        )

    def test_else_the_package_then_the_linker_then_the_build_tree(self):
        places = _library.candidates({}, self.PACKAGE)
        self.assertEqual(places[0], str(self.PACKAGE / _library.NAME))
        self.assertEqual(places[1], _library.NAME)
        self.assertEqual(places[-1], "/p/native/build/" + _library.NAME)

    def test_without_a_library_the_import_fails_and_says_what_to_do(self):
        for wrong in ("/nowhere/lib.so", "/etc/passwd"):
            with self.assertRaisesRegex(ImportError, f"{wrong}.*remedy: .*HF3FS_LIB"):
                _library.load({"HF3FS_LIB": wrong})
        with self.assertRaisesRegex(ImportError, "undefined symbol"):
            _library.load({"HF3FS_LIB": "libc.so.6"})
        outcome = subprocess.run(
            [sys.executable, "-c", "import hf3fs_fuse.io"],
            env={**os.environ, "HF3FS_LIB": "/nowhere/lib.so", "PYTHONPATH": str(support.ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertIn("ImportError", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
