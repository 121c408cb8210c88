"""Hold centre heat maps to the decisions that they show (SPEC section 6).

In which cell a centre lies, whether a side is rounded up to one whole number or the next, and how
many cells a Gaussian reaches are decisions; near a whole number rounding may decide them. Then maps
are held to whichever of these decisions a target has taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array, computing_dtype, rounded_to_computing
from refkernels.bounds import heatmap as bounds
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Operator, Output, Reference
from refkernels.definition.coder import Peak, heatmap_peaks, largest_radius

__all__ = ["HeatMaps", "maps"]

# Of more combinations of what boxes in doubt may do, not all are tried.
MOST_DECISIONS = 1024

# The number of an image and of a box, and the row and column of a cell.
_Place = tuple[int, int, int, int]


class _Doubt(NamedTuple):
    """A box, and the decisions that are right for it: cells (column, row), and radii."""

    image: int
    box: int
    cells: tuple[tuple[int, int], ...]
    radii: tuple[int, ...]


def _own(case: Case) -> dict[str, Any]:
    """Return the parameters on which peaks depend."""
    names = ("size", "scale", "min_overlap", "ceil")
    own = {name: case.config[name] for name in names if name in case.config}
    height, width = (int(n) for n in np.broadcast_to(own["size"], 2))
    return {**own, "size": (height, width)}


def _images(case: Case) -> list[tuple[Array, Array]]:
    boxes, labels = case.inputs["boxes"], case.inputs["labels"]
    rows = boxes if boxes.ndim == 3 else boxes[None]
    return list(zip(rows, labels if labels.ndim == 2 else labels[None], strict=True))


def _dtype(case: Case) -> np.dtype[Any]:
    boxes = case.inputs["boxes"]
    return boxes.dtype if boxes.dtype.kind == "f" else np.dtype(np.float64)


def _peaks(case: Case) -> list[list[Peak]]:
    return [list(heatmap_peaks(*image, **_own(case))) for image in _images(case)]


def _is_of(value: Fraction, dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype has this number."""
    with np.errstate(all="ignore"):
        near = float(computing_dtype(dtype).type(float(value)))
    return math.isfinite(near) and Fraction(near) == value


def _doubts(case: Case) -> Iterator[_Doubt]:
    """Yield the boxes that rounding may leave another peak than their own."""
    own, dtype = _own(case), _dtype(case)
    unit = Fraction(float(rounded_to_computing(own.get("scale", 4.0), dtype)))
    overlap = Fraction(float(rounded_to_computing(own.get("min_overlap", 0.7), dtype)))
    plain = math.frexp(unit)[0] == 0.5  # dividing by it is exact
    for image, (boxes, _) in enumerate(_images(case)):
        error = bounds.center(boxes[:, :2], boxes[:, 2:], float(unit), dtype)
        for i, box in enumerate(boxes):
            if not (box[2:] > box[:2]).all():
                continue
            low, high = ([Fraction(float(z)) for z in box[k : k + 2]] for k in (0, 2))
            cells, sides = [], []
            for axis in (0, 1):
                centre = (low[axis] + high[axis]) / 2 / unit
                near = {math.floor(centre)}
                if not (plain and _is_of(low[axis] + high[axis], dtype)):
                    off = Fraction(float(error[i, axis]))
                    near |= {math.floor(centre - off), math.floor(centre + off)}
                cells.append(sorted(near))
                sides.append(_sides(high[axis] - low[axis], unit, dtype, own.get("ceil", False)))
            radii = {
                radius
                for width, height in product(*sides)
                for radius in _radii(width, height, overlap, dtype)
            }
            places = tuple((column, row) for column, row in product(*cells))
            if len(places) > 1 or len(radii) > 1:
                yield _Doubt(image, i, places, tuple(sorted(radii)))


