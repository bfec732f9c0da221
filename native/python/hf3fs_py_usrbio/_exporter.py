# SPDX-License-Identifier: Apache-2.0
"""Makes memoryview(x) and numpy.frombuffer(x) work for a pure Python class.

From Python 3.12 on a class says so itself (PEP 688). Before that only built-in types can, so there
an instance is a ctypes array laid over its memory: of a class per length, since ctypes keeps the
length in the class.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

if sys.version_info >= (3, 12):

    class Exporter:
        """Base of classes with a property `buf`."""

        @property
        def buf(self) -> memoryview:
            raise NotImplementedError

        @classmethod
        def _over(cls, address: int, size: int) -> Any:
            return object.__new__(cls)

        def __buffer__(self, flags: int) -> memoryview:
            return self.buf

else:

    class Exporter:
        """Base of classes whose instances are laid over memory."""

        @classmethod
        def _over(cls, address: int, size: int) -> Any:
            return _sized(cls, size).from_address(address)


@functools.lru_cache(maxsize=256)
def _sized(cls: Any, size: int) -> Any:
    return type(cls.__name__, (cls, ctypes.c_ubyte * size), {"__module__": cls.__module__})
