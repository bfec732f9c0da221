# SPDX-License-Identifier: Apache-2.0
"""Which mount a path is on."""

from __future__ import annotations

from typing import Optional

from hf3fs_py_usrbio import extract_mount_point
from hf3fs_py_usrbio._files import Path


def get_mount_point(path: Path) -> Optional[str]:
    """The mount point that `path` is under, or None: extract_mount_point() by another name."""
    return extract_mount_point(path)
