"""Read a ``.params`` file, as ``mx.nd.save`` writes it, without MXNet.

Nothing is taken on trust: a file that is cut short, or is something else, is an error that says
what was found where.
"""

import math
import os
import struct
from typing import Any

import numpy as np

from refkernels.arrays import Array, require
from refkernels.arrays.files import no_pipe
from refkernels.arrays.printing import times

__all__ = ["read_params"]

LIST_MAGIC = 0x112
# How an array begins. V1 has a shape of int64, V2 a storage type before it, V3 is V2 with the NumPy
# rule that a shape may be () or hold 0. An array without a magic is older: it begins with its ndim.
MAGIC_V1, MAGIC_V2, MAGIC_V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA

DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype("<f4"),
    1: np.dtype("<f8"),
    2: np.dtype("<f2"),
    3: np.dtype("u1"),
    4: np.dtype("<i4"),
    5: np.dtype("i1"),
    6: np.dtype("<i8"),
    7: np.dtype("?"),
}


def read_params(params: Any) -> dict[str, Array]:
    """Read parameters by name.

    Parameters
    ----------
    params : str, os.PathLike or mapping
        A path of a ``.params`` file, as ``mx.nd.save`` writes it, or a mapping of names to arrays:
        NumPy's, MXNet's, or Gluon's ``Parameter``.

    Returns
    -------
    dict of str to numpy.ndarray
        Without the ``arg:`` and ``aux:`` that an exported file has before its names.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError, ValueError
        If `params` is something else, or the file is not a list of dense named arrays.
    """
    if hasattr(params, "items"):  # a ParameterDict is no Mapping
        arrays = {str(name): _as_numpy(str(name), value) for name, value in params.items()}
    elif isinstance(params, (str, os.PathLike)):
        arrays = _read_file(os.fspath(params))
    else:
        raise TypeError(
            f"params: expected a path or a mapping of names to arrays, got {type(params).__name__}"
        )
    bare: dict[str, Array] = {}
    for name, array in arrays.items():
        short = name[4:] if name.startswith(("arg:", "aux:")) else name
        require(short not in bare, f"params: {short!r} is there twice")
        bare[short] = array
    return bare


def _as_numpy(name: str, value: Any) -> Array:
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "asnumpy"):
        return np.asarray(value.asnumpy())
    if hasattr(value, "data") and callable(value.data):
        return np.asarray(value.data().asnumpy())
    raise TypeError(f"params[{name!r}]: expected an array, got {type(value).__name__}")


class _Reader:
    """A file's bytes, read from the front; running past the end is an error."""

    def __init__(self, path: str) -> None:
        self.path = path
        with no_pipe(path).open("rb") as file:
            self.data = file.read()
        self.at = 0

    def fail(self, message: str) -> ValueError:
        """Return the error that names the file."""
        return ValueError(f"params {self.path}: {message}")

    def take(self, length: int) -> int:
        """Go on by so many bytes, and return where they begin."""
        start = self.at
        if length > len(self.data) - start:
            raise self.fail(
                f"the file ends at byte {len(self.data)}, where {length} bytes from {start} on were"
                " expected: it is cut short, or no parameter file"
            )
        self.at += length
        return start

    def numbers(self, form: str) -> tuple[int, ...]:
        """Read little-endian numbers, as `struct` writes their form."""
        form = "<" + form
        return struct.unpack_from(form, self.data, self.take(struct.calcsize(form)))


def _read_file(path: str) -> dict[str, Array]:
    reader = _Reader(path)
    magic, _, count = reader.numbers("QQQ")
    if magic != LIST_MAGIC:
        raise reader.fail(
            f"expected an array list of MXNet, which begins with 0x112, got {magic:#x}"
        )
    arrays: list[Array] = []
    while len(arrays) < count:  # not range(count): a broken count would go on for ever in it
        arrays.append(_read_array(reader, len(arrays)))
    (named,) = reader.numbers("Q")
    if named != count:
        raise reader.fail(
            f"expected a name for each of {times(count, 'array')}, got {times(named, 'name')}"
        )
    result: dict[str, Array] = {}
    for array in arrays:
        (length,) = reader.numbers("Q")
        start = reader.take(length)
        try:
            name = reader.data[start : start + length].decode("utf-8")
        except UnicodeDecodeError:
            raise reader.fail(f"expected a name in UTF-8 at byte {start}") from None
        if name in result:
            raise reader.fail(f"{name!r} is there twice")
        result[name] = array
    if reader.at != len(reader.data):
        raise reader.fail(f"expected the end at byte {reader.at}, got {len(reader.data)} bytes")
    return result


def _read_array(reader: _Reader, index: int) -> Array:
    (magic,) = reader.numbers("I")
    if magic in (MAGIC_V2, MAGIC_V3):
        (storage,) = reader.numbers("i")
        if storage != 0:
            raise reader.fail(f"array {index}: expected dense storage, got storage type {storage}")
    if magic in (MAGIC_V1, MAGIC_V2, MAGIC_V3):
        (ndim,) = reader.numbers("i")
        size = "q"
    else:
        ndim, size = magic, "I"
    if not 0 <= ndim <= 32:
        raise reader.fail(f"array {index}: expected at most 32 axes, got {ndim}")
    shape = reader.numbers(f"{ndim}{size}")
    if any(length < 0 for length in shape):
        raise reader.fail(f"array {index}: expected lengths of at least 0, got shape {shape}")
    if ndim == 0 and magic != MAGIC_V3:
        raise reader.fail(f"array {index}: expected a shape, got an array without one")
    reader.numbers("ii")  # the device it was saved from
    (flag,) = reader.numbers("i")
    if flag not in DTYPES:
        known = ", ".join(f"{key} {dtype}" for key, dtype in DTYPES.items())
        raise reader.fail(f"array {index}: expected a dtype out of {known}; got {flag}")
    dtype = DTYPES[flag]
    length = math.prod(shape)
    start = reader.take(length * dtype.itemsize)
    array = np.frombuffer(reader.data, dtype, length, start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)
