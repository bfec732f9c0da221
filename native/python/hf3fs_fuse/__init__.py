# SPDX-License-Identifier: Apache-2.0
"""Helpers over hf3fs_py_usrbio: see hf3fs_fuse.io."""
