# SPDX-License-Identifier: Apache-2.0
"""Finds libhf3fs_api_shared.so and describes its functions to ctypes.

The structs repeat native/include/hf3fs_usrbio.h; tests/test_layout.py holds them against the sizes
and offsets of the ABI. ctypes.CDLL releases the GIL during every call.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from ctypes import POINTER, c_bool, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from pathlib import Path
from typing import List, Mapping, Optional

NAME = "libhf3fs_api_shared.so"
VARIABLES = ("HF3FS_LIB", "LAMPYRIS_USRBIO_LIB")


class Iov(ctypes.Structure):
    """struct hf3fs_iov, 312 bytes."""

    _fields_ = [
        ("base", c_void_p),
        ("iovh", c_void_p),
        ("id", ctypes.c_uint8 * 16),
        ("mount_point", ctypes.c_char * 256),
        ("size", c_size_t),
        ("block_size", c_size_t),
        ("numa", c_int),
    ]


class Ior(ctypes.Structure):
    """struct hf3fs_ior, 600 bytes."""

    _fields_ = [
        ("iov", Iov),
        ("iorh", c_void_p),
        ("mount_point", ctypes.c_char * 256),
        ("for_read", c_bool),
        ("io_depth", c_int),
        ("priority", c_int),
        ("timeout", c_int),
        ("flags", c_uint64),
    ]


class Cqe(ctypes.Structure):
    """struct hf3fs_cqe, 24 bytes."""

    _fields_ = [
        ("index", c_int32),
        ("reserved", c_int32),
        ("result", c_int64),
        ("userdata", c_void_p),
    ]


class Timespec(ctypes.Structure):
    """struct timespec of a 64-bit machine."""

    _fields_ = [("tv_sec", c_int64), ("tv_nsec", c_int64)]


_ID = ctypes.c_uint8 * 16
_SIZES = POINTER(c_size_t)

# name: (result, arguments), as in the header
_FUNCTIONS = {
    "hf3fs_extract_mount_point": (c_int, [c_char_p, c_int, c_char_p]),
    "hf3fs_iovwrap": (
        c_int,
        [POINTER(Iov), c_void_p, POINTER(_ID), c_char_p, c_size_t, c_size_t, c_int],
    ),
    "hf3fs_ior_size": (c_size_t, [c_int]),
    "hf3fs_iorcreate3": (
        c_int,
        [POINTER(Ior), c_char_p, c_int, c_bool, c_int, c_int, c_int, c_int],
    ),
    "hf3fs_iorcreate4": (
        c_int,
        [POINTER(Ior), c_char_p, c_int, c_bool, c_int, c_int, c_int, c_uint64],
    ),
    "hf3fs_iorwrap": (
        c_int,
        [
            POINTER(Ior),
            c_void_p,
            c_char_p,
            c_size_t,
            c_bool,
            c_int,
            c_int,
            c_int,
            c_uint64,
        ],
    ),
    "hf3fs_iordestroy": (None, [POINTER(Ior)]),
    "hf3fs_reg_fd": (c_int, [c_int, c_uint64]),
    "hf3fs_dereg_fd": (None, [c_int]),
    "hf3fs_io_entries": (c_int, [POINTER(Ior)]),
    "hf3fs_prep_io": (
        c_int,
        [POINTER(Ior), POINTER(Iov), c_bool, c_void_p, c_int, c_size_t, c_uint64, c_void_p],
    ),
    "hf3fs_submit_ios": (c_int, [POINTER(Ior)]),
    "hf3fs_wait_for_ios": (c_int, [POINTER(Ior), POINTER(Cqe), c_int, c_int, POINTER(Timespec)]),
    "hf3fs_hardlink": (c_int, [c_char_p, c_char_p]),
    "hf3fs_punchhole": (c_int, [c_int, c_int, _SIZES, _SIZES, c_size_t]),
}


def candidates(environment: Mapping[str, str], package: Path) -> List[str]:
    """Where the library may be, best first.

    A variable that is set is the only candidate: who names a library does not want another one.
    """
    for variable in VARIABLES:
        named = environment.get(variable)
        if named:
            return [str(Path(named) / NAME) if os.path.isdir(named) else named]
    places = [str(package / NAME)]
    places.append(NAME)  # the dynamic linker: LD_LIBRARY_PATH and what ldconfig knows
    found = ctypes.util.find_library("hf3fs_api_shared")
    if found is not None and found != NAME:
        places.append(found)
    places.append(str(package.parent.parent / "build" / NAME))  # native/build of a checkout
    return places


def load(environment: Optional[Mapping[str, str]] = None) -> ctypes.CDLL:
    """The library with its signatures set; ImportError when there is none.

    ImportError and not OSError, because programs decide by it whether USRBIO is available.
    """
    package = Path(__file__).resolve().parent
    reasons = []
    for place in candidates(os.environ if environment is None else environment, package):
        try:
            library = ctypes.CDLL(place)
            _describe(library)
            return library
        except (OSError, AttributeError) as e:
            reasons.append(f"{place} ({e})")
    raise ImportError(
        f"{NAME} cannot be loaded; observed={'; '.join(reasons)}; remedy: build it with "
        f"`make -C native`, or set {VARIABLES[0]} to its path"
    )


def _describe(library: ctypes.CDLL) -> None:
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments


LIB = load()
