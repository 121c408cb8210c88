"""Checks of arrays."""

import math
from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from refkernels.arrays.dtypes import Array, for_kernel, to_computing

__all__ = [
    "Array",
    "as_boxes",
    "as_indices",
    "as_mask",
    "as_numbers",
    "as_real",
    "as_sequence",
    "check_axis",
    "check_axis_length",
    "check_batch",
    "check_finite",
    "check_output",
    "check_range",
    "refuse_masked",
    "require",
    "shape_of",
    "shown",
]

REAL = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))

# What has entries that are characters or bytes, which are no numbers that somebody meant.
TEXT = (str, bytes, bytearray, memoryview)

# No array of NumPy's has more axes.
DEEPEST = 64

# Characters of a value that a message shows.
LONGEST = 200


def require(condition: bool, message: str) -> None:
    """Raise ``ValueError(message)`` unless the condition holds."""
    if not condition:
        raise ValueError(message)


def as_real(name: str, value: Any, *, min_ndim: int = 0, finite: bool = True) -> Array:
    """Check that `value` is an array of finite reals.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    value : array_like
        float16, float32 and float64 are kept; integers and bools become float64.
    min_ndim : int
        The least number of axes.
    finite : bool
        Whether nan and infinity are errors.

    Returns
    -------
    numpy.ndarray
        In native byte order; the caller's own array wherever that serves.
    """
    array = _as_array(name, value)
    kind = array.dtype.kind
    if kind in "iub":
        array = array.astype(np.float64)
    elif kind != "f" or array.dtype.newbyteorder("=") not in REAL:
        raise TypeError(
            f"{name}: expected float16, float32, float64 or integers, got dtype {array.dtype}"
        )
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim < min_ndim:
        raise ValueError(f"{name}: expected at least {min_ndim} axes, got shape {array.shape}")
    if finite:
        check_finite(name, array)
    return array


def as_indices(name: str, value: Any, *, min_ndim: int = 0) -> Array:
    """Check that `value` holds whole numbers (matches, samples, labels), as int64, C-contiguous.

    Any integer dtype is accepted, and any float dtype whose values are whole.
    """
    array = _as_array(name, value)
    if array.dtype.kind in "iub":
        if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
            raise ValueError(f"{name}: {int(array.max())} does not fit int64")
    elif array.dtype.kind == "f":
        check_finite(name, array)
        broken = array != np.rint(array)
        if broken.any():
            where = _first(broken)
            raise ValueError(
                f"{_entry(name, array, where)} is {array[where]}, expected whole numbers (any "
                "integer or float dtype)"
            )
        # Compared as float64, since float16 cannot hold the limit.
        too_large = np.abs(array.astype(np.float64, copy=False)) >= 2.0**63
        if too_large.any():
            where = _first(too_large)
            raise ValueError(
                f"{_entry(name, array, where)} is {array[where]}, which does not fit int64"
            )
    else:
        raise TypeError(f"{name}: expected integers or whole floats, got dtype {array.dtype}")
    if array.ndim < min_ndim:
        raise ValueError(f"{name}: expected at least {min_ndim} axes, got shape {array.shape}")
    return for_kernel(array, np.int64)


def as_numbers(name: str, value: Any, *, min_ndim: int = 0) -> Array:
    """Return whole or real numbers of any dtype C-contiguous, as int64, float32 or float64.

    For kernels that check the numbers they look at: nan and infinity pass.
    """
    array = _as_array(name, value)
    if array.dtype.kind != "f":
        return as_indices(name, array, min_ndim=min_ndim)
    real = as_real(name, array, min_ndim=min_ndim, finite=False)
    return to_computing(real, real.dtype)


def as_mask(name: str, value: Any, *, min_ndim: int = 0) -> Array:
    """Check that `value` is a mask, of bools or of the numbers 0 and 1; as bools, C-contiguous."""
    array = _as_array(name, value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected a mask of bools, got dtype {array.dtype}")
    if array.ndim < min_ndim:
        raise ValueError(f"{name}: expected at least {min_ndim} axes, got shape {array.shape}")
    if array.dtype.kind != "b":
        broken = (array != 0) & (array != 1)
        if broken.any():
            where = _first(broken)
            raise ValueError(
                f"{_entry(name, array, where)} is {array[where]}, expected a mask of bools, or of "
                "0 and 1"
            )
    return for_kernel(array, np.bool_)


def as_boxes(name: str, value: Any, axis: int = -1, *, finite: bool = True) -> Array:
    """Check that `value` holds boxes along `axis`, and move that axis, of length 4, to the end."""
    array = as_real(name, value, finite=finite)
    check_axis_length(name, array, axis, 4)
    return array if axis in (-1, array.ndim - 1) else np.moveaxis(array, axis, -1)


def check_output(
    name: str, value: Any, shape: tuple[int, ...], dtype: np.dtype[Any], **inputs: Array
) -> None:
    """Check that a result of this shape and dtype can be written to `value`.

    It has to be C-contiguous, and to have no memory in common with the inputs, given by name.
    """
    fits = isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray)
    if not (fits and value.flags.carray and value.shape == shape and value.dtype == dtype):
        expected = f"a C-contiguous {dtype} array of shape {shape} that can be written to"
        if not fits:
            raise TypeError(f"{name}: expected {expected}, got {shown(value)}")
        flags = value.flags
        states = {
            "not C-contiguous": flags.c_contiguous,
            "not aligned": flags.aligned,
            "read-only": flags.writeable,
        }
        faults = [f", {fault}" for fault, absent in states.items() if not absent]
        found = f"one of {value.dtype} and shape {value.shape}{''.join(faults)}"
        raise ValueError(f"{name}: expected {expected}, got {found}")
    for owner, array in inputs.items():
        if np.may_share_memory(value, array):
            raise ValueError(f"{name}: expected memory of its own, got some of {owner}'s")


