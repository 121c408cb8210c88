"""Boxes that look wrong beside their anchors are warned of, and others are not."""

import numpy as np
import pytest

from refkernels.assign import TargetAssigner, sample_images
from refkernels.explain import compare_dumps, explain
from refkernels.explain.diff.words import tell
from refkernels.explain.trace.page import as_page
from refkernels.explain.trace.warnings import warnings_of
from refkernels.matcher import MaximumMatcher
from tests.explain.chains import run
from tests.explain.planted import OPERATORS, pipeline

ANCHORS = pipeline(0)["anchors"][0]
BOXES = pipeline(0)["boxes"][0]


def xywh(boxes):
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], -1)


@pytest.mark.parametrize("seed", range(5))
def test_boxes_of_the_anchors_unit_are_not_warned_of(seed):
    for boxes in pipeline(seed)["boxes"]:
        assert warnings_of(ANCHORS, boxes) == []


@pytest.mark.parametrize("preset", ["ssd300", "yolo3", "rpn_fpn", "retinanet"])
def test_presets_are_not_warned_of(preset):
    assigner = getattr(TargetAssigner, preset)()
    low, high = assigner.anchors.min(), assigner.anchors.max()
    for image in sample_images(3):
        scale = min(300, high) / max(image.width, image.height)
        assert explain(assigner, image.boxes * scale, rng=0).warnings == []
    assert low < high


@pytest.mark.parametrize(
    ("anchors", "boxes", "warning"),
    [
        (ANCHORS, BOXES / 300,
         "boxes lie in [0.1205, 0.957], centres of anchors in [16, 304]: are the boxes "
         "normalised?"),
        (ANCHORS / 300, BOXES, ": are the anchors normalised?"),
        (ANCHORS, xywh(BOXES), "x2 < x1 or y2 < y1 in 5 of 6 boxes: is this xywh?"),
        (ANCHORS, BOXES[:, [2, 3, 0, 1]], "in 6 of 6 boxes: is this xywh?"),
        (ANCHORS, BOXES - 400, "6 of 6 boxes have their centre where no anchor is: were they re"),
        (ANCHORS, np.array([[200.0, 100, -9, 150]]), "1 of 1 box: are corners in another order?"),
    ],
)  # fmt: skip
def test_boxes_that_look_wrong_are_warned_of(anchors, boxes, warning):
    assert warning in " ".join(warnings_of(anchors, boxes))


def test_what_pads_is_not_warned_of():
    padded = np.concatenate([BOXES, [[-1.0] * 4, [0.0] * 4, [0, 0, -1, -1]]])
    assert warnings_of(ANCHORS, padded) == []
    assert warnings_of(ANCHORS, padded[6:]) == []
    assert warnings_of(ANCHORS[:0], BOXES) == []


def test_a_warning_stands_above_the_trace_and_on_its_page():
    trace = explain(TargetAssigner.ssd300(), BOXES / 300)
    (warning,) = trace.warnings
    assert str(trace).splitlines()[1] == f"warning: {warning}"
    assert f"<p>warning: {warning}</p>" in trace._repr_html_()
    assert f"<strong>Warning:</strong> {warning}" in as_page(trace)
    assert explain(MaximumMatcher(0.5), [[0.5]]).warnings == []


def test_a_comparison_begins_with_what_is_wrong_alike_in_both():
    own = {k: v for k, v in pipeline(0).items() if k != "scale"}
    a = run({**own, "boxes": xywh(own["boxes"])}, OPERATORS)
    first, second, *_ = tell(compare_dumps(a, a))
    assert first == "In A and B, x2 < x1 or y2 < y1 in 14 of 18 boxes: is this xywh?"
    assert second == "Nothing differs."
    right = run(own, OPERATORS)
    first, second, *_ = tell(compare_dumps(right, a))
    assert "xywh, taken for corners" in first
    assert second.startswith("In B, x2 < x1 or y2 < y1 in 14 of 18 boxes")
