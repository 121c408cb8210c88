"""Other forms of the same argument: layouts of an array, kinds of a number.

What is given so must have the same result, bit for bit.
"""

import warnings
from typing import Any

import numpy as np

from refkernels.arrays import Array
from tests.fuzz.dice import Dice
from tests.fuzz.given import Given, Wrap, python_of

__all__ = ["disguised_array", "disguised_integer", "disguised_number", "disguised_whole"]


def _unaligned(x: Array) -> Array:
    buffer = bytearray(b"." + x.tobytes())
    return np.frombuffer(buffer, x.dtype, offset=1).reshape(x.shape)


def _padded(x: Array) -> Array:
    return np.repeat(x, 3, -1)[..., ::3]


def _as_matrix(x: Array) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.asmatrix(x)


FORTRAN = Wrap(np.asfortranarray, "np.asfortranarray({})")
STRIDED = Wrap(_padded, "np.repeat({}, 3, -1)[..., ::3]")
REVERSED = Wrap(lambda x: np.flip(np.flip(x).copy()), "np.flip(np.flip({}).copy())")
READ_ONLY = Wrap(
    lambda x: np.lib.stride_tricks.as_strided(x, writeable=False),
    "np.lib.stride_tricks.as_strided({}, writeable=False)",
)
UNALIGNED = Wrap(
    _unaligned,
    "np.frombuffer(bytearray(b'.' + {}.tobytes()), {dtype}, offset=1).reshape({shape})",
)
SWAPPED = Wrap(
    lambda x: x.astype(x.dtype.newbyteorder(">")),
    "(lambda x: x.astype(x.dtype.newbyteorder('>')))({})",
)
MATRIX = Wrap(_as_matrix, "np.asmatrix({})")
LIST = Wrap(lambda x: x.tolist(), "{}.tolist()")
ROWS = Wrap(list, "list({})")
BUFFER = Wrap(memoryview, "memoryview({})")

# Of an array whose rows are all alike, one that is stored.
BROADCAST = Wrap(
    lambda x: np.broadcast_to(x[:1], x.shape), "(lambda x: np.broadcast_to(x[:1], x.shape))({})"
)

LAYOUTS = (FORTRAN, STRIDED, REVERSED, READ_ONLY, UNALIGNED, SWAPPED, MATRIX, LIST, ROWS)
LAYOUTS += (BUFFER, FORTRAN, STRIDED, REVERSED, UNALIGNED, BROADCAST)


def disguised_array(dice: Dice, array: Array) -> Given:
    """Return an array in another layout."""
    wraps: list[Wrap] = []
    for wrap in (dice.choose(LAYOUTS) for _ in range(dice.choose((1, 1, 2)))):
        if not _fits(wrap, array) or (wraps and wraps[-1] in (LIST, ROWS, BUFFER, MATRIX)):
            continue
        wraps.append(wrap)
    return Given(array, tuple(wraps))


def disguised_whole(dice: Dice, array: Array) -> Given:
    """Return whole numbers in another dtype, which their use does not depend on, and layout."""
    dtype = dice.choose(("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"))
    with np.errstate(all="ignore"):
        other = array.astype(dtype)
        same = (other.astype(np.float64) == array).all() and (
            other.astype(array.dtype) == array
        ).all()
    if array.dtype.kind == "f" and dtype != "f8" and not np.isfinite(array).all():
        same = False
    return disguised_array(dice, other if same else array)


def disguised_number(dice: Dice, value: float) -> Given:
    """Return a real number as another kind of number of the same value."""
    value = float(value)
    kinds = ["np.float64({})", "np.array({})", "np.longdouble({})"]
    if np.isfinite(value):
        kinds.append("Fraction({})")
        if value == int(value) and abs(value) < 2**60 and (value != 0 or str(value) == "0.0"):
            return Given(
                python=dice.choose(["int({})", "np.int64({})", "np.array(int({}))"]).format(
                    int(value)
                )
            )
    with np.errstate(over="ignore"):
        kinds += [
            f"np.{k}({{}})"
            for k in ("float32", "float16")
            if float(np.dtype(k).type(value)) == value
        ]
    return Given(python=dice.choose(kinds).format(python_of(value)))


def disguised_integer(dice: Dice, value: int) -> Given:
    """Return a whole number as another kind of integer."""
    kinds = []
    for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        info = np.iinfo(name)
        if info.min <= value <= info.max:
            kinds += [f"np.{name}({{}})", f"np.array({{}}, np.{name})"]
    return Given(python=dice.choose(kinds).format(value)) if kinds else Given(value)


def _fits(wrap: Wrap, array: Array) -> bool:
    if wrap in (LIST, ROWS):
        # A list has no dtype of its own, and an empty one no shape.
        plain = array.dtype in (np.float64, *((np.int64, np.bool_) if array.size else ()))
        whole = array.size > 0 or array.shape == (0,)
        return array.ndim > 0 and whole and (plain or (wrap is ROWS and array.size > 0))
    if wrap is MATRIX:
        return array.ndim == 2
    if wrap is BROADCAST:
        rows = [row.tobytes() for row in array] if array.ndim else []
        return len(set(rows)) == 1
    if wrap in (FORTRAN, STRIDED):
        return array.ndim > 0
    if wrap in (UNALIGNED, BUFFER):
        return array.ndim > 0 and array.size > 0
    return True
