"""Cases of the coders of distances (SPEC section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.bounds import coder as bounds
from refkernels.conformance.cases.strategies import (
    box_sets,
    configurations,
    mixed_dtypes,
    seeded_box_sets,
)
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output
from refkernels.conformance.model.parameters import Parameters

__all__ = ["CORNERS", "OPERATORS"]

Run = Callable[[Case], tuple[Array, ...]]

SMALL, LARGE = st.integers(1, 4), st.integers(1, 40)
BATCH = st.sampled_from([None, 1, 1, 2, 3])
OPTIONS = configurations(normalize=st.booleans())

# What points are measured in: the strides of pyramids, sides of anchors, anything.
SIZE = st.sampled_from([1.0, 8.0, 16.0, 0.5, 100.0, 3.0]) | st.floats(0.01, 1000)


@st.composite
def _coded(draw: DrawFn, decodes: bool, parameters: Parameters) -> Case:
    """Draw points inside boxes, on their sides and beside them, with the boxes or distances."""
    config = draw(parameters.options(OPTIONS))
    images = draw(BATCH)
    batch = None if images is None else st.just(images)
    (boxes,) = draw(box_sets((SMALL,), batch) | seeded_box_sets((LARGE,), batch))
    first = boxes.reshape(-1, *boxes.shape[-2:])[0]
    count = len(first)
    shares = st.lists(
        st.sampled_from([0.5, 0.25, 0.0, 1.0, -0.5, 1.5]), min_size=2 * count, max_size=2 * count
    )
    share = np.array(draw(shares)).reshape(count, 2)
    points = first[:, :2] + share * (first[:, 2:] - first[:, :2])
    rows = boxes
    if decodes:
        # A box's width and height stand in for right and bottom.
        rows = np.concatenate([np.abs(boxes[..., :2]) / 4, boxes[..., 2:] - boxes[..., :2]], -1)
    inputs = {"points": points, "distances" if decodes else "boxes": rows}
    if config.get("normalize", False):
        sizes = draw(st.lists(SIZE, min_size=2 * count, max_size=2 * count))
        inputs["sizes"] = np.array(sizes).reshape(count, 2)
    return Case(config, draw(mixed_dtypes(inputs, *inputs)))


def _fit(case: Case, config: Mapping[str, Any]) -> Case | None:
    """Give or take the sizes that a configuration asks for."""
    inputs = {name: array for name, array in case.inputs.items() if name != "sizes"}
    if config.get("normalize", False):
        count = len(inputs["points"])
        usual = np.resize([8.0, 16.0, 4.0], (count, 2))
        inputs["sizes"] = case.inputs.get("sizes", usual)
    return Case(config, inputs)


def _axes(case: Case) -> dict[str, str]:
    letters = {"points": "N2", "sizes": "N2", "boxes": "BN4", "distances": "BN4"}
    return {name: letters[name][-array.ndim :] for name, array in case.inputs.items()}


def _of_image(decodes: bool) -> Any:
    def annotated(image: Image) -> Iterator[Case]:
        """Measure each anchor's centre from the box that it overlaps most."""
        from refkernels.bbox import BBoxBatchIOU
        from refkernels.coder import DistanceEncoder

        if not len(image.boxes):
            return
        anchors = image.anchors
        boxes = image.boxes[BBoxBatchIOU()(anchors, image.boxes).argmax(-1)]
        points = (anchors[:, :2] + anchors[:, 2:]) / 2
        sizes = anchors[:, 2:] - anchors[:, :2]
        rows = {"distances": DistanceEncoder()(points, boxes)} if decodes else {"boxes": boxes}
        yield Case({}, {"points": points, **rows})
        if decodes:
            rows["distances"] = DistanceEncoder(normalize=True)(points, boxes, sizes)
        yield Case({"normalize": True}, {"points": points, **rows, "sizes": sizes})

    return annotated


def _law_inputs(config: Mapping[str, Any]) -> tuple[Array, Array, dict[str, Array]]:
    """Return points, boxes and sizes on a grid, on which all is exact in float32."""
    rng = np.random.default_rng(0)
    corners = rng.integers(-200, 400, (3, 20, 2)) / 8
    boxes = np.concatenate([corners, corners + rng.integers(1, 200, (3, 20, 2)) / 8], -1)
    points = (rng.integers(-200, 600, (20, 2)) / 8).astype(np.float32)
    sizes = {"sizes": 2.0 ** rng.integers(-2, 6, (20, 2)).astype(np.float32)}
    return points, boxes.astype(np.float32), sizes if config.get("normalize", False) else {}


