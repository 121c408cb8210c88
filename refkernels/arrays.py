"""What bad input gets: every check, and every error message, about arrays and parameters.

A check returns the value in the form that kernels take, or raises one `ValueError` or `TypeError`
that names the argument, what came and what was expected (SPEC section 0).
"""

import math
import operator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Array",
    "as_boxes",
    "as_indices",
    "as_real",
    "check_axis",
    "check_axis_length",
    "check_batch",
    "check_choice",
    "check_finite",
    "check_flag",
    "check_integer",
    "check_number",
    "check_numbers",
    "common_real",
    "computing_dtype",
    "require",
    "rounded",
    "rounded_to_computing",
    "to_computing",
]

Array = npt.NDArray[Any]

REAL = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))


def require(condition: bool, message: str) -> None:
    """Raise ``ValueError(message)`` unless the condition holds."""
    if not condition:
        raise ValueError(message)


# Arrays


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
        if array.size and int(array.max()) > np.iinfo(np.int64).max:  # uint64 alone can hold it
            raise ValueError(f"{name}: {int(array.max())} does not fit int64")
        whole = array
    elif array.dtype.kind == "f":
        check_finite(name, array)
        broken = array != np.rint(array)
        if broken.any():
            where = _first(broken)
            raise ValueError(
                f"{name}{list(where)} is {array[where]}, expected whole numbers (any integer or "
                "float dtype)"
            )
        too_large = np.abs(array) >= 2.0**63
        if too_large.any():
            where = _first(too_large)
            raise ValueError(f"{name}{list(where)} is {array[where]}, which does not fit int64")
        whole = array
    else:
        raise TypeError(f"{name}: expected integers or whole floats, got dtype {array.dtype}")
    if array.ndim < min_ndim:
        raise ValueError(f"{name}: expected at least {min_ndim} axes, got shape {array.shape}")
    return np.ascontiguousarray(whole, dtype=np.int64)


def as_boxes(name: str, value: Any, axis: int = -1, *, finite: bool = True) -> Array:
    """Check that `value` holds boxes along `axis`, and move that axis, of length 4, to the end."""
    array = as_real(name, value, finite=finite)
    check_axis_length(name, array, axis, 4)
    return array if axis in (-1, array.ndim - 1) else np.moveaxis(array, axis, -1)


def check_finite(name: str, array: Array) -> float:
    """Raise `ValueError` that names the first index of `array` that holds nan or infinity.

    Returns
    -------
    float
        The largest magnitude in `array`, 0 if it is empty.
    """
    if not array.size:
        return 0.0
    # Two passes without a temporary: nan and infinity survive both max and min.
    largest = max(float(array.max()), -float(array.min()))
    if math.isfinite(largest):
        return largest
    where = _first(~np.isfinite(array))
    place = str(list(where)) if array.ndim else ""
    raise ValueError(f"{name}{place} is {array[where]}, expected finite numbers")


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
        shown = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise ValueError(f"batch sizes differ: {shown}; expected the same number, or 1")
    return distinct.pop() if distinct else 1


# Dtypes


def common_real(*arrays: Array) -> np.dtype[Any]:
    """Return the dtype of real outputs for these real inputs: `numpy.result_type`."""
    return np.result_type(*(array.dtype for array in arrays))


def computing_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return the dtype that inputs of `dtype` are computed in: float32 for float16, else `dtype`."""
    return np.promote_types(dtype, np.float32)


def to_computing(array: Array, dtype: npt.DTypeLike) -> Array:
    """Return `array` C-contiguous, in the dtype that results of `dtype` are computed in."""
    return np.ascontiguousarray(array, dtype=computing_dtype(dtype))


def rounded(value: float, dtype: npt.DTypeLike) -> Any:
    """Round a parameter that is compared with data to the data's dtype (float16 included).

    The result is returned in the dtype that such data is computed in, where it is exact.
    """
    with np.errstate(over="ignore"):
        return computing_dtype(dtype).type(np.dtype(dtype).type(value))


def rounded_to_computing(value: float, dtype: npt.DTypeLike) -> Any:
    """Round a parameter that enters arithmetic to the dtype that data of `dtype` is computed in."""
    with np.errstate(over="ignore"):
        return computing_dtype(dtype).type(value)


# Parameters


def check_integer(name: str, value: Any, *, low: int | None = None, high: int | None = None) -> int:
    """Check that `value` is a whole number in [low, high]."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from None
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"{name}: expected an integer {_interval(low, high)}, got {number}")
    return number


def check_number(
    name: str,
    value: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    allow: tuple[float, ...] = (),
) -> float:
    """Check that `value` is a finite real number in [low, high], or one of `allow`."""
    if isinstance(value, (bool, np.bool_, str, bytes)) or not np.isscalar(value):
        if not (isinstance(value, np.ndarray) and value.ndim == 0):
            raise TypeError(f"{name}: expected a number, got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a real number, got {value!r}") from None
    if number in allow:
        return number
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}, expected a finite number")
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"{name}: expected a number {_interval(low, high)}, got {number}")
    return number


def check_numbers(name: str, value: Any, length: int) -> tuple[float, ...]:
    """Check that `value` is a sequence of exactly `length` finite real numbers."""
    try:
        numbers = tuple(value)
    except TypeError:
        raise TypeError(f"{name}: expected {length} numbers, got {value!r}") from None
    if isinstance(value, (str, bytes)) or len(numbers) != length:
        raise ValueError(f"{name}: expected {length} numbers, got {value!r}")
    return tuple(check_number(f"{name}[{i}]", number) for i, number in enumerate(numbers))


def check_flag(name: str, value: Any) -> bool:
    """Check that `value` is a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Check that `value` is one of the strings `choices`, in any case."""
    shown = " or ".join(repr(choice) for choice in choices)
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected {shown}, got {value!r}")
    if value.lower() not in choices:
        raise ValueError(f"{name}: expected {shown}, got {value!r}")
    return value.lower()


def _as_array(name: str, value: Any) -> Array:
    try:
        return np.asarray(value)
    except ValueError as error:  # a ragged list
        raise ValueError(f"{name}: expected an array, got a ragged sequence ({error})") from None


def _first(mask: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def _interval(low: float | None, high: float | None) -> str:
    if high is None:
        return f"of at least {low}"
    if low is None:
        return f"of at most {high}"
    return f"from {low} to {high}"
