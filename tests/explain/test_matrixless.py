"""A trace of an assigner is made of parts of the matrix, and says what one of the whole says."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refkernels.arrays import Array
from refkernels.assign import TargetAssigner
from refkernels.explain.trace import pairs
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.trace import Trace, explain
from tests.compiled import needs_compiler

PRESETS = ("ssd300", "rpn_fpn", "torchvision_rpn", "retinanet", "atss", "fcos")


def assigner_of(preset: str) -> TargetAssigner:
    sizes = () if preset == "ssd300" else (64, 96)
    made: TargetAssigner = getattr(TargetAssigner, preset)(*sizes)
    return made


def boxes_of(seed: int, count: int, extent: float = 90) -> Array:
    rng = np.random.default_rng(seed)
    sides = np.exp(rng.uniform(np.log(4), np.log(0.6 * extent), (count, 2)))
    low = rng.uniform(0, 1, (count, 2)) * (extent - sides)
    boxes = np.concatenate([low, low + sides], axis=1)
    # Whole numbers bring ties; the last box is the first once more.
    boxes = boxes.round() if seed % 2 else boxes
    return np.concatenate([boxes, boxes[:1]]) if seed % 3 == 0 else boxes


def told(trace: Trace) -> list[str]:
    anchors = np.flatnonzero((trace.matches != -1) | (trace.anchors["iou"] > 0.3))[:40]
    truths = range(len(trace.truths))
    sentences = [trace.why(int(anchor)) for anchor in (*anchors, *range(0, len(trace.anchors), 97))]
    sentences += [trace.why_truth(truth) for truth in truths]
    sentences += [trace.why_not(int(anchor), truth) for anchor in anchors[:9] for truth in truths]
    return [str(trace), *sentences]


@pytest.mark.parametrize("preset", PRESETS)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(0, 6))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_parts_of_any_height_say_what_the_whole_matrix_says(
    preset: str, seed: int, height: int, count: int
) -> None:
    assigner, boxes = assigner_of(preset), boxes_of(seed, count)
    boxes = boxes * 3 if preset == "ssd300" else boxes

    def whole(operator: Any, left: Array, right: Array) -> Pairs:
        return Pairs.of(np.asarray(operator(left, right)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pairs, "made", whole)
        patch.setattr(pairs, "BLOCK", 1 << 40)
        expected = explain(assigner, boxes, rng=0)
        sentences = told(expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "BLOCK", height * max(1, len(boxes)))
        trace = explain(assigner, boxes, rng=0)
        for name in ("anchors", "truths", "rounds"):
            own, other = getattr(trace, name), getattr(expected, name)
            for field in own.dtype.names:
                np.testing.assert_array_equal(own[field], other[field], err_msg=f"{name}, {field}")
        assert told(trace) == sentences


@needs_compiler
def test_a_trace_of_many_anchors_and_objects_takes_less_than_their_matrix() -> None:
    assigner = TargetAssigner.rpn_fpn()
    boxes = boxes_of(2, 100, 1000)
    explain(assigner, boxes[:2], rng=0)  # kernels are compiled
    tracemalloc.start()
    try:
        trace = explain(assigner, boxes, rng=0)
        for anchor in np.flatnonzero(trace.matches >= 0)[:5]:
            trace.why(int(anchor))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A quarter of that are the records of anchors; the rest is of each while they are made.
    assert peak < len(assigner) * len(boxes) * 4
