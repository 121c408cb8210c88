"""Files that are there whole or not at all, and that tell later whether they are still whole.

A file is written under a hidden name, brought to the disk and renamed. A Parquet part has its
SHA-256 in a small file beside it, which ``sha256sum --check`` reads; an ``.npz`` has that of its
other bytes at its own end, as the comment that a ZIP archive may have.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import numpy as np

__all__ = [
    "SEALED",
    "checksum_path",
    "half_written",
    "intact",
    "sweep",
    "write_atomically",
    "write_bytes",
    "write_checked",
    "write_npz",
]

# What the comment of an .npz begins with; a checksum in hexadecimal digits follows, and ends it.
SEALED = b"refkernels sha256 "
DIGITS = 64

BLOCK = 1 << 20

# Of whose types NumPy says nothing.
write_array: Any = np.lib.format.write_array


def write_atomically(path: Path, write: Callable[[Any], None]) -> None:
    """Call `write` on a binary file that becomes `path` when it is complete and on the disk.

    Parameters
    ----------
    path : pathlib.Path
    write : callable
        Gets the file.

    Raises
    ------
    OSError
        If that fails, with `path` as its file name; nothing is left of what was written then.
    """
    hidden = path.with_name(f".{path.name}.{uuid4().hex}")  # hosts may share the folder
    try:
        try:
            with hidden.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(hidden, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(hidden)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write a file of these bytes, atomically."""
    write_atomically(path, lambda file: file.write(data))


def half_written(name: str, whole: str) -> bool:
    """Return whether `name` is what a killed process left of a file, by a pattern for its name."""
    return re.fullmatch(rf"\.(?:{whole})\.[0-9a-f]{{32}}", name) is not None


def sweep(folder: Path, whole: str) -> None:
    """Remove what processes that were killed have left half written, by a pattern for its name."""
    for name in os.listdir(folder):
        if half_written(name, whole):
            with suppress(FileNotFoundError):
                os.unlink(folder / name)


def checksum_path(path: Path) -> Path:
    """Return where the checksum of a Parquet part is; readers of Parquet pass over such names."""
    return path.with_name(f"_{path.name}.sha256")


def write_checked(path: Path, data: bytes) -> None:
    """Write a part and its checksum: a part is done when both are there."""
    write_bytes(path, data)
    write_bytes(checksum_path(path), _line(path, sha256(data).hexdigest()))


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    """Write an ``.npz``, with its checksum at its end.

    Parameters
    ----------
    path : pathlib.Path
    arrays : dict of str to array
        Not compressed, so that one can be mapped to memory where it lies.
    """
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                write_array(member, np.asanyarray(array), allow_pickle=False)
        archive.comment = SEALED + b"0" * DIGITS
    data = file.getbuffer()
    data[-DIGITS:] = sha256(data[:-DIGITS]).hexdigest().encode()
    write_bytes(path, data)


def intact(path: Path) -> bool:
    """Return whether a file has the checksum that it was written with.

    Raises
    ------
    OSError
        If it, or the file of its checksum, cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if path.suffix != ".npz":
            expected = checksum_path(path).read_bytes()
            return expected == _line(path, _digest(file, size))
        if size < len(SEALED) + DIGITS:
            return False
        file.seek(size - DIGITS - len(SEALED))
        seal = file.read()
        return seal == SEALED + _digest(file, size - DIGITS).encode()


def _line(path: Path, digest: str) -> bytes:
    return f"{digest}  {path.name}\n".encode()


def _digest(file: Any, end: int) -> str:
    """Return the checksum of a file's bytes up to `end`."""
    digest = sha256()
    file.seek(0)
    while end > 0 and (block := file.read(min(BLOCK, end))):
        digest.update(block)
        end -= len(block)
    return digest.hexdigest()
