"""Hold a choice of boxes to what must hold of it, given which boxes it lets stay (SPEC section 6).

A box is to stay exactly if no box that stays before it overlaps it too much. So each decision is
judged by those that the target took itself before it: where an IoU is so near to the threshold that
rounding decides, either is right, and all that follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from refkernels.arrays import Array, computing_dtype
from refkernels.arrays.printing import times
from refkernels.bounds import suppression as bounds
from refkernels.conformance.model.compare import Disagreement, wrong_form
from refkernels.conformance.model.operator import Case, Operator, Reference

__all__ = ["Suppression"]

# So many boxes at a time are compared with those that stay.
TOGETHER = 64


class Suppression(Operator):
    """NMS and BatchedNMS: exact, but for IoUs that rounding cannot tell from the threshold."""

    def judge_form(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Demand one list of indices, of any length."""
        if len(outputs) != 1:
            what = f"{times(len(outputs), 'output')}, expected 1: indices"
            return Disagreement("outputs", what, kind="wrong outputs")
        (indices,) = outputs
        if indices.ndim != 1:
            what = f"indices has shape {indices.shape}, expected one axis"
            return Disagreement("indices", what, kind="wrong shape")
        return wrong_form("indices", indices, indices.shape, None)

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold a choice to the order of scores, and to the IoUs as far as the bound tells them."""
        wrong = self.judge_form(case, reference, outputs)
        if wrong is None:
            what = _wrong_order(case, outputs[0]) or _wrong_choice(case, outputs[0])
            wrong = None if what is None else Disagreement("indices", what)
        return wrong

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the boxes that the kernel decides otherwise about."""
        return len(np.setxor1d(outputs[0].astype(np.int64), reference.kernel[0]))


def _ranks(case: Case) -> Array:
    """Return the place of each box in the order of scores, of equal ones by index."""
    order = np.argsort(-case.inputs["scores"], kind="stable")
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def _wrong_order(case: Case, indices: Array) -> str | None:
    """Return where indices are none, come twice, or are out of the order of scores."""
    count = len(case.inputs["scores"])
    for i, index in enumerate(indices):
        if not (0 <= index < count and index == int(index)):
            return f"indices[{i}] is {index}, expected one from 0 to {count - 1}"
    chosen = indices.astype(np.int64)
    repeated = np.flatnonzero(np.bincount(chosen, minlength=count) > 1)
    if len(repeated):
        return f"indices has {repeated[0]} more than once"
    falls = np.flatnonzero(np.diff(_ranks(case)[chosen]) < 0)
    if not len(falls):
        return None
    first, second = chosen[falls[0]], chosen[falls[0] + 1]
    one, other = (float(score) for score in case.inputs["scores"][[first, second]])
    return f"indices has {first} of score {one!r} before {second} of score {other!r}"


def _wrong_choice(case: Case, indices: Array) -> str | None:
    """Return which box stays, or is left out, and must not."""
    boxes = case.inputs["boxes"]
    own = boxes.dtype if boxes.dtype.kind == "f" else np.dtype(np.float64)
    limit = float(own.type(case.config["threshold"]))
    stays = np.zeros(len(boxes), bool)
    stays[indices.astype(np.int64)] = True
    extended = (boxes[:, 2:] > boxes[:, :2]).all(-1)
    flat = np.flatnonzero(~extended & ~stays)
    if len(flat):
        return f"box {flat[0]} is left out, which has no extent"
    for pairs in _pairs(case, np.flatnonzero(extended & stays), np.flatnonzero(extended)):
        kept = stays[pairs.boxes]
        surely, perhaps = pairs.decided(boxes.dtype, limit)
        place = np.argwhere(surely & kept)
        if len(place):
            i, j = (int(n) for n in place[0])
            return (
                f"box {pairs.boxes[j]} stays, whose IoU with {pairs.rivals[i]}, which stays before "
                f"it, is {float(pairs.ious[i, j])!r}, over {limit!r}"
            )
        for j in np.flatnonzero(~kept & ~surely.any(0)):
            if not any(
                not _is_plainly_none(boxes[rival], boxes[pairs.boxes[j]], Fraction(limit))
                for rival in pairs.rivals[perhaps[:, j]]
            ):
                largest = float(pairs.ious[:, j].max(where=pairs.counts[:, j], initial=0))
                return (
                    f"box {pairs.boxes[j]} is left out, whose largest IoU with one that stays "
                    f"before it is {largest!r}, not over {limit!r}"
                )
    return None


