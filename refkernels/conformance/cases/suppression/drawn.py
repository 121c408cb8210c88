"""Cases of the suppression of boxes (SPEC section 6), and laws of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.conformance.cases.strategies import (
    box_sets,
    mixed_dtypes,
    seeded_box_sets,
    thresholds,
)
from refkernels.conformance.cases.suppression.judging import Suppression
from refkernels.conformance.model.operator import Case, Image, Law, Output
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["OPERATORS"]

Run = Callable[[Case], tuple[Array, ...]]

# Of the last the definition, which compares all pairs as fractions, is not asked.
FEW, SOME, MANY = st.integers(1, 7), st.integers(8, 40), st.integers(401, 700)
# Those of small whole numbers meet the IoUs of boxes on a grid exactly.
THRESHOLD = st.sampled_from([0.5, 0.25, 0.75, 0.7, 0.3, 0.0, 1.0, 1 / 3, 0.6]) | thresholds()
LABEL = st.sampled_from([0, 0, 0, 1, 1, 2, -1, 90, 10**6])
WHOLE = st.sampled_from([np.int64, np.int64, np.int32, np.float32, np.float64])


@st.composite
def _detections(draw: DrawFn, labelled: bool, parameters: Parameters) -> Case:
    """Draw boxes of one image with scores, and labels: some sets, others in heaps around a few."""
    config = draw(parameters.options(st.fixed_dictionaries({"threshold": THRESHOLD})))
    kind = draw(st.sampled_from(["few", "few", "related", "spread", "heaps", "grid"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if kind in ("few", "related"):
        (boxes,) = draw(box_sets((FEW if kind == "few" else SOME,)))
    elif kind == "spread":
        (boxes,) = draw(seeded_box_sets((SOME | MANY,)))
    elif kind == "heaps":
        boxes = _heaps(rng, draw(SOME | MANY))
    else:
        corners = rng.integers(0, 6, (draw(SOME), 2))
        boxes = np.concatenate([corners, corners + rng.integers(1, 5, corners.shape)], -1) / 2
    count = len(boxes)
    levels = draw(st.sampled_from([0, 0, 2, 10]))
    scores = rng.random(count) if levels == 0 else rng.integers(0, levels + 1, count) / levels
    if draw(st.integers(0, 3)) == 3:  # logits
        scores = 8 * scores - 4
    inputs = {"boxes": boxes.astype(np.float64), "scores": scores}
    inputs = draw(mixed_dtypes(inputs, "boxes", "scores"))
    if labelled:
        drawn = draw(st.lists(LABEL, min_size=min(count, 7), max_size=min(count, 7)))
        inputs["labels"] = np.resize(np.array(drawn, np.int64), count).astype(draw(WHOLE))
    return Case(config, inputs)


def _heaps(rng: np.random.Generator, count: int) -> Array:
    """Return boxes as detectors find them: many around each of a few objects."""
    sides = np.exp(rng.normal(4, 1, (5, 2))).clip(4, 500)
    corners = rng.random((5, 2)) * 512 - sides / 2
    objects = np.concatenate([corners, corners + sides], -1)[rng.integers(0, 5, count)]
    spread = rng.choice([0.02, 0.1, 0.3])
    moves = rng.normal(0, spread, (count, 4)) * np.tile(objects[:, 2:] - objects[:, :2], 2)
    return np.asarray(objects + moves)


def _axes(case: Case) -> dict[str, str]:
    return {name: "N4" if name == "boxes" else "N" for name in case.inputs}


def _indices(case: Case) -> tuple[Output, ...]:
    return (Output("indices", index=True),)


def _of_image(labelled: bool) -> Any:
    def annotated(image: Image) -> Iterator[Case]:
        """Score anchors by how much they overlap an object: most of them not at all."""
        from refkernels.bbox import BBoxBatchIOU

        if not len(image.boxes):
            return
        # As many as detectors suppress; which of them suppress which is judged pair by pair.
        anchors = image.anchors[:: max(1, len(image.anchors) // 1000)]
        ious = BBoxBatchIOU()(anchors, image.boxes)
        inputs = {"boxes": anchors, "scores": ious.max(-1)}
        if labelled:
            inputs["labels"] = image.labels[ious.argmax(-1)]
        yield Case({"threshold": 0.5}, inputs)

    return annotated


def _law_case(name: str, parameters: Parameters) -> Case:
    """Return boxes on a grid, with extent and all of another score.

    What is done to them by laws is exact in float32, and so are their IoUs but for the quotient.
    None of these is so near to the threshold that rounding could decide, whatever the order.
    """
    config = parameters.of_law({"threshold": 0.5})
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 96, (90, 2))
    boxes = np.concatenate([corners, corners + rng.integers(8, 64, (90, 2))], -1) / 4
    sides = np.minimum(boxes[:, None, 2:], boxes[:, 2:]) - np.maximum(
        boxes[:, None, :2], boxes[:, :2]
    )
    inter, areas = np.maximum(sides, 0).prod(-1), (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    near = np.abs(inter / (areas[:, None] + areas - inter) - config["threshold"]) < 1e-3
    boxes = boxes[~np.tril(near, -1).any(-1)]
    if len(boxes) < 40:
        raise Untried("with its threshold too few pairs of boxes are clear")
    scores = (rng.permutation(len(boxes)) + 1) / 128  # above 0, as confidences are
    inputs = {"boxes": boxes.astype(np.float32), "scores": scores.astype(np.float32)}
    if name == "BatchedNMS":
        inputs["labels"] = rng.integers(0, 3, len(boxes))
    return Case(config, inputs)


def _picked(case: Case, rows: Array) -> Case:
    return Case(case.config, {name: array[rows] for name, array in case.inputs.items()})


def _with(case: Case, **inputs: Array) -> Case:
    return Case(case.config, {**case.inputs, **inputs})


def _change(expected: Array, found: Array) -> str | None:
    if np.array_equal(expected, found):
        return None
    return f"indices go from {expected.tolist()} to {np.asarray(found).tolist()}"


def _chosen(run: Run, case: Case) -> Array:
    (indices,) = run(case)
    return indices.astype(np.int64)


def _laws(name: str) -> tuple[Law, ...]:
    def law(said: str, check: Callable[[Run, Case], str | None]) -> Law:
        """Return a law that a check of the laws' boxes decides."""
        return Law(said, lambda run, parameters: check(run, _law_case(name, parameters)))

    return (
        law("boxes of unequal scores may come in any order", _any_order),
        law("what stays, stays when it is suppressed once more", _once_more),
        law("boxes without extent change nothing, and stay", _flat_boxes_stay),
        law("boxes that move together, or grow by a power of two, stay as before", _moved),
        law("scores count by their order alone", _ranks_alone),
    )


