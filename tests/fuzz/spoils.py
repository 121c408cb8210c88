"""Wrong arguments: what a parameter cannot be, and what an array must not hold or look like."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from tests.fuzz.dice import Dice
from tests.fuzz.given import EITHER, REFUSED, Given, Wrap

__all__ = [
    "NOT_COUNTS",
    "NOT_FLAGS",
    "NOT_INTEGERS",
    "NOT_NUMBERS",
    "NOT_SEEDS",
    "NOT_TEXT",
    "Spoilt",
    "beyond_int64",
    "fractional",
    "masked",
    "no_array",
    "not_finite",
    "other_dtype",
    "other_length",
    "other_rank",
]

# As Python. Nothing of this is a real number, an integer, a flag, a name, a seed.
NEITHER = (
    "None",
    "'abc'",
    "''",
    "b'1'",
    "1j",
    "np.complex64(1)",
    "set()",
    "{}",
    "()",
    "[1]",
    "np.array([1])",
    "np.array([[1]])",
    "object()",
    "float",
    "len",
    "np.datetime64(1, 's')",
    "np.timedelta64(1, 's')",
    "np.str_('1')",
    "np.ma.masked",
    "Ellipsis",
    "np.array(None)",
    "np.void(b'1')",
)
NOT_NUMBERS = (
    *(text for text in NEITHER),
    "True",
    "np.True_",
    "np.array(True)",
    "'0.5'",
    "np.nan",
    "np.inf",
    "-np.inf",
    "np.float32('nan')",
    "np.float16('inf')",
    "np.array(np.nan)",
    "np.longdouble('nan')",
    "10**400",
    "-10**400",
    "Fraction(10**400)",
    "np.longdouble('1e4000')",
)
NOT_INTEGERS = (
    *NEITHER,
    "True",
    "np.False_",
    "1.0",
    "0.5",
    "np.float64(1)",
    "np.float32(2)",
    "np.nan",
    "np.inf",
    "Fraction(1)",
    "Decimal(1)",
    "'1'",
    "np.array(1.0)",
)
NOT_COUNTS = (*NOT_INTEGERS, "-1", "np.int8(-1)", "2**31", "2**64", "10**400", "-(10**400)")
NOT_FLAGS = (*NEITHER, "0", "1", "1.0", "'True'", "np.int64(1)", "np.nan", "np.array([True])")
NOT_TEXT = (*(text for text in NEITHER if "str_" not in text), "1", "0.5", "True", "'corners'")
NOT_SEEDS = (*(text for text in NEITHER if text != "None"), "-1", "1.0", "True", "-(2**70)")
NOT_SEEDS += ("np.nan", "np.random.RandomState(0)", "np.random.default_rng", "np.random", "'7'")

NO_ARRAYS = (
    "None",
    "'abc'",
    "b'abc'",
    "{}",
    "{1: 2}",
    "set()",
    "object()",
    "[[1.0], [1.0, 2.0]]",
    "[1.0, [1.0]]",
    "[None]",
    "['a']",
    "[10**400]",
    "[0.5, 10**400]",
    "[[0, 0, 1, 10**30]]",
    "[np.zeros(2), np.zeros(3)]",
    "(i for i in range(4))",
    "float",
    "1j",
    "[1j]",
    "np.array(None)",
    "np.datetime64(1, 's')",
    "np.array(['a', 'b'])",
    "[Fraction(1, 2)]",
    "[Decimal('0.5')]",
    "[b'a', 1]",
    "Ellipsis",
)

# A quiet nan, signalling ones of both signs, infinities: as bits by size.
NOT_FINITE = {
    2: (0x7E00, 0x7D01, 0xFD01, 0x7C00, 0xFC00, 0xFE00),
    4: (0x7FC00000, 0x7FA00001, 0xFFA00001, 0x7F800000, 0xFF800000, 0x7F800001),
    8: (0x7FF8 << 48, (0x7FF0 << 48) + 1, (0xFFF4 << 48) + 1, 0x7FF0 << 48, 0xFFF0 << 48),
}

DTYPES = (
    Wrap(lambda x: x.astype(complex), "{}.astype(complex)"),
    Wrap(lambda x: x.astype(object), "{}.astype(object)"),
    Wrap(lambda x: x.astype(str), "{}.astype(str)"),
    Wrap(lambda x: x.astype("S8"), "{}.astype('S8')"),
    Wrap(lambda x: np.zeros(x.shape, "M8[s]"), "np.zeros({shape}, 'M8[s]')"),
    Wrap(lambda x: np.zeros(x.shape, "m8[s]"), "np.zeros({shape}, 'm8[s]')"),
    Wrap(lambda x: np.zeros(x.shape, "f4,f4"), "np.zeros({shape}, 'f4,f4')"),
    Wrap(lambda x: np.zeros(x.shape, "V4"), "np.zeros({shape}, 'V4')"),
    Wrap(lambda x: x.astype("c8"), "{}.astype('c8')"),
)
LONG = Wrap(lambda x: x.astype(np.longdouble), "{}.astype(np.longdouble)")


class Spoilt(NamedTuple):
    """A spoilt argument, what is wrong with it, and what must become of the call.

    `others` says whether the error may name another argument, to which it does not fit; `place` is
    the index that the error must name.
    """

    given: Given
    wrong: str
    expect: str = REFUSED
    others: bool = False
    place: str = ""


def not_finite(dice: Dice, array: Array, minded: Array, *, infinite: bool = True) -> Spoilt | None:
    """Put nan, or infinity if that is wrong too, where it is minded."""
    places = np.flatnonzero(minded)
    if not len(places):
        return None
    base = array.copy() if array.dtype.kind == "f" else array.astype(np.float64)
    bits = np.dtype(f"u{base.itemsize}")
    place = dice.choose(places)
    wrong = np.array(NOT_FINITE[base.itemsize], bits)
    if not infinite:
        wrong = wrong[np.isnan(wrong.view(base.dtype))]
    base.reshape(-1).view(bits)[place] = dice.choose(wrong)
    index = [int(i) for i in np.unravel_index(place, base.shape)]
    shown = (str(index) if index else "") + " is "
    return Spoilt(Given(base), "nan or infinity", place=shown)


def fractional(dice: Dice, array: Array, minded: Array) -> Spoilt | None:
    """Put a number that is not whole where it is minded."""
    places = np.flatnonzero(minded)
    if not len(places):
        return None
    base = array.copy() if array.dtype.kind == "f" else array.astype(np.float64)
    base.reshape(-1)[dice.choose(places)] = dice.choose((0.5, -0.5, 1.5, 2.0**-14))
    return Spoilt(Given(base), "a fraction")


def beyond_int64(dice: Dice, array: Array, minded: Array) -> Spoilt | None:
    """Put a whole number that int64 does not have where it is minded."""
    places = np.flatnonzero(minded)
    if not len(places):
        return None
    wide = array.dtype in (np.float32, np.float64)
    kind, numbers = dice.choose(
        ((np.uint64, (2**63, 2**64 - 1)), (np.float64, (2.0**63, -(2.0**70), 1e300)))
    )
    base = array.copy() if wide else np.where(array < 0, 0, array).astype(kind)
    if wide or kind is np.float64:
        numbers = (2.0**63, -(2.0**70), 1e30)
    base.reshape(-1)[dice.choose(places)] = dice.choose(numbers)
    # A negative match is no match, whatever its magnitude.
    return Spoilt(Given(base), "no number of int64")


def other_dtype(dice: Dice, array: Array, *, long_is_fine: bool = False) -> Spoilt:
    """Return an array of a dtype that is none of numbers, or of none that is computed in."""
    if dice.chance(0.15):
        expect = EITHER if long_is_fine else REFUSED
        return Spoilt(Given(array, (LONG,)), "dtype longdouble", expect)
    return Spoilt(Given(array, (dice.choose(DTYPES),)), "a dtype that is not one of numbers")


def other_rank(dice: Dice, array: Array, ranks: Sequence[int] | None) -> Spoilt | None:
    """Return an array with an axis more or fewer."""
    wraps = [Wrap(lambda x: x[np.newaxis], "{}[np.newaxis]")]
    if array.ndim:
        wraps.append(Wrap(lambda x: x[..., np.newaxis], "{}[..., np.newaxis]"))
        wraps.append(Wrap(lambda x: x.reshape(-1), "{}.reshape(-1)"))
        wraps.append(Wrap(lambda x: x.sum(), "{}.sum()"))
        if len(array):
            wraps.append(Wrap(lambda x: x[0], "{}[0]"))
    wrap = dice.choose(wraps)
    with np.errstate(all="ignore"):
        found = wrap.apply(array)
    if np.ndim(found) == array.ndim:
        return None
    known = ranks is not None and np.ndim(found) not in ranks
    return Spoilt(
        Given(array, (wrap,)), "too many or too few axes", REFUSED if known else EITHER, True
    )


def other_length(dice: Dice, array: Array, bound: Callable[[int, int], bool]) -> Spoilt | None:
    """Return an array with an axis that is longer or shorter.

    ``bound(axis, length)`` says whether the axis cannot have this length beside the others.
    """
    if not array.ndim:
        return None
    axis = dice.whole(0, array.ndim - 1)
    length = array.shape[axis]
    wraps = []
    if length:
        index = "[" + ":, " * axis + "{}]"
        wraps.append((length - 1, Wrap(_cut(axis, slice(1, None)), "{}" + index.format("1:"))))
        wraps.append(
            (length + 1, Wrap(_longer(axis), f"np.append({{}}, {{}}{index.format('-1:')}, {axis})"))
        )
        wraps.append((0, Wrap(_cut(axis, slice(0, 0)), "{}" + index.format(":0"))))
        wraps.append((2 * length, Wrap(_twice(axis), f"np.repeat({{}}, 2, {axis})")))
    if not wraps:
        return None
    new, wrap = dice.choose(wraps)
    if new == length:
        return None
    expect = REFUSED if bound(axis, new) else EITHER
    return Spoilt(Given(array, (wrap,)), "an axis of another length", expect, True)


def masked(dice: Dice, array: Array) -> Spoilt:
    """Return an array of which some is masked out; a mask that says nothing is refused too."""
    mask = Wrap(
        lambda x: np.ma.masked_array(x, x > x.mean()),
        "(lambda x: np.ma.masked_array(x, x > x.mean()))({})",
    )
    return Spoilt(Given(array, (mask,)), "a mask", REFUSED)


def no_array(dice: Dice, *, none_is_fine: bool = False) -> Spoilt:
    """Return what is no array of numbers."""
    text = dice.choose(NO_ARRAYS)
    expect = EITHER if none_is_fine and text == "None" else REFUSED
    return Spoilt(Given(python=text), "no array of numbers", expect, others=True)


def _cut(axis: int, part: slice) -> Callable[[Any], Any]:
    return lambda x: x[(slice(None),) * axis + (part,)]


def _longer(axis: int) -> Callable[[Any], Any]:
    return lambda x: np.append(x, _cut(axis, slice(-1, None))(x), axis)


def _twice(axis: int) -> Callable[[Any], Any]:
    return lambda x: np.repeat(x, 2, axis)
