"""Cases of the matcher of points with boxes (SPEC section 6).

Whether a point is in a box is the sign of differences, which rounding keeps. The areas of boxes,
and how far a point is from a side or a centre, are decided by rounding where they lie within the
bound of what they are compared with: such decisions are counted as ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array, computing_dtype
from refkernels.conformance.cases.matcher.laws import (
    Run,
    alone_and_together,
    first_difference,
    relabelled,
    settled,
    twice,
)
from refkernels.conformance.cases.matcher.point_judging import Bounded
from refkernels.conformance.cases.strategies import (
    box_sets,
    configurations,
    mixed_dtypes,
    seeded_box_sets,
)
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output, Reference
from refkernels.conformance.model.parameters import Parameters

__all__ = ["CORNERS", "OPERATORS"]

NAME = "PointMatcher"

CONFIG = configurations(
    radius=st.sampled_from([1.5, 0.5, 1.0, 0.0, None]) | st.floats(0.125, 4),
    inclusive=st.booleans(),
)

# Where points are drawn, in widths and heights of a box from its corner.
PLACES = st.sampled_from([0.5, 0.25, 0.125, 0.75, 0.0, 1.0, -0.5, 1 / 3])


@st.composite
def _points_and_boxes(draw: DrawFn, parameters: Parameters) -> Case:
    config = draw(parameters.options(CONFIG))
    images = draw(st.none() | st.integers(1, 3))
    batch = None if images is None else st.just(images)
    small = box_sets((st.integers(1, 4),), batch)
    large = seeded_box_sets((st.integers(4, 30),), batch)
    (boxes,) = draw(st.one_of(small, small, large))
    flat = boxes.reshape(-1, 4)
    if draw(st.booleans()):  # boxes of equal areas, but other shapes
        flat[-1] = flat[0] * [1, 1, 0, 0] + np.tile(flat[0][2:] - flat[0][:2], 2) * [0, 0, 0.5, 2]
        flat[-1, 2:] += flat[0][:2]
    count = draw(st.integers(1, 6) | st.sampled_from([40]))
    near = [flat[draw(st.integers(0, len(flat) - 1))] for _ in range(min(count, 6))]
    if count > 6:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        near += list(flat[rng.integers(0, len(flat), count - 6)])
        shares = rng.integers(-1, 10, (count, 2)) / 8
    else:
        shares = np.array([[draw(PLACES), draw(PLACES)] for _ in range(count)])
    own = np.array(near)
    points = own[:, :2] + shares * (own[:, 2:] - own[:, :2])
    far = np.concatenate([points - own[:, :2], own[:, 2:] - points], -1).max(-1)
    off = np.abs(points - (own[:, :2] + own[:, 2:]) / 2).max(-1)
    radius = config.get("radius") or 1.0
    strides = _about(draw, off / radius, [1.0, 1.0, 1.25, 4.0, 0.5])
    low = _about(draw, far, [0.5, 0.0, 1.0, 2.0, -np.inf])
    high = _about(draw, far, [2.0, np.inf, 1.0, 0.5])
    ranges = np.stack([low, high], -1)
    inputs = {"points": points, "boxes": boxes, "strides": strides, "ranges": ranges}
    return Case(config, draw(mixed_dtypes(inputs, "points", "boxes")))


def _about(draw: DrawFn, values: Array, shares: list[float]) -> Array:
    """Return numbers that are in simple proportion to others, most of them in the same one."""
    most = draw(st.sampled_from(shares))
    few = st.lists(st.tuples(st.integers(0, len(values) - 1), st.sampled_from(shares)), max_size=3)
    share = np.full(len(values), most)
    for place, own in draw(few):
        share[place] = own
    # What is 0 has no proportion to infinity.
    return np.where(np.isinf(share), share, values * np.where(np.isinf(share), 0, share))


class OfPoints(Operator):
    """PointMatcher: decisions are exact but for areas and distances that rounding cannot tell."""

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold matches to areas and distances, as far as the bounds of the dtype tell them."""
        dtype = computing_dtype(np.result_type(*case.inputs.values()))
        return self._judge(case, reference, outputs, dtype)

    def judge_kernel(self, case: Case, reference: Reference) -> Disagreement | None:
        """Hold the kernel to its own bounds: areas are those of double precision."""
        if reference.exact is None:
            return None
        return self._judge(case, reference, reference.kernel, np.dtype(np.float64))

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the points that the kernel decides otherwise."""
        return int(np.sum(outputs[0] != reference.kernel[0]))

    def _judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...], area_dtype: Any
    ) -> Disagreement | None:
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        (found,) = outputs
        (expected,) = reference.kernel if reference.exact is None else reference.exact
        known: dict[tuple[int, ...], Bounded] = {}
        for place in np.argwhere(found != expected).tolist():
            *image, i = place
            own = tuple(image)
            if own not in known:
                known[own] = Bounded(case, own, area_dtype)
            allowed = known[own].may_match(i)
            value = found[tuple(place)]
            if value not in allowed:
                told = " or ".join(str(match) for match in sorted(allowed))
                count = int((found != expected).sum())
                return Disagreement(
                    "matches",
                    f"matches{place} is {value}, expected {told} ({count} of {found.size} differ)",
                )
        return None


def _matches(case: Case) -> tuple[Output, ...]:
    return (Output("matches", index=True),)


def _axes(case: Case) -> dict[str, str]:
    boxes = "BM4" if case.inputs["boxes"].ndim == 3 else "M4"
    return {"points": "N2", "boxes": boxes, "strides": "N", "ranges": "N2"}


def _of_image(image: Image) -> Iterator[Case]:
    anchors = image.anchors
    if not len(image.boxes):
        return
    points, sides = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2:] - anchors[:, :2]
    strides = np.round(sides.max(-1)) / 8
    inputs = {"points": points, "boxes": image.boxes, "strides": strides}
    for config, ends in (({}, (0, 64)), ({"radius": 1.5, "inclusive": False}, (4, 64))):
        ranges = np.stack([strides * ends[0], strides * ends[1]], -1)
        yield Case(config, {**inputs, "ranges": ranges})


KNOWN: tuple[dict[str, Any], ...] = (
    {},
    {"radius": 1.5},
    {"radius": 0.75, "inclusive": False},
)


def _law_image(seed: int = 0) -> dict[str, Array]:
    """Return points, and boxes of different areas, on a grid so coarse that nothing rounds."""
    y, x = np.meshgrid(np.arange(8), np.arange(8), indexing="ij")
    points = np.stack([x, y], -1).reshape(-1, 2) * 8.0 + 4
    # Distances are whole numbers, so that the ends of ranges do not count.
    large = np.arange(64) % 3 == 0
    strides, ranges = np.where(large, 16.0, 8.0), np.where(large[:, None], [24.5, 48.5], [0, 24.5])
    rng = np.random.default_rng(seed)
    sides = np.ones((12, 2), np.int64)
    while len(set(sides.prod(-1).tolist())) < 12:
        sides = rng.integers(16, 60, (12, 2))
    corners = rng.integers(0, 40, (12, 2)).astype(np.float64)
    boxes = np.concatenate([corners, corners + sides], -1)
    inputs = {"points": points, "boxes": boxes, "strides": strides, "ranges": ranges}
    return {name: array.astype(np.float32) for name, array in inputs.items()}


def _images(config: Mapping[str, Any]) -> list[Case]:
    return [Case(config, _law_image(seed)) for seed in range(3)]


OF_POINTS = ("points", "strides", "ranges")


def _may_come_in_any_order(run: Run, parameters: Parameters) -> str | None:
    given, rng = _law_image(), np.random.default_rng(1)
    rows, columns = rng.permutation(64), rng.permutation(12)
    moved = {name: x[columns if name == "boxes" else rows] for name, x in given.items()}
    for config in settled(parameters, *KNOWN):
        (matches,) = run(Case(config, given))
        (permuted,) = run(Case(config, moved))
        wrong = first_difference(matches[rows], relabelled(permuted, columns), str(config))
        if wrong is not None:
            return wrong
    return None


def _pads_without_effect(run: Run, parameters: Parameters) -> str | None:
    """Put boxes without extent, or apart from all points, before, between and after others."""
    given = _law_image()
    for config in settled(parameters, *KNOWN):
        (matches,) = run(Case(config, given))
        for kept in (np.arange(12), np.arange(1, 13), np.r_[0:5, 7:14]):
            for other in ([-1, -1, -1, -1], [0, 0, 0, 0], [40, 40, 8, 8], [500, 500, 508, 508]):
                boxes = np.tile(np.array(other, np.float32), (kept.max() + 2, 1))
                boxes[kept] = given["boxes"]
                (found,) = run(Case(config, {**given, "boxes": boxes}))
                told = f"boxes {other} with {config}"
                wrong = first_difference(relabelled(matches, kept), found, told)
                if wrong is not None:
                    return wrong
    return None


def _scales(run: Run, parameters: Parameters) -> str | None:
    given = _law_image()
    for config in settled(parameters, *KNOWN):
        (matches,) = run(Case(config, given))
        larger = {name: 4 * array for name, array in given.items()}
        moved = {name: given[name] - np.float32(64) for name in ("points", "boxes")}
        for what, other in (("4 times as large", larger), ("moved", {**given, **moved})):
            (found,) = run(Case(config, other))
            wrong = first_difference(matches, found, f"{what} with {config}")
            if wrong is not None:
                return wrong
    return None


LAWS = (
    Law("points, and boxes of different areas, may come in any order", _may_come_in_any_order),
    Law("a box without a point inside changes no match", _pads_without_effect),
    Law("what moves together, or grows with its strides and ranges, keeps its matches", _scales),
    alone_and_together(_images, ("boxes",), *KNOWN),
    twice(_images, *KNOWN),
)


def _corners() -> Iterator[Case]:
    square = np.array([0.0, 0.0, 8.0, 8.0])
    points = np.array(
        [[x, y] for y in (0.0, 2.0, 4.0, 8.0) for x in (0.0, 2.0, 4.0, 6.0, 8.0, 9.0)]
    )
    count = len(points)
    for limits in ([4.0, 6.0], [6.0, 6.0], [-1.0, np.inf], [6.0, np.inf], [-np.inf, 4.0]):
        for config in ({}, {"inclusive": False}, {"radius": 2.0}, {"radius": 1.0}, {"radius": 0.0}):
            yield Case(
                config,
                {
                    "points": points,
                    # Equal boxes, equal areas, a smaller one, and one without extent.
                    "boxes": np.array([square, square, [-4, 2, 12, 6], [2, 2, 6, 6], square * 0]),
                    "strides": np.where(np.arange(count) % 2, 1.0, 2.0),
                    "ranges": np.tile(limits, (count, 1)),
                },
            )
    # Of two areas that double precision alone tells apart, the smaller is the second.
    yield Case(
        {},
        {
            "points": np.array([[1.0, 1.0]]),
            "boxes": np.array([[0, 0, 4, 4 + 2.0**-40], [0, 0, 4, 4]]),
            "strides": np.ones(1),
            "ranges": np.array([[0.0, 10.0]]),
        },
    )
    rng = np.random.default_rng(0)
    # More points than a block of threads, more boxes, and images.
    for lead, count, truths in (((), 4099, 5), ((), 7, 301), ((67,), 9, 2)):
        corners = rng.integers(0, 200, (*lead, truths, 2))
        boxes = np.concatenate([corners, corners + rng.integers(8, 120, corners.shape)], -1)
        for config in KNOWN:
            yield Case(
                config,
                {
                    "points": rng.integers(0, 256, (count, 2)) + 0.5,
                    "boxes": boxes.astype(np.float64),
                    "strides": rng.choice([8.0, 16.0, 32.0], count),
                    "ranges": np.sort(rng.integers(0, 128, (count, 2)) + 0.0, -1),
                },
            )


CORNERS = {NAME: _corners}

OPERATORS = (
    OfPoints(
        NAME, "matcher", _points_and_boxes, _matches, _axes, _of_image, laws=LAWS, has_block=False
    ),
)