def _any_order(run: Run, case: Case) -> str | None:
    rows = np.random.default_rng(1).permutation(len(case.inputs["scores"]))
    return _change(_chosen(run, case), rows[_chosen(run, _picked(case, rows))])


def _once_more(run: Run, case: Case) -> str | None:
    staying = _picked(case, _chosen(run, case))
    return _change(np.arange(len(staying.inputs["scores"])), _chosen(run, staying))


def _flat_boxes_stay(run: Run, case: Case) -> str | None:
    """Put flat and inverted ones, of higher scores and of lower ones, beside the boxes."""
    boxes, scores = case.inputs["boxes"], case.inputs["scores"]
    count = len(boxes)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    flat = np.concatenate([boxes[:, :2], boxes[:, [2, 1]]], -1)
    point, inverted = np.concatenate([middle, middle], -1), boxes[:, [2, 3, 0, 1]]
    odd = np.select([np.arange(count)[:, None] % 3 == k for k in (0, 1)], [flat, point], inverted)
    others = np.where(np.arange(count) % 2 == 0, scores + 1, scores - 1)
    more = {"boxes": [boxes, odd], "scores": [scores, others]}
    if "labels" in case.inputs:
        more["labels"] = [case.inputs["labels"]] * 2
    found = _chosen(run, _with(case, **{k: np.concatenate(v) for k, v in more.items()}))
    lost = np.setdiff1d(np.arange(count, 2 * count), found)
    if len(lost):
        return f"box {lost[0]}, which has no extent, is left out"
    return _change(_chosen(run, case), found[found < count])


def _moved(run: Run, case: Case) -> str | None:
    before, boxes = _chosen(run, case), case.inputs["boxes"]
    for change in (
        boxes - np.float32(777.5),
        boxes + np.float32(2**20),
        boxes * 1024,
        boxes / 1024,
    ):
        wrong = _change(before, _chosen(run, _with(case, boxes=change.astype(np.float32))))
        if wrong is not None:
            return wrong
    return None


def _ranks_alone(run: Run, case: Case) -> str | None:
    before, scores = _chosen(run, case), case.inputs["scores"]
    for change in (scores - 100, scores * 2**20, scores**3):
        wrong = _change(before, _chosen(run, _with(case, scores=change.astype(np.float32))))
        if wrong is not None:
            return wrong
    return None


def _labels_are_classes(run: Run, parameters: Parameters) -> str | None:
    """Run the boxes of each label by themselves, and all under labels of other names."""
    case = _law_case("BatchedNMS", parameters)
    labels, scores = case.inputs["labels"], case.inputs["scores"]
    together = _chosen(run, case)
    alone = [rows[_chosen(run, _picked(case, rows))] for rows in _rows_of_labels(labels)]
    own = np.concatenate(alone)
    wrong = _change(own[np.argsort(-scores[own], kind="stable")], together)
    if wrong is not None:
        return f"of each label by itself: {wrong}"
    for names in ([2, 0, 1], [-1, 10**6, 90]):
        wrong = _change(together, _chosen(run, _with(case, labels=np.array(names)[labels])))
        if wrong is not None:
            return f"with labels {names}: {wrong}"
    return None


def _rows_of_labels(labels: Array) -> list[Array]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _image_may_be_large(run: Run, parameters: Parameters) -> str | None:
    """Move every other box far away, where float32 has a quarter of a pixel still.

    That is to tell them from the others as another label does.
    """
    case = _law_case("BatchedNMS", parameters)
    boxes = case.inputs["boxes"]
    labels, is_far = np.arange(len(boxes)) % 14, np.arange(len(boxes)) // 14 % 2
    distant = boxes + np.float32(2**21) * is_far[:, None].astype(np.float32)
    return _change(
        _chosen(run, _with(case, labels=2 * labels + is_far)),
        _chosen(run, _with(case, boxes=distant, labels=labels)),
    )


OPERATORS = (
    Suppression(
        "NMS",
        "suppression",
        lambda parameters: _detections(False, parameters),
        _indices,
        _axes,
        _of_image(False),
        laws=_laws("NMS"),
        has_block=False,
    ),
    Suppression(
        "BatchedNMS",
        "suppression",
        lambda parameters: _detections(True, parameters),
        _indices,
        _axes,
        _of_image(True),
        has_block=False,
        laws=(
            *_laws("BatchedNMS"),
            Law("boxes of different labels do not know of each other", _labels_are_classes),
            Law("the result is the same however large the image", _image_may_be_large),
        ),
    ),
)