def _sides(side: Fraction, unit: Fraction, dtype: Any, ceil: bool) -> set[Fraction]:
    """Return what a side in cells may be taken for: itself, or what it may be rounded up to."""
    own = side / unit
    if not ceil:
        return {own}
    if _is_of(side, dtype) and _is_of(own, dtype):
        return {Fraction(math.ceil(own))}
    off = 3 * Fraction(float(np.finfo(computing_dtype(dtype)).eps)) * own
    return {Fraction(math.ceil(x)) for x in (own - off, own, own + off)}


def _radii(width: Fraction, height: Fraction, overlap: Fraction, dtype: Any) -> set[int]:
    own = largest_radius(width, height, overlap)
    shift, error = bounds.overlap_shift(float(width), float(height), float(overlap), dtype)
    if not math.isfinite(error):
        return set(range(own + 2))
    return {own, *(max(math.floor(shift + sign * error), 0) for sign in (-1, 1))}


class HeatMaps(Operator):
    """CenterHeatmapEncoder: maps within bounds, where decisions in doubt may be either."""

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold maps to the definition, or to other decisions that are in doubt."""
        wrong = super().judge(case, reference, outputs)
        if wrong is None or wrong.kind != "diverges":
            return wrong
        doubts = list(_doubts(case))
        return None if doubts and _fits(case, doubts, outputs) else wrong

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the boxes in doubt, if they leave marks in other cells than those of the kernel."""
        marks = zip(outputs, reference.kernel, strict=True)
        same = all(np.array_equal(own != 0, kernel != 0) for own, kernel in marks)
        return 0 if same else len(list(_doubts(case)))


def _fits(case: Case, doubts: list[_Doubt], outputs: tuple[Array, ...]) -> bool:
    """Return whether outputs are what comes of some decisions about the boxes in doubt.

    One box after the other takes the decision that agrees best; a second time, since what one box
    hides of another shows only when that is right. Where two hide one another that is not enough,
    and all decisions of all of them are tried, if they are few.
    """
    images = _peaks(case)
    chosen = {(image, peak.box): peak for image, peaks in enumerate(images) for peak in peaks}
    options = [list(product([doubt], doubt.cells, doubt.radii)) for doubt in doubts]
    least = _disagreeing(case, chosen, outputs)
    for doubt in doubts * 2:
        key = doubt.image, doubt.box
        before = chosen.get(key)
        best = before
        for cell, radius in product(doubt.cells, doubt.radii):
            _decide(case, chosen, doubt, cell, radius)
            count = _disagreeing(case, chosen, outputs)
            if count < least:
                least, best = count, chosen.get(key)
        chosen.pop(key, None)
        if best is not None:
            chosen[key] = best
        if not least:
            return True
    if math.prod(map(len, options)) > MOST_DECISIONS:
        return False
    for decisions in product(*options):
        for doubt, cell, radius in decisions:
            _decide(case, chosen, doubt, cell, radius)
        if not _disagreeing(case, chosen, outputs):
            return True
    return False


def _decide(
    case: Case,
    chosen: dict[tuple[int, int], Peak],
    doubt: _Doubt,
    cell: tuple[int, int],
    radius: int,
) -> None:
    """Give a box the peak of some decisions; none, if that is not on the map."""
    own = _own(case)
    boxes, labels = _images(case)[doubt.image]
    chosen.pop((doubt.image, doubt.box), None)
    height, width = own["size"]
    if not (0 <= cell[0] < width and 0 <= cell[1] < height):
        return
    unit = Fraction(float(rounded_to_computing(own.get("scale", 4.0), _dtype(case))))
    xmin, ymin, xmax, ymax = (Fraction(float(z)) for z in boxes[doubt.box])
    chosen[doubt.image, doubt.box] = Peak(
        doubt.box,
        int(labels[doubt.box]),
        cell[1],
        cell[0],
        radius,
        ((xmax - xmin) / unit, (ymax - ymin) / unit),
        ((xmin + xmax) / 2 / unit - cell[0], (ymin + ymax) / 2 / unit - cell[1]),
    )


