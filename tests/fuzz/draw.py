"""Values that operators are given: boxes, matrices, thresholds; plain, tied and extreme."""

from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case
from tests.fuzz.dice import Dice

__all__ = [
    "BEYOND",
    "axis_of",
    "boxes",
    "cast",
    "centers",
    "common",
    "is_within",
    "largest",
    "levels",
    "matrix",
    "number",
    "real_dtype",
    "threshold",
    "whole_dtype",
]

FACTORS = (1.0, 1.0, 1.0, 0.125, 1 / 64, 2500.0, 2.0**-20)
EXTREMES = (1e18, 1e30, 1e150, 1e300, 1e-18, 1e-30, 1e-41, 1e-160, 1e-305, 5e-324)
SPECIAL = np.array([0.0, -0.0, 5e-324, 1e-310, 1e-45, 1e-39, 1e300, -1e300, 1e38, -1e38, 65504.0])

REAL = ("f4", "f4", "f4", "f8", "f8", "f8", "f2", "f2")
WHOLE = ("i1", "i2", "i4", "i8", "i8", "u1", "u2", "u4", "u8", "?")

# What an area, and what a sum, may be made of without an overflow, by computing dtype.
BEYOND = {
    "linear": {4: float(np.finfo("f4").max) / 16, 8: float(np.finfo("f8").max) / 16},
    "product": {4: 2.0**58, 8: 2.0**500},
}


def real_dtype(dice: Dice) -> str:
    """Draw a dtype of real data: floats mostly."""
    return dice.choose(WHOLE) if dice.chance(0.15) else dice.choose(REAL)


def whole_dtype(dice: Dice) -> str:
    """Draw a dtype of whole numbers: integers mostly."""
    return dice.choose(REAL) if dice.chance(0.4) else dice.choose(WHOLE[:-1])


def cast(values: Array, dtype: str) -> Array:
    """Return values in a dtype, cut to what it has numbers for."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return np.asarray(values > 0)
    if kind.kind == "f":
        high = float(np.finfo(kind).max)
        low = -high
    else:
        info, values = np.iinfo(kind), np.rint(values)
        # float64 has no number next to the limits of 64 bits.
        low, high = float(info.min), float(info.max if info.bits < 64 else info.max // 2)
    return np.asarray(np.clip(values, low, high)).astype(kind)


def boxes(dice: Dice, images: int, count: int) -> Array:
    """Draw corner boxes (images, count, 4), float64; some images are extreme."""
    shape, rng = (images, count, 2), dice.rng
    if dice.chance(0.7):  # on a grid, so that there are ties
        low, sides = rng.integers(-4, 12, shape), rng.integers(-1, 9, shape)
    else:
        low, sides = rng.normal(0, 10, shape), np.exp(rng.normal(0, 2, shape))
    drawn = np.concatenate([low, low + sides], -1).astype(np.float64)
    if not drawn.size:
        return drawn
    if dice.chance(0.3):
        drawn[:, dice.whole(0, count - 1)] = drawn[:, dice.whole(0, count - 1)]
    if dice.chance(0.2):  # padding
        drawn[:, -1] = dice.choose((-1.0, 0.0))
    drawn *= dice.choose(FACTORS)
    if dice.chance(0.2):
        drawn[dice.whole(0, images - 1)] *= dice.choose(EXTREMES)
    if dice.chance(0.04):
        drawn *= dice.choose(EXTREMES)
    return _sprinkled(dice, np.clip(drawn, -1e308, 1e308))


def matrix(dice: Dice, shape: tuple[int, ...], bar: float) -> Array:
    """Draw IoUs or distances (..., N, M), float64; `bar` is the threshold they are compared with.

    Of few levels mostly, so that there are ties; some within a rounding of the threshold.
    """
    rng = dice.rng
    kind = dice.choose(("levels", "levels", "edge", "free", "distances"))
    if kind == "free":
        drawn = rng.random(shape)
    else:
        drawn = rng.choice(levels(kind, bar), shape)
    if not drawn.size:
        return drawn
    if dice.chance(0.2):
        drawn = np.where(rng.random(shape) < 0.3, drawn, 0.0)
    if drawn.ndim > 2 and dice.chance(0.15):
        drawn[dice.whole(0, len(drawn) - 1)] *= dice.choose(EXTREMES)
    return _sprinkled(dice, drawn)


def levels(kind: str, bar: float) -> Array:
    """Return the numbers that a matrix is made of."""
    bar = float(np.clip(bar, -1e300, 1e300))
    if kind == "edge":
        single, half = cast(np.array([bar]), "f4"), cast(np.array([bar]), "f2")
        near = [bar, float(single[0]), float(half[0]), bar + 1e-12, bar - 1e-12]
        return np.array([*near, np.nextafter(bar, 2), np.nextafter(bar, -1), 0.0, 1.0])
    if kind == "distances":
        return np.array([0.0, 0.5, -0.5, 2.0, 100.0, -1e-3, 1e-12, 7.25])
    return np.array([0.0, 0.25, 0.5, 0.75, 1.0, 0.3])


def threshold(dice: Dice) -> float:
    """Draw a threshold in [0, 1]."""
    drawn = dice.choose((0.5, 0.5, 0.25, 0.3, 0.7, 0.0, 1.0, 0.1, 1e-12, 1e-45, 5e-324, 1e-308))
    return float(dice.rng.random()) if dice.chance(0.2) else drawn


def number(dice: Dice) -> float:
    """Draw a finite number of any magnitude."""
    if dice.chance(0.15):
        return dice.choose((1e308, -1e308, 1e39, -1e39, 7e4, 1e-320, -1e-320, -0.0, 2.0**53 + 2))
    return dice.choose((0.0, 1.0, -1.0, 0.5, -0.25, 3.0, 100.0, 1e-3, float(dice.rng.normal())))


def centers(corners: Array) -> Array:
    """Return corner boxes in centre form."""
    halves = corners / 2  # first, since a sum may overflow
    sides = np.clip(corners[..., 2:] - corners[..., :2], -1e308, 1e308)
    return np.concatenate([halves[..., :2] + halves[..., 2:], sides], -1)


def common(*arrays: Array) -> np.dtype[Any]:
    """Return the dtype of real outputs (SPEC section 0)."""
    kinds = (a.dtype if a.dtype.kind == "f" else np.dtype("f8") for a in arrays)
    return np.result_type(*kinds)


def largest(*arrays: Array) -> float:
    """Return the largest magnitude."""
    return max((float(np.abs(a.astype("f8")).max(initial=0.0)) for a in arrays), default=0.0)


def is_within(case: Case, kind: str, *numbers: float) -> bool:
    """Whether no intermediate result overflows, so that the bound of the result is one.

    `kind` is "linear", or "product" for formulas of second degree.
    """
    inputs = list(case.inputs.values())
    size = max(common(*inputs).itemsize, 4)
    return max(largest(*inputs), *map(abs, (0.0, *numbers))) <= BEYOND[kind][size]


def axis_of(case: Case) -> int:
    """Return the parameter `axis`."""
    return int(case.config.get("axis", -1))


def _sprinkled(dice: Dice, drawn: Array) -> Array:
    """Put special numbers into some places."""
    if dice.chance(0.06):
        where = dice.rng.random(drawn.shape) < 0.2
        return np.where(where, dice.rng.choice(SPECIAL, drawn.shape), drawn)
    return drawn
