# SPDX-License-Identifier: Apache-2.0
"""iovec: shared memory that I/Os read into and write from."""

from __future__ import annotations

import ctypes
import os
import uuid
from typing import Any, Optional, Tuple

from ._errors import INT_MAX, SIZE_MAX, failure, integer
from ._exporter import Exporter
from ._library import LIB, Iov


def _bytes_of(buffer: Any) -> memoryview:
    return memoryview(buffer).cast("B")


def _span(buffer: Any) -> Tuple[int, int]:
    """Address and size in bytes of a writable, contiguous buffer."""
    with _bytes_of(buffer) as view:
        if view.readonly:
            raise TypeError("an iovec needs a writable buffer; observed=a read-only one")
        if len(view) == 0:
            return 0, 0
        return ctypes.addressof(ctypes.c_ubyte.from_buffer(view)), len(view)


class iovec(Exporter):  # noqa: N801 (the name is the API)
    """Shared memory that is registered with the daemon, or a slice of it.

    Wraps memory only: the caller has made the symlink `<mount>/3fs-virt/iovs/<id>` that registers
    it (hf3fs_fuse.io.make_iovec does both). `iov[a:b]` is the slice that an I/O uses; its length is
    the length of the I/O. Slices keep the whole alive. What an I/O did is found on the slice after
    ioring.wait().

    The memory: `iov.buf` is a memoryview of unsigned bytes; `memoryview(iov)`,
    `numpy.frombuffer(iov, dtype)` and `iov[a:b] = data` work as well. An iovec keeps the object it
    was made of, but does not hinder `SharedMemory.close()`. After that `iov.buf` raises ValueError;
    with Python < 3.12 `memoryview(iov)` is then not to be used any more.

    Attributes:
        result: bytes transferred, or -errno; fewer bytes than asked for at the end of the file.
        userdata: what was given to ioring.prepare().
        base_off: offset of a slice in the whole, in bytes.
    """

    # Of the whole only, not of slices.
    _base: Any
    _struct: Iov

    def __new__(
        cls,
        base: Any,
        id: str,  # noqa: A002 (the name is the API)
        hf3fs_mount_point: str,
        block_size: int = 0,
        numa: int = -1,
    ) -> "iovec":
        """Wraps `base`, of which the first byte is the first of the registered memory.

        Args:
            base: writable, contiguous buffer: SharedMemory.buf, mmap, ...
            id: UUID under which it was registered, with or without hyphens.
            hf3fs_mount_point: at most 255 bytes.
            block_size: bytes; no I/O may cross a multiple of it. 0 is no such limit.
            numa: not used, the memory exists already.

        Raises:
            OSError: EINVAL for an empty buffer, a bad mount point or block_size > size.
            ValueError: `id` is not a UUID.
        """
        address, size = _span(base)
        key = (ctypes.c_uint8 * 16).from_buffer_copy(uuid.UUID(id).bytes)
        struct = Iov()
        rc = LIB.hf3fs_iovwrap(
            ctypes.byref(struct),
            address,
            ctypes.byref(key),
            os.fsencode(hf3fs_mount_point),
            size,
            integer("block_size", block_size, 0, SIZE_MAX),
            integer("numa", numa, -INT_MAX, INT_MAX),
        )
        if rc < 0:
            raise failure(-rc, f"cannot wrap {size} bytes, block_size={block_size}")
        self = cls._over(address, size)
        self._become(None, 0, size)
        self._base = base
        self._struct = struct
        return self

    def __init__(self, *unused: Any, **unused_too: Any) -> None:
        """Does nothing: before Python 3.12 an array's memory is fixed when it is made."""

    def _become(self, whole: Optional["iovec"], base_off: int, size: int) -> None:
        self._whole = whole
        self._size = size
        self._in_flight = False
        self.base_off = base_off
        self.result = 0
        self.userdata: Any = None

    def _root(self) -> "iovec":
        return self if self._whole is None else self._whole

    def _address(self) -> int:
        return self._root()._struct.base + self.base_off

    @property
    def buf(self) -> memoryview:
        """The memory: a writable memoryview of unsigned bytes."""
        return _bytes_of(self._root()._base)[self.base_off : self.base_off + self._size]

    @property
    def block_size(self) -> int:
        """Bytes, or 0."""
        return self._root()._struct.block_size

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"<iovec of {self._size} bytes at {self.base_off}>"

    def __getitem__(self, index: slice) -> "iovec":
        """A slice, without a copy; its step is 1 (else ValueError)."""
        start, stop = self._range(index)
        return self._part(start, stop - start)

    def __setitem__(self, index: slice, data: Any) -> None:
        """Copies bytes into a slice of just that length."""
        start, stop = self._range(index)
        self.buf[start:stop] = _bytes_of(data)

    def slice_by(self, buf: Any) -> "iovec":
        """The slice that covers `buf`, a writable buffer inside this memory; else IndexError."""
        address, size = _span(buf)
        start = address - self._address()
        if start < 0 or start + size > self._size:
            raise IndexError(
                f"the buffer is not inside this iovec; observed={size} bytes at {start}, "
                f"limit={self._size} bytes; remedy: pass a view of its memory"
            )
        return self._part(start, size)

    def _range(self, index: slice) -> Tuple[int, int]:
        if not isinstance(index, slice):
            raise TypeError("an iovec is indexed by slices; remedy: iov.buf[i] is a single byte")
        start, stop, step = index.indices(self._size)
        if step != 1:
            raise ValueError(f"a slice of an iovec has no gaps; observed=step {step}, limit=1")
        return start, max(start, stop)

    def _part(self, start: int, size: int) -> "iovec":
        part = iovec._over(self._address() + start, size)
        part._become(self._root(), self.base_off + start, size)
        return part