def _law(said: str, check: Callable[[Run, dict[str, Any]], str | None]) -> Law:
    def holds(run: Run, parameters: Parameters) -> str | None:
        """Tell how the law is broken, if it is, in units of sizes where those are offered."""
        # Distances in units of their own, where that is offered, show most.
        free = parameters.fixed is None and parameters.may_set("normalize")
        return check(run, parameters.of_law({"normalize": True} if free else {}))

    return Law(said, holds)


def _change(name: str, expected: Array, found: Array) -> str | None:
    if np.shape(found) != np.shape(expected):
        return f"{name} have shape {np.shape(found)}, expected {np.shape(expected)}"
    wrong = np.argwhere(~(found == expected))
    if not len(wrong):
        return None
    place = tuple(int(i) for i in wrong[0])
    return f"{name}{list(place)} is {found[place]}, expected {expected[place]}"


def _encoding_is_undone(run: Run, config: dict[str, Any]) -> str | None:
    """Decode what the kernel encodes."""
    from refkernels.coder import DistanceEncoder

    points, boxes, sizes = _law_inputs(config)
    distances = DistanceEncoder(**config)(points, boxes, *sizes.values())
    (found,) = run(Case(config, {"points": points, "distances": distances, **sizes}))
    return _change("boxes", boxes, found)


def _decoding_is_undone(run: Run, config: dict[str, Any]) -> str | None:
    """Encode what the kernel decodes."""
    from refkernels.coder import DistanceDecoder

    points, distances, sizes = _law_inputs(config)
    boxes = DistanceDecoder(**config)(points, distances, *sizes.values())
    (found,) = run(Case(config, {"points": points, "boxes": boxes, **sizes}))
    return _change("distances", distances, found)


def _distances_move_along(run: Run, config: dict[str, Any]) -> str | None:
    points, boxes, sizes = _law_inputs(config)
    (before,) = run(Case(config, {"points": points, "boxes": boxes, **sizes}))
    move = np.float32(777.5)
    (after,) = run(Case(config, {"points": points + move, "boxes": boxes + move, **sizes}))
    return _change("distances of what moved together", before, after)


def _boxes_move_along(run: Run, config: dict[str, Any]) -> str | None:
    points, distances, sizes = _law_inputs(config)
    (before,) = run(Case(config, {"points": points, "distances": distances, **sizes}))
    move = np.float32(777.5)
    (after,) = run(Case(config, {"points": points + move, "distances": distances, **sizes}))
    return _change("boxes of points that moved", before + move, after)


OPERATORS = (
    Operator(
        "DistanceEncoder",
        "coder",
        lambda parameters: _coded(False, parameters),
        lambda case: (Output.bounded("distances", bounds.distance_encoder),),
        _axes,
        _of_image(False),
        has_block=False,
        laws=(
            _law("encoding undoes decoding", _decoding_is_undone),
            _law("points and boxes that move together keep their distances", _distances_move_along),
        ),
        fit=_fit,
    ),
    Operator(
        "DistanceDecoder",
        "coder",
        lambda parameters: _coded(True, parameters),
        lambda case: (Output.bounded("boxes", bounds.distance_decoder),),
        _axes,
        _of_image(True),
        has_block=False,
        laws=(
            _law("decoding undoes encoding", _encoding_is_undone),
            _law("boxes move with their points", _boxes_move_along),
        ),
        fit=_fit,
    ),
)


def _corners(name: str) -> Callable[[], Iterator[Case]]:
    def corners() -> Iterator[Case]:
        """Yield no points and no images, distances below 0, and sizes far from 1."""
        points = np.array([[0, 0], [3, 5], [-7, 2]], np.float64)
        rows = np.array([[-1, -2, 3, 4], [0, 0, 0, 0], [5, 6, 1, 2]], np.float64)
        for count in (0, 1, 3):
            yield Case({}, {"points": points[:count], name: rows[:count]})
            yield Case({}, {"points": points[:count], name: np.stack([rows[:count]] * 2)})
        yield Case({}, {"points": points, name: np.zeros((0, 3, 4))})
        for sizes in ([[0.001, 1000.0]], [[3.0, 7.0]], [[1 / 3, 0.1]]):
            given = {
                "points": points,
                name: np.stack([rows, -rows]),
                "sizes": np.tile(sizes, (3, 1)),
            }
            yield Case({"normalize": True}, given)
        given = {"points": points[:0], name: rows[:0], "sizes": points[:0]}
        yield Case({"normalize": True}, given)

    return corners


CORNERS = {"DistanceEncoder": _corners("boxes"), "DistanceDecoder": _corners("distances")}
