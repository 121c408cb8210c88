"""Assigners that match by points, levels or predictions give what the chains of operators give."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels.arrays import Array
from refkernels.assign import TargetAssigner, read_coco
from refkernels.assign.point_anchors import FCOS_RANGES, FCOS_STRIDES, point_anchors
from refkernels.chain.assigners import atss, detr, fcos, simota, task_aligned
from refkernels.chain.composition import points_of
from refkernels.chain.layout import Layout
from refkernels.coder import DistanceEncoder
from refkernels.cost import DETRCost, SimOTACost, TaskAlignedMetric
from refkernels.matcher import (
    ATSSMatcher,
    BipartiteMatcher,
    HungarianMatcher,
    PointMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
)
from refkernels.sampler import QuotaSampler
from tests.assign.against_packages import resized
from tests.assign.scenes import ANCHORS, scene

BOXES = np.array([[8.0, 8, 90, 120], [30, 40, 200, 230], [100, 100, 108, 108]])
LABELS = np.array([2, 0, 1])


def predicted(anchors: Array, seed: int = 0, classes: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    boxes = anchors + rng.normal(0, 8, anchors.shape).astype(np.float32)
    low = np.minimum(boxes[:, :2], boxes[:, 2:] - 1)
    boxes = np.concatenate([low, boxes[:, 2:]], 1).astype(np.float32)
    return boxes, rng.uniform(0.01, 0.99, (len(anchors), classes)).astype(np.float32)


def inputs_of(assigner: TargetAssigner, boxes: Array, labels: Array) -> dict[str, Any]:
    """What the chains of `refkernels.chain.assigners` take."""
    layout: Any = assigner.operators.layout
    anchors = np.array(assigner.anchors)
    return {
        "anchors": anchors,
        "points": points_of(anchors),
        "levels": layout.levels,
        "strides": layout.strides.astype(np.float32),
        "ranges": None if layout.ranges is None else layout.ranges.astype(np.float32),
        "boxes": boxes.astype(np.float32),
        "labels": labels,
    }


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        scene,
        st.integers(0, 2**32),
        st.sampled_from([0, 1, 5, 70, 300, 1500]),
        st.integers(1, 3),
        st.sampled_from([1, 4, 12]),
    ),
    st.integers(1, 12),
    st.integers(0, 2),
    st.lists(st.floats(0, 1), max_size=4),
    st.sampled_from(["float32", "float64"]),
)
def test_atss_without_a_matrix_has_the_bits_of_the_chain(
    drawn: Any, topk: int, ddof: int, cuts: list[float], dtype: str
) -> None:
    anchors, images = drawn
    ends = sorted([0, *(int(cut * len(anchors)) for cut in cuts), len(anchors)])
    layout = Layout(np.diff(ends))
    matcher = ATSSMatcher(topk, ddof)
    assigner = TargetAssigner(anchors, matcher, layout=layout, dtype=dtype)
    for boxes, labels, regions in images:
        found = assigner(boxes, labels, regions)
        kept = np.flatnonzero((boxes[:, 2:].astype(dtype) > boxes[:, :2].astype(dtype)).all(1))
        own = np.array(assigner.anchors)
        made = atss(topk).stages
        chain = type(atss())((*made[:3], type(made[3])(matcher, made[3].takes, made[3].gives)))
        expected = chain.run(
            {
                "anchors": own,
                "points": points_of(own),
                "levels": layout.levels,
                "boxes": boxes[kept].astype(dtype),
            }
        )["matches"]
        matched = expected >= 0
        expected[matched] = kept[expected[matched]]
        np.testing.assert_array_equal(found.matches, expected)


def test_fcos_is_the_chain_with_distances() -> None:
    assigner = TargetAssigner.fcos(256, 256)
    targets = assigner(BOXES, LABELS)
    expected = fcos().run(inputs_of(assigner, BOXES, LABELS))
    np.testing.assert_array_equal(targets.matches, expected["matches"])
    np.testing.assert_array_equal(targets.cls_targets, expected["cls_targets"])
    rows = np.flatnonzero(targets.matches >= 0)
    points = points_of(np.array(assigner.anchors))[rows]
    own = DistanceEncoder()(points, BOXES[targets.matches[rows]].astype(np.float32))
    np.testing.assert_array_equal(targets.box_targets[rows], own)
    assert (targets.box_masks == (targets.matches >= 0)[:, None]).all()
    sparse = assigner.sparse(BOXES, LABELS)
    np.testing.assert_array_equal(sparse.positives, rows)
    np.testing.assert_array_equal(sparse.box_targets, own)


@pytest.mark.parametrize(
    ("preset", "chain"),
    [
        ("simota", simota()),
        (
            "task_aligned",
            task_aligned(TaskAlignedMetric.ultralytics(), TaskAlignedMatcher.ultralytics()),
        ),
    ],
)
def test_what_looks_at_predictions_is_its_chain(preset: str, chain: Any) -> None:
    assigner = getattr(TargetAssigner, preset)(256, 256)
    boxes, scores = predicted(np.array(assigner.anchors))
    targets = assigner(BOXES, LABELS, predictions=(boxes, scores))
    given = {**inputs_of(assigner, BOXES, LABELS), "predictions": boxes, "scores": scores}
    expected = chain.run(given)
    np.testing.assert_array_equal(targets.matches, expected["matches"])
    np.testing.assert_array_equal(targets.cls_targets, expected["cls_targets"])
    batch = assigner(
        [BOXES, BOXES[:1]],
        [LABELS, LABELS[:1]],
        predictions=(np.stack([boxes] * 2), np.stack([scores] * 2)),
    )
    np.testing.assert_array_equal(batch.matches[0], targets.matches)
    alone = assigner(BOXES[:1], LABELS[:1], predictions={"boxes": boxes, "scores": scores})
    np.testing.assert_array_equal(batch.matches[1], alone.matches)


def test_detr_takes_pixels_and_gives_shares() -> None:
    assigner = TargetAssigner.detr(queries=5, height=400, width=200)
    rng = np.random.default_rng(0)
    boxes = rng.uniform(0.1, 0.5, (5, 4)).astype(np.float32)
    logits = rng.normal(0, 1, (5, 4)).astype(np.float32)
    targets = assigner(BOXES, LABELS, predictions=(boxes, logits))
    low, high = BOXES[:, :2], BOXES[:, 2:]
    shares = np.concatenate([(low + high) / 2, high - low], 1) / [200, 400, 200, 400]
    given = {"logits": logits, "predictions": boxes, "labels": LABELS}
    expected = detr().run({**given, "boxes": shares.astype(np.float32)})
    np.testing.assert_array_equal(targets.matches, expected["matches"])
    rows = np.flatnonzero(targets.matches >= 0)
    assert len(rows) == len(BOXES)
    np.testing.assert_allclose(targets.box_targets[rows], shares[targets.matches[rows]], rtol=1e-6)


def test_tensors_are_taken_where_they_are() -> None:
    torch = pytest.importorskip("torch")
    assigner = TargetAssigner.task_aligned(128, 128)
    boxes, scores = predicted(np.array(assigner.anchors))
    tensors = torch.from_numpy(boxes).requires_grad_(), torch.from_numpy(scores)
    found = assigner(BOXES, LABELS, predictions=tensors)
    expected = assigner(BOXES, LABELS, predictions=(boxes, scores))
    np.testing.assert_array_equal(found.matches, expected.matches)


@pytest.mark.parametrize("count", [0, 3])
def test_no_objects_and_boxes_without_extent_match_nothing(count: int) -> None:
    for preset in ("atss", "fcos", "torchvision_fcos"):
        targets = getattr(TargetAssigner, preset)(64, 64)(np.ones((count, 4)), np.ones(count, int))
        assert (targets.matches == -1).all()
        assert targets.dropped == count


TWO = Layout([2, 2], strides=[4, 8], ranges=[(0, 8), (8, np.inf)])
WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"matcher": ATSSMatcher()}, ValueError, "layout: a ATSSMatcher needs the levels of anchors"),
    ({"matcher": PointMatcher()}, ValueError, "layout: a PointMatcher needs strides"),
    (
        {"matcher": PointMatcher(), "layout": Layout([4], strides=[8])},
        ValueError,
        "layout: a PointMatcher needs ranges",
    ),
    (
        {"matcher": ATSSMatcher(), "layout": Layout([3])},
        ValueError,
        "layout: expected levels of 4 anchors together, got 3",
    ),
    ({"matcher": SimOTAMatcher()}, TypeError, "cost: a SimOTAMatcher needs a SimOTACost, got None"),
    (
        {"matcher": TaskAlignedMatcher(), "cost": SimOTACost()},
        TypeError,
        "cost: a TaskAlignedMatcher needs a TaskAlignedMetric, got SimOTACost",
    ),
    (
        {"matcher": BipartiteMatcher(), "cost": SimOTACost()},
        ValueError,
        "cost: a BipartiteMatcher looks at none",
    ),
    (
        {"box_encoder": DistanceEncoder(normalize=True)},
        ValueError,
        "layout: a DistanceEncoder that normalizes needs strides",
    ),
    ({"layout": [4]}, TypeError, "layout: expected a Layout, got [4]"),
    (
        {"matcher": HungarianMatcher(), "cost": DETRCost(), "size": (0, 4)},
        ValueError,
        "size[0]: expected an integer of at least 1",
    ),
    (
        {"matcher": HungarianMatcher(), "cost": DETRCost(), "size": 4},
        TypeError,
        "size: expected a height and a width",
    ),
    (
        {"matcher": HungarianMatcher(), "cost": DETRCost()},
        ValueError,
        "size: a HungarianMatcher needs one",
    ),
    (
        {"matcher": ATSSMatcher(), "layout": TWO, "sampler": QuotaSampler(4, 0.7, 0.3)},
        ValueError,
        "sampler: a QuotaSampler looks at the IoUs of anchors, which a ATSSMatcher does not",
    ),
]


@pytest.mark.parametrize(("given", "error", "said"), WRONG)
def test_what_an_operator_would_miss_is_said(
    given: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        TargetAssigner(ANCHORS, **given)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("predictions", "error", "said"),
    [
        (None, TypeError, "predictions: the matcher looks at some, got none"),
        (7, TypeError, "predictions: expected boxes and scores, got int"),
        ({"boxes": 1}, ValueError, "predictions: expected boxes and scores, got boxes"),
        (
            (np.full((84, 4), np.nan), np.zeros((84, 2))),
            ValueError,
            "predictions.boxes[0, 0] is nan",
        ),
        ((np.zeros((3, 4)), np.zeros((3, 2))), ValueError, "predictions: expected those of (84,)"),
        (
            (np.zeros((84, 4)), np.zeros((83, 2))),
            ValueError,
            "predictions.scores: expected those of (84,) boxes, got shape (83, 2)",
        ),
    ],
)
def test_wrong_predictions_are_named(predictions: Any, error: type[Exception], said: str) -> None:
    assigner = TargetAssigner.simota(64, 64)
    with pytest.raises(error) as caught:
        assigner(BOXES, LABELS, predictions=predictions)
    assert str(caught.value).startswith(said)


def test_predictions_that_nobody_looks_at_are_an_error() -> None:
    with pytest.raises(ValueError, match="predictions: the matcher does not look at any"):
        TargetAssigner(ANCHORS)(BOXES, LABELS, predictions=(ANCHORS, np.zeros((4, 2))))


def test_a_hungarian_matcher_without_a_cost_matches_ious() -> None:
    targets = TargetAssigner(ANCHORS, HungarianMatcher())(ANCHORS[:2], [0, 1])
    assert sorted(targets.matches[targets.matches >= 0]) == [0, 1]


@pytest.mark.filterwarnings("ignore")
def test_torchvisions_fcos_is_its_preset_on_real_boxes(shared_data: Path) -> None:
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    import torch
    from torchvision.models import detection
    from torchvision.ops import boxes as box_ops

    assert box_ops
    with torch.device("meta"):
        model = detection.fcos_resnet50_fpn(weights=None, weights_backbone=None)
    assigner = TargetAssigner.torchvision_fcos(512, 640)
    anchors = torch.from_numpy(np.array(assigner.anchors))
    counts = assigner.operators.layout.levels.tolist()
    found: list[Any] = []
    model.head.compute_loss = lambda targets, outputs, own, matched: found.append(matched)
    images = list(read_coco(shared_data / "instances_val2014_100.json"))[:20]
    for boxes in resized("torchvision_ssd300", images):
        boxes = boxes * np.float32(1.6)
        if not len(boxes):
            continue
        targets = [{"boxes": torch.from_numpy(boxes), "labels": torch.ones(len(boxes)).long()}]
        model.compute_loss(targets, {}, [anchors], counts)
        theirs = found.pop()[0].numpy()
        ours = assigner(boxes, np.zeros(len(boxes), int)).matches
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.filterwarnings("ignore")
def test_mmdetections_atss_is_its_preset_on_real_boxes(shared_data: Path) -> None:
    if find_spec("mmdet") is None:
        pytest.skip("mmdet is not installed")
    import torch
    from mmdet.models.task_modules.assigners import ATSSAssigner
    from mmengine.structures import InstanceData

    theirs, assigner = ATSSAssigner(topk=9), TargetAssigner.atss(512, 640)
    anchors = torch.from_numpy(np.array(assigner.anchors))
    counts = assigner.operators.layout.levels.tolist()
    images = list(read_coco(shared_data / "instances_val2014_100.json"))[:20]
    for boxes in resized("torchvision_ssd300", images):
        boxes = boxes * np.float32(1.6)
        if not len(boxes):
            continue
        truth = InstanceData(
            bboxes=torch.from_numpy(boxes), labels=torch.zeros(len(boxes), dtype=torch.long)
        )
        expected = theirs.assign(InstanceData(priors=anchors), counts, truth).gt_inds.numpy() - 1
        ours = assigner(boxes, np.zeros(len(boxes), int)).matches
        np.testing.assert_array_equal(ours, expected)


def test_levels_and_ranges_are_those_of_the_paper() -> None:
    anchors, layout = point_anchors(256, 512, FCOS_STRIDES, ranges=FCOS_RANGES)
    assert np.asarray(layout.levels).tolist() == [2048, 512, 128, 32, 8]
    assert len(anchors) == len(layout)
    assert points_of(anchors)[0].tolist() == [4, 4]  # FCOS 2019: floor(s / 2) + x s
