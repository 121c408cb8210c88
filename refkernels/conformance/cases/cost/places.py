"""Cases of what places alone decide: distances of centres, points in boxes (SPEC section 6).

Whether a point is inside is exact but for a distance that rounding brings to the margin: such
points are counted as ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array, computing_dtype, rounded
from refkernels.bounds import cost as bounds
from refkernels.conformance.cases.cost.drawing import (
    BATCH,
    COUNT,
    LETTERS,
    axes,
    centers,
    one_for_all,
)
from refkernels.conformance.cases.strategies import (
    box_sets,
    configurations,
    mixed_dtypes,
    seeded_box_sets,
)
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output, Reference
from refkernels.conformance.model.parameters import Parameters

__all__ = ["OPERATORS"]

Run = Callable[[Case], tuple[Array, ...]]

FORMATS = st.sampled_from(["corner", "center"])
LARGE = st.integers(1, 40)

DISTANCE = configurations(fmt=FORMATS, axis=st.sampled_from([-1, -2, 0, 1, 2]))
INSIDE = configurations(fmt=FORMATS, margin=st.sampled_from([0.0, 0.5, 0.01, 0.25, 1e-9]))

# Where points are put, in sides of a box.
SHARE = st.sampled_from([0.0, 0.5, 1.0, 0.25, -0.25, 1.5, 0.75]) | st.floats(-0.5, 1.5)


@st.composite
def _two_sets(draw: DrawFn, parameters: Parameters) -> Case:
    """Draw two sets of boxes; the batch of one side may be 1."""
    config = draw(parameters.options(DISTANCE))
    axis = config.get("axis", -1)
    images = draw(BATCH if -2 <= axis < 2 else st.sampled_from([1, 2, 3]))
    batch = None if images is None else st.just(images)
    a, b = draw(box_sets((COUNT, COUNT), batch) | seeded_box_sets((LARGE, LARGE), batch))
    inputs = draw(one_for_all({"a": a, "b": b}, images))
    fitted = _fit(Case({}, draw(mixed_dtypes(inputs, "a", "b"))), config)
    assert fitted is not None
    return fitted


def _fit(case: Case, config: Mapping[str, Any]) -> Case | None:
    """Give boxes the form and the axis that a configuration asks for."""
    own, axis = case.config.get("axis", -1), config.get("axis", -1)
    inputs = {}
    for name, array in case.inputs.items():
        boxes = _formed(np.moveaxis(array, own, -1), case.config, config)
        if not -boxes.ndim <= axis < boxes.ndim:
            boxes = boxes[None]
        inputs[name] = np.ascontiguousarray(np.moveaxis(boxes, -1, axis))
    return Case(config, inputs)


def _formed(boxes: Array, own: Mapping[str, Any], config: Mapping[str, Any]) -> Array:
    form = own.get("fmt", "corner"), config.get("fmt", "corner")
    return centers(boxes).astype(boxes.dtype) if form == ("corner", "center") else boxes


def _moved_axes(case: Case) -> dict[str, str]:
    """Return the axes of boxes whose own is that of the configuration."""
    axis = case.config.get("axis", -1)
    last = {name: np.moveaxis(x, axis, -1) for name, x in case.inputs.items()}
    named = axes(Case({}, last))
    moved = {}
    for name, letters in named.items():
        order = list(letters[:-1])
        order.insert(axis % len(letters), "4")
        moved[name] = "".join(order)
    return moved


def _overflowing(case: Case) -> Array:
    """Mark distances whose square, or a side on the way to it, overflows, though they do not."""
    axis, dtype = case.config.get("axis", -1), np.result_type(*case.inputs.values())
    largest = float(np.finfo(computing_dtype(dtype)).max) * (1 - 1e-5)
    middles, wide = [], []
    for x in case.inputs.values():
        boxes = np.moveaxis(x.astype(np.longdouble), axis, -1)
        low, high = boxes[..., :2], boxes[..., 2:]
        is_center = case.config.get("fmt") == "center"
        middles.append(low if is_center else (low + high) / 2)
        side = np.maximum(np.abs(low + high), np.abs(high - low)).max(-1)
        wide.append((side > largest) & (not is_center))
    between = middles[0][..., :, None, :] - middles[1][..., None, :, :]
    far = np.hypot(between[..., 0], between[..., 1])
    return np.asarray((far > np.sqrt(largest)) | wide[0][..., :, None] | wide[1][..., None, :])


def _distances_of_image(image: Image) -> Iterator[Case]:
    if len(image.boxes):
        yield Case({}, {"a": image.anchors, "b": image.boxes})


@st.composite
def _points_and_boxes(draw: DrawFn, parameters: Parameters) -> Case:
    """Draw boxes, and points in and around them, some as far from a side as the margin says."""
    config = draw(parameters.options(INSIDE))
    margin = config.get("margin", 0.0)
    images = draw(BATCH)
    batch = None if images is None else st.just(images)
    near, boxes = draw(box_sets((COUNT, COUNT), batch) | seeded_box_sets((LARGE, LARGE), batch))
    size = near.size // 4
    if size > 16:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        shares = rng.choice([0.0, 0.5, 1.0, 0.25, 0.75], (size, 2))
        shares += rng.normal(0, 0.1, (size, 2)) * rng.integers(0, 2, (size, 1))
        steps = rng.choice([0, 1, -1], (size, 2))
    else:
        pairs = st.lists(st.tuples(SHARE, SHARE), min_size=size, max_size=size)
        step = st.sampled_from([0, 1, -1])
        shares = np.array(draw(pairs))
        steps = np.array(draw(st.lists(st.tuples(step, step), min_size=size, max_size=size)))
    # Near boxes of their own, or of those that they are compared with.
    if draw(st.booleans()) and near.shape[-2] <= boxes.shape[-2]:
        near = boxes[..., : near.shape[-2], :]
    low, high = near[..., :2], near[..., 2:]
    own, moves = shares.reshape(low.shape), steps.reshape(low.shape) * margin
    # On a side it is the side's own number, whatever rounding does elsewhere.
    between = np.where(own == 1, high, low + (high - low) * own)
    inputs = draw(one_for_all({"points": between + moves, "boxes": boxes}, images))
    fitted = _fit_boxes(Case({}, draw(mixed_dtypes(inputs, "points", "boxes"))), config)
    assert fitted is not None
    return fitted


def _fit_boxes(case: Case, config: Mapping[str, Any]) -> Case | None:
    boxes = _formed(case.inputs["boxes"], case.config, config)
    return Case(config, {"points": case.inputs["points"], "boxes": boxes})


class Inside(Operator):
    """InsideMask: decisions are exact but for distances that rounding brings to the margin."""

    def define(self, case: Case) -> tuple[Array, ...]:
        """Return by how much the exact distances exceed the margin."""
        from refkernels.definition.cost import inside_slacks

        return (inside_slacks(*case.inputs.values(), **case.config),)

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Demand what exact distances say, where they are farther from the margin than errors."""
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        (found,) = outputs
        fmt, margin = case.config.get("fmt", "corner"), case.config.get("margin", 0.0)
        errors = bounds.inside_sides(case.inputs["points"], case.inputs["boxes"], fmt=fmt)
        is_exact = fmt == "corner" and margin == 0
        if is_exact:
            errors = np.zeros_like(errors)
        if reference.exact is not None:
            slacks: Any = reference.exact[0]
        else:
            slacks, errors = _approximate_slacks(case), 2 * errors
        # In corner form what does not exceed the margin does not do so when it is rounded.
        below = 0 * errors if fmt == "corner" and reference.exact is not None else errors
        inside = np.asarray((slacks > errors).all(-1), bool)
        outside = np.asarray((slacks <= -below).any(-1), bool)
        differs = (inside & ~found) | (outside & found)
        if not differs.any():
            return None
        where = tuple(int(i) for i in np.argwhere(differs)[0])
        least = float(min(slacks[where]))
        return Disagreement(
            "inside",
            f"inside{list(where)} is {found[where]}, though the least distance to a side is "
            f"{abs(least)!r} {'more than' if least > 0 else 'less than' if least else 'from'} the "
            f"margin ({int(differs.sum())} of {differs.size} differ)",
        )

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the points that exact distances would have decided otherwise."""
        return int(np.sum(outputs[0] != reference.kernel[0]))


def _approximate_slacks(case: Case) -> Array:
    """Return by how much the distances exceed the margin, to 64 bits, for cases of any size."""
    dtype = np.result_type(*case.inputs.values())
    margin = np.longdouble(float(rounded(case.config.get("margin", 0.0), dtype)))
    points, boxes = (x.astype(np.longdouble) for x in case.inputs.values())
    low, high = boxes[..., :2], boxes[..., 2:]
    if case.config.get("fmt") == "center":
        low, high = low - high / 2, low + high / 2
    place = points[..., :, None, :]
    sides = [place - low[..., None, :, :], high[..., None, :, :] - place]
    return np.concatenate(sides, -1) - margin


def _points_of_image(image: Image) -> Iterator[Case]:
    if len(image.boxes):
        points = (image.anchors[:, :2] + image.anchors[:, 2:]) / 2
        yield Case({}, {"points": points, "boxes": image.boxes})


def _law_boxes() -> tuple[Array, Array]:
    """Return boxes of two images on a grid, so coarse that all but a root is exact in float32."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 400, (2, 32, 2)) / 8
    boxes = np.concatenate([corners, corners + rng.integers(1, 200, (2, 32, 2)) / 8], -1)
    return boxes[:, :20].astype(np.float32), boxes[:, 20:].astype(np.float32)


