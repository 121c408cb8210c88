"""Cases of the matcher that goes by an alignment metric (SPEC section 6): comparisons alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.conformance.cases.matcher.drawn import ious_of
from refkernels.conformance.cases.matcher.laws import (
    Run,
    alone_and_together,
    first_difference,
    relabelled,
    settled,
    twice,
)
from refkernels.conformance.cases.strategies import configurations, mixed_dtypes
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output
from refkernels.conformance.model.parameters import Parameters

__all__ = ["CORNERS", "OPERATORS"]

NAME = "TaskAlignedMatcher"

INPUTS = ("metric", "ious", "inside")

CONFIG = configurations(
    topk=st.sampled_from([1, 1, 2, 3, 5, 10, 13, 1000]),
    conflict=st.sampled_from(["all", "selected"]),
    inside_first=st.booleans(),
    positive=st.booleans(),
)


@st.composite
def _pairs(draw: DrawFn, parameters: Parameters) -> Case:
    config = draw(parameters.options(CONFIG))
    topk = min(config.get("topk", 13), 20)
    images = draw(st.none() | st.integers(1, 3))
    lead = () if images is None else (images,)
    counts = st.integers(1, 6) | st.sampled_from([topk + 1, 2 * topk]) | st.integers(20, 50)
    shape = (*lead, draw(counts), draw(st.integers(1, 4) | st.integers(5, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Of few values there are many ties, and of many none.
    metric = rng.integers(0, draw(st.sampled_from([2, 4, 10, 10**6])), shape) / 8
    metric /= max(metric.max(), 1)
    inside = rng.random(shape) < draw(st.sampled_from([0.9, 0.9, 0.5, 0.2, 0.0]))
    kind = draw(st.sampled_from(["as it is", "as it is", "0 outside", "less", "tiny", "negative"]))
    if kind == "0 outside":  # as in ultralytics
        metric = metric * inside
    elif kind == "less":
        metric *= rng.random(shape) < 0.3
    elif kind == "tiny":  # of which float16 has no number; scores to a high power are
        metric *= 2.0 ** draw(st.sampled_from([-26, -40, -100]))
    elif kind == "negative":
        metric -= 0.25
    levels = draw(st.sampled_from([1, 3, 10**6]))
    ious = rng.integers(0, levels + 1, shape) / levels
    if draw(st.integers(0, 3)) == 3:
        ious = ious - draw(st.sampled_from([0.5, 1.0]))  # as generalised IoUs are
    given = draw(mixed_dtypes({"metric": metric, "ious": ious}, "metric", "ious"))
    return Case(config, {**given, "inside": inside})


def _matches(case: Case) -> tuple[Output, ...]:
    return (Output("matches", index=True),)


def _axes(case: Case) -> dict[str, str]:
    return dict.fromkeys(INPUTS, "ABNM"[-case.inputs["metric"].ndim :])


def _of_image(image: Image) -> Iterator[Case]:
    if not len(image.boxes):
        return
    ious = ious_of(image)
    points = (image.anchors[:, :2] + image.anchors[:, 2:]) / 2
    low, high = points[:, None] - image.boxes[:, :2], image.boxes[:, 2:] - points[:, None]
    inside = np.minimum(low, high).min(-1) > 1e-9
    scores = np.random.default_rng(len(points)).random(ious.shape)
    metric = np.sqrt(scores) * ious**6
    yield Case({"topk": 10}, {"metric": metric * inside, "ious": ious * inside, "inside": inside})
    # Less steep, so that boxes that hardly overlap leave ordinary numbers.
    tood = {"topk": 13, "conflict": "selected", "inside_first": False}
    yield Case(tood, {"metric": scores * ious**2, "ious": ious, "inside": inside})


KNOWN: tuple[dict[str, Any], ...] = (
    {"topk": 3},
    {"topk": 10},
    {"topk": 4, "inside_first": False},
    {"topk": 5, "conflict": "selected"},
    {"conflict": "selected", "inside_first": False},
    {"topk": 4, "positive": False},
)


def _law_image(seed: int = 0) -> dict[str, Array]:
    """Return metrics and IoUs that are all different, the metrics not 0."""
    rng = np.random.default_rng(seed)
    shape = 24, 7
    metric, ious = (rng.permutation(shape[0] * shape[1]).reshape(shape) for _ in range(2))
    return {
        "metric": np.asarray((metric + 1) / 256, np.float32),
        "ious": np.asarray(ious / 256, np.float32),
        "inside": rng.random(shape) < 0.75,
    }


def _images(config: Mapping[str, Any]) -> list[Case]:
    return [Case(config, _law_image(seed)) for seed in range(3)]


def _may_come_in_any_order(run: Run, parameters: Parameters) -> str | None:
    rng = np.random.default_rng(1)
    for config in settled(parameters, *KNOWN):
        for case in _images(config):
            rows, columns = (rng.permutation(length) for length in case.inputs["metric"].shape)
            (matches,) = run(case)
            moved = {name: array[rows][:, columns] for name, array in case.inputs.items()}
            (permuted,) = run(Case(config, moved))
            wrong = first_difference(matches[rows], relabelled(permuted, columns), str(config))
            if wrong is not None:
                return wrong
    return None


def _pads_without_effect(run: Run, parameters: Parameters) -> str | None:
    """Put ground truths that nothing is in between others: all 0, or with metrics all the same."""
    kept = np.array([1, 2, 4, 5, 6, 7, 9])
    for config in settled(parameters, *KNOWN):
        for case in _images(config):
            (matches,) = run(case)
            for value in (0, 1):
                padded = {}
                for name, array in case.inputs.items():
                    wide = np.full((len(array), 11), value and name != "inside", array.dtype)
                    wide[:, kept] = array
                    padded[name] = wide
                (found,) = run(Case(config, padded))
                wrong = first_difference(relabelled(matches, kept), found, str(config))
                if wrong is not None:
                    return wrong
    return None


def _leaves_anchors_outside_out(run: Run, parameters: Parameters) -> str | None:
    """Put anchors in front that are outside of all, with a metric of 0 and the highest IoU."""
    for config in settled(parameters, *KNOWN):
        for case in _images(config):
            (matches,) = run(case)
            values = {"metric": 0, "ious": 2, "inside": False}
            more = {
                name: np.concatenate([np.full_like(array[:5], values[name]), array])
                for name, array in case.inputs.items()
            }
            (found,) = run(Case(config, more))
            expected = np.concatenate([np.full(5, -1), matches])
            wrong = first_difference(expected, found, str(config))
            if wrong is not None:
                return wrong
    return None


def _looks_at_the_order_of_numbers(run: Run, parameters: Parameters) -> str | None:
    for config in settled(parameters, *KNOWN):
        for case in _images(config):
            (matches,) = run(case)
            for change in (np.square, np.sqrt, lambda x: x / 2):
                for name in ("metric", "ious"):
                    (found,) = run(Case(config, {**case.inputs, name: change(case.inputs[name])}))
                    wrong = first_difference(matches, found, f"{name} with {config}")
                    if wrong is not None:
                        return wrong
    return None


LAWS = (
    Law("anchors and ground truths without ties may come in any order", _may_come_in_any_order),
    Law("a ground truth that no anchor is inside of changes no match", _pads_without_effect),
    Law("anchors outside of all with a metric of 0 change no match", _leaves_anchors_outside_out),
    Law("metrics and IoUs count by their order alone", _looks_at_the_order_of_numbers),
    alone_and_together(_images, INPUTS, *KNOWN),
    twice(_images, *KNOWN),
)

FLAGS = [
    {"conflict": conflict, "inside_first": inside_first, "positive": positive}
    for conflict, inside_first, positive in product(
        ("all", "selected"), (True, False), (True, False)
    )
]


def _corners() -> Iterator[Case]:
    for flags in FLAGS:
        # The best is outside, and takes a place or not; what is 0 counts or not, below 0 never.
        metric = np.array([[0.75], [0.5], [0.5], [0.0], [0.0], [-0.25]])
        for topk in (1, 2, 4, 6):
            for outside in ([0], [3], [0, 1]):
                inside = np.ones((6, 1), bool)
                inside[outside] = False
                own = {"metric": metric, "ious": np.zeros((6, 1)), "inside": inside}
                yield Case({"topk": topk, **flags}, own)
        # What is next to 0 is not 0.
        for dtype, smallest in ((np.float32, 1e-30), (np.float64, 1e-200)):
            small = np.array([[smallest], [1e-10], [0], [1e-20]], dtype)
            own = {"metric": small, "ious": np.zeros_like(small)}
            yield Case({"topk": 3, **flags}, {**own, "inside": np.ones((4, 1), bool)})
        # Metrics of which no multiple is a number.
        for dtype in (np.float32, np.float64):
            large = np.ldexp([[2.0], [3.0], [1.0]], np.finfo(dtype).maxexp - 2).astype(dtype)
            own = {"metric": large, "ious": np.zeros_like(large)}
            yield Case({"topk": 1, **flags}, {**own, "inside": np.ones((3, 1), bool)})
        # Of three that an anchor is inside of, two select it; IoUs tie, or are all 0.
        metric = np.array([[0.5, 0.5, 0.25], [0.25, 0.0, 0.5]])
        for ious in ([0.25, 0.5, 0.75], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [-0.5, -0.25, -0.75]):
            for inside_row in ([True, True, True], [True, True, False]):
                inside = np.array([inside_row, [True, True, True]])
                own = {"metric": metric, "ious": np.array([ious, ious[::-1]]), "inside": inside}
                yield Case({"topk": 1, **flags}, own)
    rng = np.random.default_rng(0)
    # Nothing, and more anchors than a block of threads, more ground truths, and images.
    for shape in ((0, 3), (4, 0), (2, 0, 2), (5003, 3), (15, 301), (67, 23, 2), (2, 2, 9, 3)):
        for config in ({}, {"conflict": "selected", "inside_first": False}):
            numbers = {name: rng.integers(0, 900, shape) / 1024 for name in INPUTS[:2]}
            yield Case(dict(config), {**numbers, "inside": rng.random(shape) < 0.5})


CORNERS = {NAME: _corners}

OPERATORS = (
    Operator(NAME, "matcher", _pairs, _matches, _axes, _of_image, laws=LAWS, has_block=False),
)
