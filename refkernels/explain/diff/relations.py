"""What one set of boxes is to another: the usual faults of inputs, found by trying them.

A relation is a guess that either fits or does not. It explains a difference only if it makes every
row that differs what it is, up to the roundings on the way; its parameters, such as a scale, come
from the rows themselves, so rows must say more than there are parameters.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from refkernels.arrays import Array

__all__ = ["Relation", "plain", "related", "roundings", "rows_differ", "unit_of"]

# Roundings between two boxes of one number: that of either, of the operation and of its operand,
# and two of a parameter that is told by dividing or adding such numbers.
ROUNDINGS = 6

# Images whose own parameters are named.
NAMED = 2

# About so many rows are tried first.
SOME = 500


@dataclass(frozen=True)
class Relation:
    """A relation that explains all rows that differ.

    Attributes
    ----------
    words : str
        What it is, as what follows "explained by".
    of : int
        The side that it makes of the other one: 1 where B is made of A, 0 where A is of B.
    """

    words: str
    of: int


class Fit(NamedTuple):
    """Numbers that a family of relations has for the rows of an image, and what it makes of them.

    `made` and `size` are (K, 4): boxes, and the largest number that entered each coordinate.
    """

    numbers: tuple[float, ...]
    made: Array
    size: Array


# The rows of each image that differ, of A and of B; and the numbers of each image.
Pairs = list[tuple[int, Array, Array]]
Numbers = dict[int, tuple[float, ...]]

Family = tuple[
    Callable[[Array, Array, float], Fit | None], Callable[[Numbers, Pairs, bool], Relation]
]


def unit_of(*arrays: Array) -> float:
    """Return the unit roundoff that numbers of these arrays may have, at least that of float32.

    What is kept in a wider dtype was often computed in that one.
    """
    return max(
        float(np.finfo(array.dtype).eps if array.dtype == np.float16 else np.finfo("f4").eps) / 2
        for array in arrays
    )


def rows_differ(a: Array, b: Array) -> Array:
    """Mark the rows (...) of boxes (..., 4) that differ by more than a rounding to one dtype."""
    narrow = min(a.dtype, b.dtype, key=lambda dtype: dtype.itemsize)
    with np.errstate(over="ignore"):
        differ = a.astype(narrow) != b.astype(narrow)
    return np.asarray(differ.any(axis=-1))


def plain(value: float, error: float) -> float:
    """Return the number of fewest digits that lies within `error` of a value.

    Examples
    --------
    >>> plain(300.00001, 1e-4), plain(0.46875, 1e-7), plain(0.0, 0.0)
    (300.0, 0.46875, 0.0)
    """
    if abs(value) <= error:
        return 0.0
    for digits in range(1, 17):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= error:
            return short
    return value


def related(a: Array, b: Array, *, resized: bool = True) -> list[Relation]:
    """Return the relations that explain how boxes differ, the likeliest first.

    Where none does alone, two that follow each other are tried.

    Parameters
    ----------
    a, b : numpy.ndarray, (B, M, 4)
        Boxes that belong together by their places.
    resized : bool
        Whether they may be of images that were resized; anchors are not.

    Examples
    --------
    >>> a = np.array([[[0.0, 10, 30, 20], [5, 5, 8, 9]]])
    >>> related(a, a[..., [1, 0, 3, 2]])
    [Relation(words='x and y swapped', of=1)]
    >>> related(a, a / 300)
    [Relation(words='normalisation, a division by 300', of=1)]
    """
    differ = rows_differ(a, b)
    images = np.flatnonzero(differ.any(axis=-1))
    if not len(images):
        return []
    pairs = [
        (
            int(image),
            a[image, differ[image]].astype(np.float64),
            b[image, differ[image]].astype(np.float64),
        )
        for image in images
    ]
    unit = unit_of(a, b)
    # What does not explain some rows does not explain all.
    some = [(image, _spread(own), _spread(other)) for image, own, other in pairs]
    with np.errstate(all="ignore"):  # of guesses that do not fit
        if not _explanations(some, unit, resized):
            return []
        return _explanations(pairs, unit, resized)


def _spread(rows: Array) -> Array:
    return rows[:: max(1, len(rows) // SOME)]


def _explanations(pairs: Pairs, unit: float, resized: bool) -> list[Relation]:
    found = [*_alone(pairs, unit), *_fitted(pairs, unit, resized)] or [*_two(pairs, unit, resized)]
    named: dict[str, Relation] = {}
    for relation in found:
        named.setdefault(relation.words, relation)
    # Of several, that of the fewest digits: a number that anybody chose is a round one.
    return sorted(named.values(), key=lambda own: sum(map(str.isdigit, own.words)))


def _alone(pairs: Pairs, unit: float) -> Iterator[Relation]:
    turned = [(image, other, own) for image, own, other in pairs]
    for words, change in FORMS.items():
        for of, given in ((1, pairs), (0, turned)):
            if all(_near(change(own), other, _sizes(own, other), unit) for _, own, other in given):
                yield Relation(words, of)
                break
    for words, change in ROUNDED.items():
        for of, given in ((1, pairs), (0, turned)):
            if all(np.array_equal(change(own), other) for _, own, other in given):
                yield Relation(words, of)
                break


def _two(pairs: Pairs, unit: float, resized: bool) -> Iterator[Relation]:
    """Yield what is explained by another form, and numbers that then are changed."""
    turned = [(image, other, own) for image, own, other in pairs]
    for of, given in ((1, pairs), (0, turned)):
        for words, change in FORMS.items():
            formed = [(image, change(own), other) for image, own, other in given]
            for found in _fitted(formed, unit, resized):
                other = "" if found.of else "in the other side by "
                yield Relation(f"{words}, and {other}{found.words}", of)


def _fitted(pairs: Pairs, unit: float, resized: bool) -> list[Relation]:
    found = [*_of_families(FAMILIES, pairs, unit, resized)]
    return found or [*_of_families([(_letterboxed, _tell_letterbox)], pairs, unit, resized)]


def _of_families(
    families: list[Family], pairs: Pairs, unit: float, resized: bool
) -> Iterator[Relation]:
    for fit, tell in families:
        fits: dict[int, Fit] = {}
        for image, own, other in pairs:
            found = fit(own, other, unit)
            if found is None or not _near(found.made, other, found.size, unit):
                break
            fits[image] = found
        else:
            numbers = {image: found.numbers for image, found in fits.items()}
            yield tell(numbers, pairs, resized)


def _near(made: Array, found: Array, size: Array, unit: float) -> bool:
    near = np.abs(made - found) <= ROUNDINGS * unit * size
    return bool((near & np.isfinite(size)).all())


def _sizes(*boxes: Array) -> Array:
    """Return the largest magnitude of each row, for all of its coordinates."""
    most = np.max([np.abs(own).max(axis=1, keepdims=True) for own in boxes], axis=0)
    return np.broadcast_to(most, boxes[0].shape)


def roundings(a: Array, b: Array) -> Array:
    """Return the bound of `ROUNDINGS` roundings for each number of two arrays."""
    most = np.maximum(np.abs(a.astype(np.float64)), np.abs(b.astype(np.float64)))
    return np.asarray(ROUNDINGS * unit_of(a, b) * most)


def _centre_form(boxes: Array) -> Array:
    low, high = boxes[:, :2], boxes[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def _sides_swapped(boxes: Array) -> Array:
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    return np.concatenate([centre - half[:, ::-1], centre + half[:, ::-1]], axis=1)


FORMS: dict[str, Callable[[Array], Array]] = {
    "x and y swapped": lambda boxes: boxes[:, [1, 0, 3, 2]],
    "the form (x, y, width, height), xywh, taken for corners": lambda boxes: np.concatenate(
        [boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1
    ),
    "the centre form (cx, cy, width, height) taken for corners": _centre_form,
    "corners in the order x1, x2, y1, y2": lambda boxes: boxes[:, [0, 2, 1, 3]],
    "corners in the order x2, y2, x1, y1": lambda boxes: boxes[:, [2, 3, 0, 1]],
    "widths and heights swapped about the same centres": _sides_swapped,
}

ROUNDED: dict[str, Callable[[Array], Array]] = {
    "rounding to whole numbers": np.rint,
    "rounding down to whole numbers": np.floor,
    "rounding to float16, half precision": lambda boxes: boxes.astype(np.float16).astype(float),
    "rounding to float32": lambda boxes: boxes.astype(np.float32).astype(float),
}


def _scale(own: Array, other: Array, unit: float, axes: tuple[tuple[int, ...], ...]) -> Fit | None:
    """Fit a scale for each of the axes, which are sets of columns, if two numbers tell it."""
    numbers, made = [], np.empty_like(own)
    for columns in axes:
        mine, its = own[:, columns].ravel(), other[:, columns].ravel()
        if np.count_nonzero(mine) < 2:
            return None
        k = int(np.argmax(np.abs(mine)))
        value = its[k] / mine[k]
        if value == 0:
            return None
        # A number or its inverse may be the round one.
        error = 3 * unit
        direct, inverse = plain(value, error * abs(value)), plain(1 / value, error / abs(value))
        if len(f"{inverse:.17g}") < len(f"{direct:.17g}"):
            direct = 1 / inverse
        numbers.append(direct)
        made[:, columns] = own[:, columns] * direct
    return Fit(tuple(numbers), made, np.maximum(np.abs(made), np.abs(other)))


def _moved(own: Array, other: Array, unit: float, low: int, high: int) -> Fit | None:
    """Fit a number for each axis, of which corners have `low` and `high` times as much more."""
    size = _sizes(own, other)
    numbers = []
    for axis in (0, 1):
        column, sign = (axis + 2, high) if high else (axis, low)
        k = int(np.argmin(size[:, column]))
        value = float(other[k, column] - own[k, column]) * sign
        numbers.append(plain(value, 3 * unit * float(size[k, column])))
    step = np.array(numbers)
    return Fit(tuple(numbers), own + np.concatenate([low * step, high * step]), size)


def _flip(own: Array, other: Array, unit: float, axes: tuple[int, ...]) -> Fit | None:
    made, size = own.copy(), _sizes(own, other).copy()
    numbers = []
    for axis in axes:
        sums = own[:, axis] + other[:, axis + 2]
        k = int(np.argmin(np.abs(own[:, axis]) + np.abs(other[:, axis + 2])))
        extent = plain(float(sums[k]), 3 * unit * float(size[k, 0]))
        made[:, axis], made[:, axis + 2] = extent - own[:, axis + 2], extent - own[:, axis]
        size = np.maximum(size, abs(extent))
        numbers.append(extent)
    return Fit(tuple(numbers), made, size)


def _letterboxed(own: Array, other: Array, unit: float) -> Fit | None:
    """Fit a scale and a shift for each axis, which two boxes must agree on."""
    if len(own) < 2:
        return None
    numbers, made, size = [], np.empty_like(own), np.empty_like(own)
    for axis in (0, 1):
        columns = [axis, axis + 2]
        mine, its = own[:, columns].ravel(), other[:, columns].ravel()
        low, high = int(np.argmin(mine)), int(np.argmax(mine))
        span = mine[high] - mine[low]
        if span == 0:
            return None
        most = max(np.abs(mine).max(), np.abs(its).max())
        value = (its[high] - its[low]) / span
        if value <= 0:
            return None
        value = plain(value, ROUNDINGS * unit * value * most / span)
        start = its[low] - value * mine[low]
        start = plain(start, ROUNDINGS * unit * max(most, value * most))
        numbers += [value, start]
        made[:, columns] = own[:, columns] * value + start
        size[:, columns] = max(most, value * most)
    return Fit((numbers[0], numbers[2], numbers[1], numbers[3]), made, size)


def _number(value: float) -> str:
    return f"{value:.6g}"


def _by_axis(x: float, y: float | None = None) -> str:
    """Name a number of both axes, or one of each."""
    if y is None or _number(x) == _number(y):
        return _number(x)
    return f"{_number(x)} in x and {_number(y)} in y"


def _by_image(numbers: Numbers, name: Callable[..., str] = _by_axis) -> str:
    """Name the numbers once where all images have the same, or else those of the first."""
    distinct = dict.fromkeys(name(*own) for own in numbers.values())
    if len(distinct) == 1:
        return next(iter(distinct))
    named = [f"{name(*own)} in image {image}" for image, own in [*numbers.items()][:NAMED]]
    more = len(numbers) - len(named)
    return ", ".join(named) + (f", and others in {more} more" if more else "")


def _tell_scale(numbers: Numbers, pairs: Pairs, resized: bool) -> Relation:
    shares = [_shares(np.concatenate([pair[side] for pair in pairs])) for side in (1, 2)]
    inverse = {image: tuple(1 / value for value in own) for image, own in numbers.items()}
    if shares[1] and not shares[0]:
        return Relation(f"normalisation, a division by {_by_image(inverse)}", 1)
    if shares[0] and not shares[1]:
        return Relation(f"normalisation, a division by {_by_image(numbers)}", 0)
    told = _by_image(numbers)
    if resized and " in " in told:
        return Relation(f"images that are not resized: the scale is {told}", 1)
    if all(abs(value) < 1 for own in numbers.values() for value in own):
        return Relation(f"a scale of {_by_image(inverse)}", 0)
    return Relation(f"a scale of {told}", 1)


def _shares(boxes: Array) -> bool:
    """Return whether boxes are shares of an image, out of which they may jut."""
    return bool(boxes.min() >= -1 and boxes.max() <= 2)


def _tell_sum(before: str) -> Callable[[Numbers, Pairs, bool], Relation]:
    return lambda numbers, pairs, resized: Relation(f"{before} {_by_image(numbers)}", 1)


def _tell_flip(before: str, *extents: str) -> Callable[[Numbers, Pairs, bool], Relation]:
    def name(*own: float) -> str:
        """Name how wide or high an image is that is flipped."""
        both = zip(own, extents, strict=True)
        return " and ".join(f"{_number(value)} {what}" for value, what in both)

    return lambda numbers, pairs, resized: Relation(
        f"a flip {before}, of an image {_by_image(numbers, name)}", 1
    )


def _tell_letterbox(numbers: Numbers, pairs: Pairs, resized: bool) -> Relation:
    def name(x: float, y: float, left: float, top: float) -> str:
        """Name the scale and the shift."""
        return f"{_by_axis(x, y)} and the shift {_by_axis(left, top)}"

    before = "images that are not resized and padded" if resized else "another grid"
    return Relation(f"{before}: the scale is {_by_image(numbers, name)}", 1)


ALL = ((0, 1, 2, 3),)
BY_AXIS = ((0, 2), (1, 3))

FAMILIES: list[Family] = [
    (partial(_scale, axes=ALL), _tell_scale),
    (partial(_scale, axes=BY_AXIS), _tell_scale),
    (partial(_moved, low=1, high=1), _tell_sum("a shift by")),
    (partial(_moved, low=0, high=1), _tell_sum("x2 and y2 that are larger by")),
    (partial(_moved, low=1, high=0), _tell_sum("x1 and y1 that are larger by")),
    (partial(_moved, low=-1, high=1), _tell_sum("every side that lies further out by")),
    (partial(_flip, axes=(0,)), _tell_flip("left to right", "wide")),
    (partial(_flip, axes=(1,)), _tell_flip("upside down", "high")),
    (partial(_flip, axes=(0, 1)), _tell_flip("both ways", "wide", "high")),
]
