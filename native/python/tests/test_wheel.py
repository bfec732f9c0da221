# SPDX-License-Identifier: Apache-2.0
"""What pip installs."""

import base64
import csv
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

import support  # noqa: F401 (sets the path)
import build_backend


class WheelTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.wheel = self.directory / build_backend.build_wheel(directory.name)

    def test_the_record_lists_every_file_with_its_hash(self):
        with zipfile.ZipFile(self.wheel) as archive:
            names = archive.namelist()
            record = next(name for name in names if name.endswith(".dist-info/RECORD"))
            rows = list(csv.reader(archive.read(record).decode().splitlines()))
            self.assertEqual([row[0] for row in rows], names)
            for name, digest, size in rows[:-1]:
                data = archive.read(name)
                found = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()
                self.assertEqual((digest, size), ("sha256=" + found.rstrip("="), str(len(data))))
            self.assertEqual(rows[-1], [record, "", ""])

    def test_what_it_holds_can_be_imported_with_the_library_beside_it(self):
        if not build_backend.LIBRARY.exists():
            self.skipTest(f"no {build_backend.LIBRARY}; remedy: make -C native")
        with zipfile.ZipFile(self.wheel) as archive:
            archive.extractall(self.directory)
        hidden = ("HF3FS_LIB", "LAMPYRIS_USRBIO_LIB", "PYTHONPATH")
        environment = {k: v for k, v in os.environ.items() if k not in hidden}
        code = "import hf3fs_fuse.io, hf3fs_py_usrbio._library as l; print(l.LIB._name)"
        outcome = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        place = self.directory.resolve() / "hf3fs_py_usrbio" / build_backend.LIBRARY.name
        self.assertEqual(outcome.stdout.strip(), str(place), outcome.stderr)

    def test_the_versions_agree_and_the_source_archive_holds_the_backend(self):
        import hf3fs_py_usrbio

        self.assertIn(f"-{hf3fs_py_usrbio.__version__}-", self.wheel.name)
        name = build_backend.build_sdist(str(self.directory))
        with tarfile.open(self.directory / name) as archive:
            names = {Path(*Path(n).parts[1:]).as_posix() for n in archive.getnames()}
        expected = {"build_backend.py", "pyproject.toml", "hf3fs_fuse/io.py"}
        self.assertLessEqual(expected, names)


if __name__ == "__main__":
    unittest.main()
