"""What bad input gets: every check, and every error message, about arrays and parameters.

A check returns the value in the form that kernels take, or raises one `ValueError` or `TypeError`
that names the argument, what came and what was expected (SPEC section 0).
"""

import math
import operator
from collections.abc import Iterable
from functools import lru_cache
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Array",
    "as_boxes",
    "as_indices",
    "as_numbers",
    "as_real",
    "as_seed",
    "check_axis",
    "check_axis_length",
    "check_batch",
    "check_choice",
    "check_finite",
    "check_flag",
    "check_integer",
    "check_number",
    "check_numbers",
    "check_pair",
    "check_sortable",
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
        if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
            raise ValueError(f"{name}: {int(array.max())} does not fit int64")
        whole = array
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
        whole = array
    else:
        raise TypeError(f"{name}: expected integers or whole floats, got dtype {array.dtype}")
    if array.ndim < min_ndim:
        raise ValueError(f"{name}: expected at least {min_ndim} axes, got shape {array.shape}")
    return _read_only(np.asarray(whole, dtype=np.int64, order="C"))


def as_numbers(name: str, value: Any, *, min_ndim: int = 0) -> Array:
    """Return whole or real numbers of any dtype C-contiguous, as int64, float32 or float64.

    For kernels that check the numbers they look at: nan and infinity pass.
    """
    array = _as_array(name, value)
    if array.dtype.kind != "f":
        return as_indices(name, array, min_ndim=min_ndim)
    real = as_real(name, array, min_ndim=min_ndim, finite=False)
    return to_computing(real, real.dtype)


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
    raise ValueError(f"{_entry(name, array, where)} is {array[where]}, expected finite numbers")


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
    """Return the dtype that data of `dtype` is computed in: float32 for float16, else `dtype`."""
    return np.promote_types(dtype, np.float32)


def to_computing(array: Array, dtype: npt.DTypeLike) -> Array:
    """Return `array` C-contiguous, in the dtype that results of `dtype` are computed in."""
    return _read_only(np.asarray(array, dtype=computing_dtype(dtype), order="C"))


def rounded(value: float, dtype: npt.DTypeLike) -> Any:
    """Round a parameter that is compared with data to the data's dtype (float16 included).

    The result is returned in the dtype that such data is computed in, where it is exact.
    """
    return computing_dtype(dtype).type(_round(float(value), np.dtype(dtype)))


def rounded_to_computing(value: float, dtype: npt.DTypeLike) -> Any:
    """Round a parameter that enters arithmetic to the dtype that data of `dtype` is computed in."""
    return _round(float(value), computing_dtype(dtype))


@lru_cache
def _round(value: float, dtype: np.dtype[Any]) -> Any:
    # Cached, since the guard against the overflow warning takes longer than a small kernel.
    with np.errstate(over="ignore"):
        return np.asarray(value, dtype)[()]


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
    if isinstance(value, (np.generic, np.ndarray)):
        real = value.ndim == 0 and value.dtype.kind in "iuf"
    else:
        real = isinstance(value, Real) and not isinstance(value, bool)
    if not real:
        raise TypeError(f"{name}: expected a real number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:  # an int or a Fraction beyond every float
        number = math.inf if value > 0 else -math.inf
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


def check_pair(name: str, value: Any, *, low: int) -> tuple[int, int]:
    """Check that `value` is two whole numbers of at least `low`, or one that stands for both."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        first, second = (check_integer(f"{name}[{i}]", value[i], low=low) for i in (0, 1))
        return first, second
    if isinstance(value, (tuple, list)):
        raise ValueError(f"{name}: expected an integer or two, got {value!r}")
    number = check_integer(name, value, low=low)
    return number, number


def check_flag(name: str, value: Any) -> bool:
    """Check that `value` is a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def as_seed(name: str, rng: Any) -> np.uint64:
    """Return the 64 bits that `rng` stands for: None, a seed, or a Generator to draw them from."""
    if isinstance(rng, np.random.Generator):
        return np.uint64(rng.integers(0, 2**64, dtype=np.uint64))
    if rng is not None:
        rng = check_integer(f"{name} (None, a seed or a numpy.random.Generator)", rng, low=0)
    seed: np.uint64 = np.random.SeedSequence(rng).generate_state(1, np.uint64)[0]
    return seed


def check_sortable(name: str, values: Any) -> list[Any]:
    """Check that `values` compare with each other, numbers among them finite; return a copy."""
    entries = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(entries, (str, bytes)) or not isinstance(entries, Iterable):
        raise TypeError(f"{name}: expected a sequence of keys that sort, got {values!r}")
    entries = list(entries)
    for i, entry in enumerate(entries):
        if isinstance(entry, (float, np.floating)) and not math.isfinite(entry):
            raise ValueError(f"{name}[{i}] is {entry}, expected keys that sort")
    try:
        sorted(entries)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: the keys do not compare with each other ({error})") from None
    return entries


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


def _read_only(array: Array) -> Array:
    """Return a view that cannot be written to.

    Numba compiles a kernel anew for read-only arrays, so it gets no others from the checks.
    """
    view = array.view()
    view.flags.writeable = False
    return view


def _first(mask: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def _entry(name: str, array: Array, where: tuple[int, ...]) -> str:
    return f"{name}{list(where)}" if array.ndim else name


def _interval(low: float | None, high: float | None) -> str:
    if high is None:
        return f"of at least {low}"
    if low is None:
        return f"of at most {high}"
    return f"from {low} to {high}"
