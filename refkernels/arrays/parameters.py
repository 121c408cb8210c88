"""Checks of parameters, and of what else comes as Python's numbers, words and sequences."""

import math
import operator
from collections.abc import Set
from numbers import Real
from typing import Any

import numpy as np

from refkernels.arrays.inputs import as_sequence, require, shown
from refkernels.arrays.printing import times

__all__ = [
    "as_seed",
    "check_choice",
    "check_dtype",
    "check_flag",
    "check_integer",
    "check_number",
    "check_numbers",
    "check_pair",
    "check_seed",
    "check_sortable",
    "keep",
]

# Python counts without end, NumPy and kernels do not.
LARGEST = 2**63 - 1
MOST = 2**31 - 1


def keep(owner: Any, **values: Any) -> None:
    """Keep checked values as the attributes of a frozen dataclass.

    They come as Python's own types, which no one changes, and whose arithmetic does not overflow.
    """
    for name, value in values.items():
        object.__setattr__(owner, name, value)


def check_integer(
    name: str, value: Any, *, low: int | None = None, high: int | None = LARGEST
) -> int:
    """Check that `value` is a whole number in [low, high], as one of Python's.

    Without limits it has to fit int64; without one of them, with ``high=None``, it may be any.
    """
    try:
        if isinstance(value, (bool, np.bool_, np.ma.MaskedArray)):
            raise TypeError
        number = operator.index(value)
    except Exception:  # whatever an object raises when it is asked
        raise TypeError(f"{name}: expected an integer, got {shown(value)}") from None
    least = -LARGEST - 1 if low is None else low
    if number < least:
        limits = _interval(least, None if high == LARGEST else high)
    elif high is not None and number > high:
        limits = _interval(low, high)
    else:
        return number
    raise ValueError(f"{name}: expected an integer {limits}, got {shown(number)}")


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
        real = real and not isinstance(value, np.ma.MaskedArray)
    else:
        real = isinstance(value, Real) and not isinstance(value, bool)
    if not real:
        raise TypeError(f"{name}: expected a real number, got {shown(value)}")
    try:
        number = float(value)
    except OverflowError:  # an int or a Fraction beyond every float
        number = math.inf if value > 0 else -math.inf
    else:
        if number in allow:
            return number
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}, expected a finite number")
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"{name}: expected a number {_interval(low, high)}, got {number}")
    return number


def check_numbers(name: str, value: Any, length: int) -> tuple[float, ...]:
    """Check that `value` is a sequence of exactly `length` finite real numbers."""
    numbers = as_sequence(name, value, times(length, "number"))
    require(
        len(numbers) == length, f"{name}: expected {times(length, 'number')}, got {shown(value)}"
    )
    return tuple(check_number(f"{name}[{i}]", number) for i, number in enumerate(numbers))


def check_pair(name: str, value: Any, *, low: int) -> tuple[int, int]:
    """Check that `value` is two whole numbers of at least `low`, or one that stands for both.

    They count pixels, and have to fit 32 bits.
    """
    if isinstance(value, (tuple, list)):
        require(len(value) == 2, f"{name}: expected an integer or two, got {shown(value)}")
        first, second = (
            check_integer(f"{name}[{i}]", value[i], low=low, high=MOST) for i in (0, 1)
        )
        return first, second
    number = check_integer(name, value, low=low, high=MOST)
    return number, number


def check_flag(name: str, value: Any) -> bool:
    """Check that `value` is a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {shown(value)}")
    return bool(value)


def check_seed(name: str, rng: Any) -> Any:
    """Check that `rng` is None, a seed, or a Generator to draw one from."""
    if rng is None or isinstance(rng, np.random.Generator) or (type(rng) is int and rng >= 0):
        return rng
    return check_integer(
        f"{name} (None, a seed or a numpy.random.Generator)", rng, low=0, high=None
    )


def as_seed(name: str, rng: Any) -> np.uint64:
    """Return the 64 bits that `rng` stands for: None, a seed, or a Generator to draw them from."""
    rng = check_seed(name, rng)
    if isinstance(rng, np.random.Generator):
        return np.uint64(rng.integers(0, 2**64, dtype=np.uint64))
    seed: np.uint64 = np.random.SeedSequence(rng).generate_state(1, np.uint64)[0]
    return seed


def check_sortable(name: str, values: Any) -> list[Any]:
    """Check that `values` compare with each other, numbers among them finite; return a copy."""
    entries = as_sequence(name, values, "a sequence of keys that sort")
    if isinstance(values, np.ndarray):
        entries = values.tolist()
    for i, entry in enumerate(entries):
        _check_key(f"{name}[{i}]", entry)
    try:
        sorted(entries)
    except Exception as error:  # whatever keys of a class of its own raise
        raise TypeError(f"{name}: the keys do not compare with each other ({error})") from None
    return entries


def _check_key(name: str, key: Any) -> None:
    """Raise for a key that compares with others and has no place among them all the same."""
    if isinstance(key, (float, np.floating)) and not math.isfinite(key):
        raise ValueError(f"{name} is {key}, expected keys that sort")
    if isinstance(key, Set):  # which compares by inclusion
        raise TypeError(f"{name}: expected keys that sort, got {shown(key)}")
    if isinstance(key, (tuple, list)):
        for i, part in enumerate(key):
            _check_key(f"{name}[{i}]", part)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Check that `value` is one of the strings `choices`, in any case."""
    expected = " or ".join(repr(choice) for choice in choices)
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected {expected}, got {shown(value)}")
    if value.lower() not in choices:
        raise ValueError(f"{name}: expected {expected}, got {shown(value)}")
    return value.lower()


def check_dtype(name: str, value: Any, choices: tuple[str, ...]) -> np.dtype[Any]:
    """Check that `value` means one of the dtypes `choices`, and return that in native order."""
    try:
        # None is float64 to NumPy, and anything that has a dtype is that.
        meant = isinstance(value, (str, type, np.dtype))
        found = np.dtype(value).name if meant else None
    except Exception:  # there is no end to what NumPy is given for a dtype, and raises
        found = None
    if found not in choices:
        expected = " or ".join(repr(choice) for choice in choices)
        kind = TypeError if found is None else ValueError
        raise kind(f"{name}: expected {expected}, got {shown(value)}")
    return np.dtype(found)


def _interval(low: float | None, high: float | None) -> str:
    if high is None:
        return f"of at least {low}"
    if low is None:
        return f"of at most {high}"
    return f"from {low} to {high}"
