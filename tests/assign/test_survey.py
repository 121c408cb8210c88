"""A survey says of a data set what its assigner says of each image, summed up."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels import BBoxBatchIOU, MaximumMatcher, ThresholdMatcher
from refkernels.annotations.images import AnnotationSet, ImageAnnotations
from refkernels.arrays import Array
from refkernels.assign import Resize, Survey, TargetAssigner, sample_images, survey
from refkernels.assign.network import network_of
from refkernels.assign.surveying.matches import Matches
from refkernels.assign.unguarded import UnguardedMatcher
from refkernels.sampler import BalancedSampler
from tests.assign.scenes import ANCHORS, free_boxes, lattice_boxes

IMAGES = sample_images(6, seed=3)
SIZE = {"height": 128, "width": 128}


def annotated(*images: Any, names: tuple[str, ...] = ("cat", "dog")) -> AnnotationSet:
    """Images of 40 x 40 pixels: boxes, labels and which are crowds."""
    made = [
        ImageAnnotations(k, 40, 40, np.array(boxes, float).reshape(-1, 4), labels, crowd)
        for k, (boxes, labels, crowd) in enumerate(images)
    ]
    return AnnotationSet("by hand", tuple(made), tuple(enumerate(names)))


# Anchors 0 and 3 are the first, and half of anchor 2 is the second; the third meets none.
BOXES = [[0, 0, 10, 10], [20, 20, 30, 25], [30, 30, 40, 40], [5, 5, 5, 9], [0, 0, 40, 40]]
BY_HAND = annotated(
    (BOXES, [0, 1, 1, 0, 0], [False, False, False, False, True]),
    ([], [], []),
    ([[1, 0, 11, 10]], [0], [False]),
)


def by_hand(**options: Any) -> Survey:
    assigner = TargetAssigner(ANCHORS, ThresholdMatcher(0.5), name="by hand")
    return survey(BY_HAND, assigner, size=(40, 40), **options)


def test_each_object_is_a_row() -> None:
    objects = by_hand().objects
    assert objects.image.tolist() == [0, 0, 0, 2]
    assert objects.label.tolist() == [0, 1, 1, 0]
    assert objects.anchors.tolist() == [2, 1, 0, 2]
    np.testing.assert_allclose(objects.best_iou, [1, 0.5, 0, 90 / 110], rtol=1e-6)
    assert objects.boxes[:, 2].tolist() == [10, 30, 40, 11]
    assert objects.scaled.tolist() == [[10, 10], [10, 5], [10, 10], [10, 10]]
    assert (objects.dropped, objects.crowds, len(objects)) == (1, 1, 4)


def test_groups_sum_the_rows_up() -> None:
    found = by_hand(few=1)
    assert found.total()[:5] == ("all", 4, 1, 1, 1.25)
    assert found.total().best_iou == pytest.approx((1 + 0.5 + 90 / 110) / 4, rel=1e-6)
    assert [own[:4] for own in found.by_size()] == [
        ("small", 4, 1, 1),
        ("medium", 0, 0, 0),
        ("large", 0, 0, 0),
    ]
    aspects = {own.name: own[1:4] for own in found.by_aspect() if own.objects}
    assert aspects == {"1:1 to 2:1": (3, 1, 0), "2:1 to 4:1": (1, 0, 1)}
    assert [own[:4] for own in found.by_class()] == [("cat", 2, 0, 0), ("dog", 2, 1, 1)]


def test_few_are_as_many_as_is_said() -> None:
    assert by_hand(few=1).few_said == "1"
    assert by_hand(few=2).few_said == "1 to 2"
    assert by_hand(few=2).total().few == 3


def test_a_class_without_a_name_has_its_label() -> None:
    images = annotated(([[0, 0, 10, 10]], [2], [False]))
    found = survey(images, TargetAssigner(ANCHORS), size=(40, 40))
    assert [own.name for own in found.by_class()] == ["cat", "dog", "2"]


def test_sizes_are_those_of_the_image_and_shapes_those_of_the_network() -> None:
    found = survey(BY_HAND, TargetAssigner(ANCHORS), size=(400, 800), resize="stretch")
    assert found.by_size()[0].objects == 4
    assert found.objects.scaled[0].tolist() == [200, 100]


def test_coverage_counts_best_ious() -> None:
    bars = by_hand().coverage()
    assert {k: int(n) for k, n in enumerate(bars["small"]) if n} == {0: 1, 10: 1, 16: 1, 19: 1}
    assert bars["large"].sum() == 0


def test_the_worst_images_come_first_and_good_ones_not_at_all() -> None:
    worst = by_hand(few=1).worst()
    assert [own[:6] for own in worst] == [(0, 40, 40, 3, 1, 1)]
    assert [own.image_id for own in by_hand(few=2).worst()] == [0, 2]
    assert [own.image_id for own in by_hand(few=2).worst(1)] == [0]


def test_the_json_has_it_all() -> None:
    content = by_hand(few=1).as_dict()
    assert content["images"] == content["images_in_source"] == 3
    assert content["network"] == {"height": 40, "width": 40, "resize": "fit"}
    assert (content["threshold"], content["without_extent"], content["crowds"]) == (0.5, 1, 1)
    assert content["all"]["without"] == 1
    assert content["by_class"][1] == {
        "name": "dog", "objects": 2, "without": 1, "few": 1, "anchors": 0.5, "best_iou": 0.25,
    }  # fmt: skip
    assert sum(content["coverage"]["small"]) == 4
    assert content["worst_images"][0]["image_id"] == 0
    assert content["shapes"] == [[10, 10]]
    assert content["alternatives"] == {"images": 0, "tried": []}


def expected(assigner: TargetAssigner, boxes: Array) -> tuple[Array, Array]:
    """Matches of each box as a call has them, and the largest IoU by the matrix."""
    matches = assigner(boxes, np.zeros(len(boxes), int), rng=0).matches
    real = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    best = np.zeros(len(boxes), assigner.dtype)
    if len(assigner):
        ious = BBoxBatchIOU()(assigner.anchors, boxes[real].astype(assigner.dtype))
        best[real] = ious.max(axis=0)
    return np.bincount(matches[matches >= 0], minlength=len(boxes)), best


@pytest.mark.parametrize(
    ("preset", "options"),
    [
        ("ssd300", {}),
        ("torchvision_ssd300", {}),
        ("mmdet_ssd300", {}),
        ("retinanet", SIZE),
        ("rpn_fpn", SIZE),
        ("torchvision_rpn", SIZE),
        ("mmdet_rpn", SIZE),
        ("yolo3", SIZE),
        ("atss", SIZE),
        ("fcos", SIZE),
        ("torchvision_fcos", SIZE),
    ],
)
def test_a_survey_is_the_sum_of_what_the_assigner_says_of_each_image(
    preset: str, options: dict[str, int]
) -> None:
    images = IMAGES[:3]
    size = (128, 128) if options else None
    found = survey(AnnotationSet("some", images, IMAGES.categories), preset, size=size)
    assigner: TargetAssigner = getattr(TargetAssigner, preset)(**options)
    _, resize = network_of(preset, size)
    counts, best = [], []
    for image in images:
        x, y = resize.scale(image)
        boxes = (image.boxes[~image.iscrowd] * np.array([x, y, x, y])).astype(np.float32)
        own = expected(assigner, boxes)
        counts.append(own[0])
        best.append(own[1])
    np.testing.assert_array_equal(found.objects.anchors, np.concatenate(counts))
    np.testing.assert_array_equal(found.objects.best_iou, np.concatenate(best))
    assert found.total().without == (np.concatenate(counts) == 0).sum()
    assert found.covers == ("fcos" not in preset)
    assert (found.as_dict()["coverage"] is None) != found.covers


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "matcher",
    [
        None,
        MaximumMatcher(0.3),
        ThresholdMatcher(0.6, 0.2, low_quality="own"),
        ThresholdMatcher(0.6, 0.2, low_quality="truth", ties=False),
        UnguardedMatcher(0.6, 0.2, low_quality="own"),
        UnguardedMatcher(0.6, low_quality="truth", ties=False),
    ],
    ids=str,
)
def test_matches_are_the_assigners_whatever_the_boxes(matcher: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    anchors = lattice_boxes(rng, 150, 24)
    far = np.array([[500.0, 500, 510, 510]])  # which overlaps nothing
    images = [
        lattice_boxes(rng, 9, 24),
        np.concatenate([free_boxes(rng, 5, 24), far]),
        np.empty((0, 4)),
        np.array([[3.0, 3, 3, 9]]),
        np.array([[2.0, 2, 2 + 1e-17, 2 + 1e-17], [1, 1, 4, 4]]),  # too small for the kernels
        np.array([[0.0, 0, 1e-18, 1e-18], [1, 1, 4, 4]]),
    ]
    assigner = TargetAssigner(anchors, matcher, BalancedSampler(4, 0.5), dtype="float64")
    counts, best = Matches(assigner, threads=2)(images)
    wanted = [expected(assigner, boxes) for boxes in images]
    np.testing.assert_array_equal(counts, np.concatenate([own[0] for own in wanted]))
    np.testing.assert_array_equal(best, np.concatenate([own[1] for own in wanted]))


@pytest.mark.parametrize("matcher", [None, UnguardedMatcher(0.5, low_quality="own")], ids=str)
def test_without_anchors_there_are_no_matches(matcher: Any) -> None:
    assigner = TargetAssigner(np.empty((0, 4)), matcher)
    counts, best = Matches(assigner)([np.array([[0, 0, 4, 4]], np.float32)])
    assert counts.tolist() == [0]
    assert best.tolist() == [0]


def test_threads_change_nothing() -> None:
    one, two = (survey(IMAGES, "torchvision_ssd300", threads=count) for count in (1, 2))
    np.testing.assert_array_equal(one.objects.anchors, two.objects.anchors)


def test_a_limit_takes_images_evenly_and_says_so() -> None:
    told: list[tuple[str, int, int]] = []
    found = survey(IMAGES, limit=3, progress=lambda *own: told.append(own))
    assert [own.image_id for own in found.images] == [1, 3, 5]
    assert (found.as_dict()["images"], found.as_dict()["images_in_source"]) == (3, 6)
    assert told == [("surveying", 3, 3)]
    assert len(survey(IMAGES, limit=9).images) == 6


def test_a_survey_of_nothing_has_nothing() -> None:
    found = survey(AnnotationSet("nothing", (), ()), "ssd300")
    assert found.total() == ("all", 0, 0, 0, 0.0, 0.0)
    assert found.worst() == ()


@pytest.mark.parametrize(
    ("preset", "options", "message"),
    [
        ("ssd", {}, "preset: expected 'ssd300' or"),
        ("ssd300", {"few": 0}, "few: expected an integer of at least 1"),
        ("ssd300", {"limit": 0}, "limit: expected an integer of at least 1"),
        ("ssd300", {"tried": -1}, "tried: expected an integer of at least 0"),
        ("ssd300", {"threads": 0}, "threads: expected an integer of at least 1"),
        ("ssd300", {"size": (300, 300)}, "size: ssd300 is for 300 x 300 pixels"),
        (TargetAssigner(ANCHORS), {}, "size: expected the height and the width"),
        (
            TargetAssigner(ANCHORS),
            {"size": (40, 40), "options": {"dtype": "float64"}},
            "options: are those of a preset",
        ),
        (TargetAssigner(ANCHORS), {"size": (40, 40), "resize": "cut"}, "resize: expected"),
        (
            TargetAssigner.simota(64, 64),
            {"size": (64, 64)},
            "simota: looks at predictions, and a survey of annotations has none",
        ),
    ],
)
def test_what_cannot_be_surveyed_is_told(preset: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        survey(IMAGES, preset, **options)


def test_of_real_images_every_object_overlaps_an_anchor(shared_data: Path) -> None:
    from refkernels.assign import read_coco

    images = read_coco(shared_data / "instances_val2014_100.json")
    guarded, unguarded = (
        survey(images, "torchvision_ssd300", options={"unguarded": own}) for own in (False, True)
    )
    assert guarded.total().objects == 830
    assert (guarded.objects.best_iou > 0).all()
    np.testing.assert_array_equal(guarded.objects.anchors, unguarded.objects.anchors)
    assert isinstance(guarded.resize, Resize)
