# SPDX-License-Identifier: Apache-2.0
"""Makes the wheel, for pip (PEP 517). No setuptools, so that it works offline in a bare Python.

The wheel holds the two packages and, if it is built (`make -C native`), libhf3fs_api_shared.so.
"""

from __future__ import annotations

import base64
import hashlib
import platform
import re
import tarfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ("hf3fs_py_usrbio", "hf3fs_fuse")
LIBRARY = HERE.parent / "build" / "libhf3fs_api_shared.so"
NAME = "lampyris_usrbio"


def _field(name):
    text = (HERE / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(rf'^{name} = "(.*)"$', text, re.MULTILINE).group(1)


def _metadata():
    return (
        "Metadata-Version: 2.1\n"
        f"Name: {_field('name')}\n"
        f"Version: {_field('version')}\n"
        f"Summary: {_field('description')}\n"
        "License: Apache-2.0\n"
        f"Requires-Python: {_field('requires-python')}\n"
    )


def _contents():
    """Pairs of path in the wheel and bytes."""
    for package in PACKAGES:
        for file in sorted((HERE / package).iterdir()):
            if file.suffix == ".py" or file.name == "py.typed":
                yield f"{package}/{file.name}", file.read_bytes()
    if LIBRARY.exists():
        yield f"{PACKAGES[0]}/{LIBRARY.name}", LIBRARY.read_bytes()


def _line(path, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    version = _field("version")
    where = f"linux_{platform.machine()}" if LIBRARY.exists() else "any"
    tag = f"py3-none-{where}"
    info = f"{NAME}-{version}.dist-info"
    files = list(_contents())
    files.append((f"{info}/METADATA", _metadata().encode()))
    kind = f"Wheel-Version: 1.0\nGenerator: lampyris\nRoot-Is-Purelib: false\nTag: {tag}\n"
    files.append((f"{info}/WHEEL", kind.encode()))
    record = "".join(_line(path, data) for path, data in files) + f"{info}/RECORD,,\n"
    files.append((f"{info}/RECORD", record.encode()))
    wheel = f"{NAME}-{version}-{tag}.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files:
            archive.writestr(path, data)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    stem = f"{NAME}-{_field('version')}"
    with tarfile.open(Path(sdist_directory) / f"{stem}.tar.gz", "w:gz") as archive:
        for name in (*PACKAGES, "pyproject.toml", "build_backend.py"):
            archive.add(HERE / name, f"{stem}/{name}", filter=_without_caches)
    return f"{stem}.tar.gz"


def _without_caches(entry):
    return None if "__pycache__" in entry.name else entry