@dataclass(frozen=True)
class _Pairs:
    """Some boxes (n,), and all that stay and overlap one of them (m,): `rivals`.

    `counts`, `ious` and `unions` are (m, n): whether a rival may suppress a box, being of its label
    and before it; and the IoU and the union, with 11 bits or more than they are computed with.
    """

    rivals: Array
    boxes: Array
    counts: Array
    ious: Array
    unions: Array

    def decided(self, dtype: Any, limit: float) -> tuple[Array, Array]:
        """Return which rivals suppress which boxes for sure, and which of them may."""
        # A little more than the bound covers the rounding of what is known here.
        doubt = bounds.suppressing_iou(self.ious, self.unions, dtype) * 1.001
        return self.counts & (self.ious - doubt > limit), self.counts & (self.ious + doubt > limit)


def _pairs(case: Case, staying: Array, extended: Array) -> Iterator[_Pairs]:
    """Yield boxes with extent, some at a time, with those that stay and overlap any of them."""
    ranks = _ranks(case)
    labels = np.asarray(case.inputs.get("labels", np.zeros(len(ranks))))
    boxes = case.inputs["boxes"]
    narrow = boxes.dtype.kind == "f" and boxes.dtype != np.float64
    corners = boxes.astype(np.float64 if narrow else np.longdouble)
    low, high = corners[:, :2], corners[:, 2:]
    areas = (high - low).prod(-1)
    # Neighbours along x have the same rivals.
    extended = extended[np.argsort(low[extended, 0], kind="stable")]
    for start in range(0, len(extended), TOGETHER):
        own = extended[start : start + TOGETHER]
        near = (low[staying] < high[own].max(0)) & (high[staying] > low[own].min(0))
        rivals = staying[near.all(-1)]
        sides = np.minimum(high[rivals, None], high[own]) - np.maximum(low[rivals, None], low[own])
        inter = np.maximum(sides, 0).prod(-1)
        unions = areas[rivals, None] + areas[own] - inter
        counts = (labels[rivals, None] == labels[own]) & (ranks[rivals, None] < ranks[own])
        yield _Pairs(rivals, own, counts, inter / unions, unions)


def _is_plainly_none(a: Array, b: Array, limit: Fraction) -> bool:
    """Return whether the IoU of two boxes is not over the limit, and no step to it is rounded.

    Then whatever comes of the last step is not over the limit either, which is a number of the
    dtype.
    """
    dtype = computing_dtype(a.dtype if a.dtype.kind == "f" else np.float64)
    left_a, top_a, right_a, bottom_a = (Fraction(float(z)) for z in a)
    left_b, top_b, right_b, bottom_b = (Fraction(float(z)) for z in b)
    sides = [
        *(right_a - left_a, bottom_a - top_a),
        *(right_b - left_b, bottom_b - top_b),
        max(min(right_a, right_b) - max(left_a, left_b), Fraction(0)),
        max(min(bottom_a, bottom_b) - max(top_a, top_b), Fraction(0)),
    ]
    area_a, area_b, inter = (sides[i] * sides[i + 1] for i in (0, 2, 4))
    union = area_a + area_b - inter
    steps = (*sides, area_a, area_b, inter, area_a + area_b, union)
    return inter <= limit * union and all(_is_of(step, dtype) for step in steps)


def _is_of(value: Fraction, dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype has this number."""
    with np.errstate(all="ignore"):
        near = float(dtype.type(float(value)))
    return bool(np.isfinite(near)) and Fraction(near) == value
