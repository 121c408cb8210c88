"""Hold centre heat maps to the decisions that they show (SPEC section 6).

In which cell a centre lies, whether a side is rounded up to one whole number or the next, and how
many cells a Gaussian reaches are decisions; near a whole number rounding may decide them. Then maps
are held to whichever of these decisions a target has taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
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

# So many ways to choose between cells are tried.
MOST_PLANS = 256

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
    """Return whether outputs are what comes of some decisions about the boxes in doubt."""
    images, size = _images(case), _own(case)["size"]
    batch = [x.astype(np.longdouble).reshape(len(images), -1, *size) for x in outputs]
    for image, peaks in enumerate(_peaks(case)):
        possible: dict[int, list[Peak | None]] = {peak.box: [peak] for peak in peaks}
        for doubt in doubts:
            if doubt.image == image:
                possible[doubt.box] = _decisions(case, doubt)
        found = _Maps(case, image, *(maps[image] for maps in batch))
        if not _is_explained([possible[box] for box in sorted(possible)], found):
            return False
    return True


def _decisions(case: Case, doubt: _Doubt) -> list[Peak | None]:
    """Return the peaks that a box in doubt may have; None stands for none, off the map."""
    height, width = _own(case)["size"]
    boxes, labels = _images(case)[doubt.image]
    unit = Fraction(float(rounded_to_computing(_own(case).get("scale", 4.0), _dtype(case))))
    xmin, ymin, xmax, ymax = (Fraction(float(z)) for z in boxes[doubt.box])
    sides = (xmax - xmin) / unit, (ymax - ymin) / unit
    found: list[Peak | None] = []
    for (column, row), radius in product(doubt.cells, doubt.radii):
        if 0 <= column < width and 0 <= row < height:
            offset = (xmin + xmax) / 2 / unit - column, (ymin + ymax) / 2 / unit - row
            label = int(labels[doubt.box])
            found.append(Peak(doubt.box, label, row, column, radius, sides, offset))
        elif None not in found:
            found.append(None)
    return found


class _Maps:
    """The maps of one image as a target gives them, and what may be on them."""

    def __init__(
        self, case: Case, image: int, heat: Array, sides: Array, offsets: Array, mask: Array
    ) -> None:
        self.heat, self.sides, self.offsets, self.mask = heat, sides, offsets, mask
        self.dtype = _dtype(case)
        boxes, unit = _images(case)[image][0], _own(case).get("scale", 4.0)
        unit = float(rounded_to_computing(unit, self.dtype))
        self.errors = bounds.center(boxes[:, :2], boxes[:, 2:], unit, self.dtype)

    def shows(self, peak: Peak | None) -> bool:
        """Return whether there is a centre in a peak's cell, and enough heat around it."""
        if peak is None:
            return True
        if not self.mask[0, peak.row, peak.column] or not 0 <= peak.label < len(self.heat):
            return False
        value = self._gaussian(peak)
        return bool((value - self._allowed(value) <= self.heat[peak.label]).all())

    def begins_with(self, peak: Peak) -> bool:
        """Return whether the sides and offsets of a peak's cell are its own."""
        cell = slice(None), peak.row, peak.column
        sides, offset = (
            np.array([float(z) for z in pair], np.longdouble) for pair in (peak.sides, peak.offset)
        )
        near = abs(self.sides[cell] - sides) <= 1.001 * bounds.side(sides, self.dtype)
        error = bounds.offset(offset, self.errors[peak.box], self.dtype)
        near &= abs(self.offsets[cell] - offset) <= 1.001 * error
        return bool(near.all())

    def are_of(self, peaks: list[Peak]) -> bool:
        """Return whether there is nothing on the maps but peaks that they show."""
        heat, empty = np.zeros_like(self.heat), np.ones(self.mask[0].shape, bool)
        for peak in peaks:
            heat[peak.label] = np.maximum(heat[peak.label], self._gaussian(peak))
            empty[peak.row, peak.column] = False
        rest = self.sides[:, empty], self.offsets[:, empty]
        # Nor is there less, since each of them is shown.
        enough = (self.heat <= heat + self._allowed(heat)).all()
        return bool(enough and (self.mask[0] == ~empty).all()) and not any(map(np.any, rest))

    def _gaussian(self, peak: Peak) -> Array:
        y, x = np.ogrid[: self.heat.shape[1], : self.heat.shape[2]]
        square = ((y - peak.row) ** 2 + (x - peak.column) ** 2).astype(np.longdouble)
        value: Array = np.exp(-18 * square / (2 * peak.radius + 1) ** 2)
        value[(abs(y - peak.row) > peak.radius) | (abs(x - peak.column) > peak.radius)] = 0
        return value

    def _allowed(self, heat: Array) -> Array:
        # A little more than the bound covers the rounding of what is known here.
        return 1.001 * bounds.gaussian(heat, self.dtype)


def _is_explained(boxes: list[list[Peak | None]], found: _Maps) -> bool:
    """Return whether maps are what comes of one of the possible peaks of each box.

    The first box in a cell decides its sides and offsets, so boxes are gone through in order. A
    peak that maps show is better than none, whatever comes after it, and a wider one is nowhere
    less; what is left open is the cell, where they show a peak in several.
    """
    shown = [[peak for peak in own if found.shows(peak)] for own in boxes]
    if not found.are_of([peak for own in shown for peak in own if peak]):
        return False  # with all of them there is too little
    plans: list[tuple[int, ...]] = [()]
    for _ in range(MOST_PLANS):
        if not plans:
            return False
        plan, turn = plans.pop(), 0
        taken: dict[tuple[int, int], list[Peak]] = {}
        for own in shown:
            peaks: dict[tuple[int, int], Peak] = {}
            for peak in own:
                if peak and ((cell := (peak.row, peak.column)) in taken or found.begins_with(peak)):
                    peaks[cell] = max(peak, peaks.get(cell, peak), key=lambda one: one.radius)
            if not peaks and None not in own:
                break
            if len(peaks) > 1 and turn == len(plan):
                plans.extend((*plan, i) for i in range(1, len(peaks)))
                plan = (*plan, 0)
            if peaks:
                cell = list(peaks)[plan[turn] if len(peaks) > 1 else 0]
                taken.setdefault(cell, []).append(peaks[cell])
            turn += len(peaks) > 1
        else:
            if found.are_of([peak for own in taken.values() for peak in own]):
                return True
    return True  # of so many boxes in doubt nothing is shown


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