def _disagreeing(
    case: Case, chosen: Mapping[tuple[int, int], Peak], outputs: tuple[Array, ...]
) -> int:
    """Return how many elements of outputs are not what comes of these peaks, to 64 bits."""
    count = len(_images(case))
    height, width = _own(case)["size"]
    heat, sides, offsets, mask = (
        np.zeros((count, channels, height, width), np.longdouble)
        for channels in (case.config["num_class"], 2, 2, 1)
    )
    for (image, _), peak in sorted(chosen.items()):
        if not 0 <= peak.label < case.config["num_class"]:
            continue
        y, x = np.ogrid[:height, :width]
        square = ((y - peak.row) ** 2 + (x - peak.column) ** 2).astype(np.longdouble)
        value = np.exp(-18 * square / (2 * peak.radius + 1) ** 2)
        value[(np.abs(y - peak.row) > peak.radius) | (np.abs(x - peak.column) > peak.radius)] = 0
        heat[image, peak.label] = np.maximum(heat[image, peak.label], value)
        if not mask[image, 0, peak.row, peak.column]:
            mask[image, 0, peak.row, peak.column] = 1
            sides[image, :, peak.row, peak.column] = [float(z) for z in peak.sides]
            offsets[image, :, peak.row, peak.column] = [float(z) for z in peak.offset]
    allowed = (
        bounds.gaussian(heat, _dtype(case)),
        bounds.side(sides, _dtype(case)),
        _offset_bound(
            case, offsets, ((i, k, p.row, p.column) for (i, k), p in sorted(chosen.items()))
        ),
        np.zeros(mask.shape),
    )
    wrong = 0
    for expected, bound, found in zip((heat, sides, offsets, mask), allowed, outputs, strict=True):
        own = found.astype(np.longdouble).reshape(expected.shape)
        # A little more than the bound covers the rounding of what is known here.
        wrong += int((~(np.abs(own - expected) <= 1.001 * bound)).sum())
    return wrong


def _offset_bound(case: Case, offsets: Array, places: Iterable[_Place]) -> Array:
    """Bound offsets (B, 2, H, W), each by that of the first box whose centre is in its cell."""
    dtype = _dtype(case)
    unit = float(rounded_to_computing(_own(case).get("scale", 4.0), dtype))
    errors, images = np.zeros(offsets.shape), _images(case)
    seen = set()
    for image, i, row, column in places:
        if (image, row, column) not in seen:
            seen.add((image, row, column))
            box = images[image][0][i]
            errors[image, :, row, column] = bounds.center(box[:2], box[2:], unit, dtype)
    return bounds.offset(offsets, errors, dtype)


def _places(case: Case) -> Iterator[_Place]:
    """Yield the cells of boxes with extent, as far as they are on the map."""
    own = _own(case)
    unit = Fraction(float(rounded_to_computing(own.get("scale", 4.0), _dtype(case))))
    height, width = own["size"]
    for image, (boxes, _) in enumerate(_images(case)):
        for i, box in enumerate(boxes):
            xmin, ymin, xmax, ymax = (Fraction(float(z)) for z in box)
            column, row = (math.floor(z / 2 / unit) for z in (xmin + xmax, ymin + ymax))
            if xmin < xmax and ymin < ymax and 0 <= row < height and 0 <= column < width:
                yield image, i, row, column


def maps(case: Case) -> tuple[Output, ...]:
    """Describe the four maps."""
    dtype = _dtype(case)

    def of_offsets(case: Case, exact: Array) -> Array:
        """Bound the offsets of a batch, or of one image."""
        values = exact.astype(np.float64)
        batch = values if values.ndim == 4 else values[None]
        bound = _offset_bound(case, batch, _places(case))
        return bound if values.ndim == 4 else bound[0]

    return (
        Output("heatmap", lambda case, exact: bounds.gaussian(exact, dtype)),
        Output("wh", lambda case, exact: bounds.side(exact, dtype)),
        Output("reg", of_offsets),
        Output("mask"),
    )