def as_sequence(name: str, value: Any, expected: str) -> list[Any]:
    """Check that `value` has entries in an order that it keeps, and return them.

    A set has no order, a mapping's entries are keys, and an iterator has its entries once.
    """
    refuse_masked(name, value)
    ordered = hasattr(value, "__len__") and hasattr(value, "__getitem__")
    if ordered and not isinstance(value, (Set, Mapping, *TEXT)):
        try:
            return list(value)
        except TypeError:  # an array without axes, a class
            pass
    raise TypeError(f"{name}: expected {expected}, got {shown(value)}")


def shape_of(name: str, value: Any) -> tuple[int, ...]:
    """Return the shape of an array of anything."""
    if type(value) is np.ndarray:
        return value.shape
    try:
        return tuple(np.shape(value))
    except ValueError:
        raise ValueError(f"{name}: expected an array, got a ragged sequence") from None


def check_finite(name: str, array: Array) -> None:
    """Raise `ValueError` that names the first index of `array` that holds nan or infinity."""
    if not array.size:
        return
    # Two passes without a temporary: nan and infinity survive both max and min.
    with np.errstate(all="ignore"):  # which a signalling nan raises
        finite = math.isfinite(array.max()) and math.isfinite(array.min())
    if not finite:
        where = _first(~np.isfinite(array))
        raise ValueError(f"{_entry(name, array, where)} is {array[where]}, expected finite numbers")


def check_range(name: str, array: Array, low: float, high: float | None = None) -> None:
    """Raise `ValueError` that names the first index of `array` outside of [low, high]."""
    check_finite(name, array)
    outside = array < low if high is None else (array < low) | (array > high)
    if outside.any():
        where = _first(outside)
        expected = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(
            f"{_entry(name, array, where)} is {array[where]}, expected numbers {expected}"
        )


def check_axis(name: str, array: Array, axis: int) -> int:
    """Check that `array` has `axis`, and count it from the front."""
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"{name}: axis {axis} is out of range for shape {array.shape}")
    return axis % array.ndim


def check_axis_length(name: str, array: Array, axis: int, length: int) -> None:
    """Check that `axis` of `array` has exactly `length` entries."""
    found = array.shape[check_axis(name, array, axis)]
    if found != length:
        raise ValueError(
            f"{name}: expected axis {axis} to have length {length}, got {found} in shape "
            f"{array.shape}"
        )


def check_batch(**sizes: int) -> int:
    """Check that batch sizes agree, where 1 goes with any other, and return the batch's size."""
    distinct = {size for size in sizes.values() if size != 1}
    if len(distinct) > 1:
        found = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise ValueError(f"batch sizes differ: {found}; expected the same number, or 1")
    return distinct.pop() if distinct else 1


def refuse_masked(name: str, value: Any, depth: int = 0) -> None:
    """Raise `TypeError` for a masked array, or a list that holds one: what is masked is no input.

    NumPy takes such an array for one of all its data.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name}: expected an array without a mask, got a masked array; fill it, or leave out "
            "what is masked"
        )
    if isinstance(value, (list, tuple)) and depth < DEEPEST:
        for entry in value:
            if not isinstance(entry, (float, int)):  # most are, and a test of those is quick
                refuse_masked(name, entry, depth + 1)


def shown(value: Any) -> str:
    """Return how a message shows a value, whatever that is."""
    try:
        text = repr(value)
    except Exception:  # not all print: Python refuses integers of more than 4,300 digits
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _as_array(name: str, value: Any) -> Array:
    if type(value) is np.ndarray:
        return value
    refuse_masked(name, value)
    try:
        with np.errstate(all="ignore"):  # which a signalling nan raises
            array = np.asanyarray(value)
    except ValueError as error:  # a ragged list
        raise ValueError(f"{name}: expected an array, got a ragged sequence ({error})") from None
    except (TypeError, RuntimeError) as error:  # an array of another library, on another device
        found = type(value).__name__
        raise TypeError(f"{name}: expected an array, got {found} ({error})") from None
    refuse_masked(name, array)
    return np.asarray(array)


def _first(mask: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def _entry(name: str, array: Array, where: tuple[int, ...]) -> str:
    return f"{name}{list(where)}" if array.ndim else name