def _law_distances(run: Run, config: dict[str, Any], a: Array, b: Array) -> tuple[Array, Array]:
    fitted = _fit(Case({}, {"a": a, "b": b}), config)
    assert fitted is not None
    bound = bounds.center_distance(*fitted.inputs.values(), **fitted.config)
    return run(fitted)[0], bound


def _is_symmetric(run: Run, parameters: Parameters) -> str | None:
    config = parameters.of_law({})
    (one, bound), (other, _) = (
        _law_distances(run, config, *boxes) for boxes in (_law_boxes(), _law_boxes()[::-1])
    )
    return _first_change(one, np.swapaxes(other, 1, 2), 2 * bound)


def _changes_as(
    change: Callable[[Array], Array], factor: float
) -> Callable[[Run, Parameters], str | None]:
    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first distance that the change does not multiply by the factor."""
        config = parameters.of_law({})
        a, b = _law_boxes()
        before, own = _law_distances(run, config, a, b)
        after, bound = _law_distances(run, config, change(a), change(b))
        return _first_change(before * np.float32(factor), after, own * factor + bound)

    return check


def _first_change(before: Array, after: Array, allowed: Array) -> str | None:
    wrong = ~(np.abs(before - after) <= allowed)
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"distances{list(place)} goes from {before[place]} to {after[place]}"


def _law_points() -> tuple[Array, Array]:
    boxes = np.concatenate(_law_boxes(), 1)
    points = np.random.default_rng(1).integers(0, 600, (2, 40, 2)) / 8
    return points.astype(np.float32), boxes


def _inside_of(run: Run, parameters: Parameters, points: Array, boxes: Array) -> Array:
    config = parameters.of_law({})
    fitted = _fit_boxes(Case({}, {"points": points, "boxes": boxes}), config)
    assert fitted is not None
    return run(fitted)[0]


def _holds_no_point_in_padding(run: Run, parameters: Parameters) -> str | None:
    """Put boxes without extent where points are, and padding among them."""
    points, _ = _law_points()
    twice = np.concatenate([points, points], -1)
    flat = np.stack([twice[:, 0], twice[:, 1], 0 * twice[:, 0], 0 * twice[:, 0] - 1], 1)
    flat[:, 1, 2] += 100
    inside = _inside_of(run, parameters, points, flat)
    if not inside.any():
        return None
    place = [int(i) for i in np.argwhere(inside)[0]]
    return f"inside{place} is true of a box without extent"


def _is_of_pairs(run: Run, parameters: Parameters) -> str | None:
    points, boxes = _law_points()
    rng = np.random.default_rng(2)
    rows, columns = rng.permutation(points.shape[1]), rng.permutation(boxes.shape[1])
    before = _inside_of(run, parameters, points, boxes)[:, rows][:, :, columns]
    after = _inside_of(run, parameters, points[:, rows], boxes[:, columns])
    if np.array_equal(before, after):
        return None
    place = [int(i) for i in np.argwhere(before != after)[0]]
    return f"inside{place} is {after[tuple(place)]} in another order"


OPERATORS: tuple[Operator, ...] = (
    Operator(
        "CenterDistance",
        "cost",
        _two_sets,
        lambda case: (Output.bounded("distances", bounds.center_distance, _overflowing),),
        _moved_axes,
        _distances_of_image,
        laws=(
            Law("the distance of a and b is that of b and a", _is_symmetric),
            Law(
                "boxes that move together keep their distance",
                _changes_as(lambda x: x - np.float32(777.5), 1),
            ),
            Law(
                "boxes 1024 times as large are 1024 times as far apart",
                _changes_as(lambda x: x * np.float32(1024), 1024),
            ),
        ),
        fit=_fit,
        has_block=False,
    ),
    Inside(
        "InsideMask",
        "cost",
        _points_and_boxes,
        lambda case: (Output("inside"),),
        lambda case: axes(case, LETTERS),
        _points_of_image,
        laws=(
            Law("no point is inside a box without extent", _holds_no_point_in_padding),
            Law("points and boxes may come in any order", _is_of_pairs),
        ),
        fit=_fit_boxes,
        has_block=False,
    ),
)
