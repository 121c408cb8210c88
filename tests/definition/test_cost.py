"""What the definitions of costs and metrics say, by cases worked by hand."""

from fractions import Fraction as F

import mpmath
import numpy as np
import pytest

from refkernels.definition import cost as definition


def test_distances_are_those_of_centres_to_hundreds_of_bits():
    (((root,),),) = definition.CenterDistance([[[0, 0, 2, 2]]], [[[1, 1, 3, 3]]])
    with mpmath.workprec(200):
        assert abs(root - mpmath.sqrt(2)) < mpmath.mpf(2) ** -190
    found = definition.CenterDistance([[1, 2, 9, 9]], [[4, 6, 0, 0]], fmt="center")
    assert found.tolist() == [[5]]
    moved = definition.CenterDistance([[1], [2], [3], [4]], [[4], [6], [6], [8]], axis=0)
    assert moved.tolist() == [[5]]


def test_slacks_are_the_four_distances_less_the_margin():
    slacks = definition.inside_slacks([[1, 2]], [[0, 0, 4, 8]], margin=0.5)
    assert slacks.tolist() == [[[F(1, 2), F(3, 2), F(5, 2), F(11, 2)]]]
    slacks = definition.inside_slacks([[1, 2]], [[2, 4, 4, 8]], fmt="center")
    assert slacks.tolist() == [[[1, 2, 3, 6]]]
    # float16 has no 0.1, and its nearest is more.
    slacks = definition.inside_slacks(np.float16([[1, 1]]), np.float16([[0, 0, 2, 2]]), margin=0.1)
    assert slacks[0, 0, 0] == 1 - F(float(np.float16(0.1)))


@pytest.mark.parametrize(
    ("point", "inside"),
    [((1, 1), True), ((0, 1), False), ((1, 0), False), ((2, 1), False), ((1, 2), False)],
)
def test_inside_is_beyond_every_side(point, inside):
    assert definition.InsideMask([point], [[0, 0, 2, 2]]).tolist() == [[inside]]


def test_a_margin_beyond_the_dtype_is_never_exceeded():
    inputs = np.float16([[1, 1]]), np.float16([[0, 0, 2, 2]])
    assert definition.InsideMask(*inputs, margin=1e6).tolist() == [[False]]


def test_the_metric_is_a_product_of_powers():
    scores, labels, ious = [[0.25, 0.5]], np.array([0, 1, -1]), [[0.5, 0.0, 0.5]]
    found = definition.TaskAlignedMetric(scores, labels, ious, alpha=0.5, beta=3.0)
    assert found.tolist() == [[0.0625, 0, 0]]
    found = definition.TaskAlignedMetric(scores, labels, ious, alpha=0.0, beta=0.0)
    assert found.tolist() == [[1, 1, 1]]


def test_the_cost_of_simota_is_that_of_classes_place_and_penalty():
    scores, labels = [[0.25, 0.5]], np.array([0, 1])
    ious, inside = [[1.0, 0.25]], np.array([[True, False]])
    found = definition.SimOTACost(
        scores, labels, ious, inside, iou_weight=2.0, eps=0.25, penalty=8.0
    )
    with mpmath.workprec(200):
        first = -mpmath.log(mpmath.mpf(1) / 8) - 2 * mpmath.log(1.25)
        second = -mpmath.log(mpmath.mpf(3) / 8) - 2 * mpmath.log(0.5) + 8
        assert abs(found[0, 0] - first) < 1e-50
        assert abs(found[0, 1] - second) < 1e-50


def test_its_logarithms_end_at_minus_100():
    wrong = definition.SimOTACost(
        [[0.0, 1.0, 1e-50]],
        np.array([0, 1, 2]),
        [[1.0, 1.0, 1.0]],
        np.ones((1, 3), bool),
        iou_weight=0.0,
    )
    assert [round(float(cost)) for cost in wrong[0]] == [200, 0, 200]


def test_the_cost_of_detr_is_that_of_class_distance_and_giou():
    only = {"class_weight": 0.0, "l1_weight": 0.0, "giou_weight": 0.0}
    inputs = [[0.0, 0.0]], [[1, 1, 2, 2]], np.array([1]), [[2, 2, 2, 2]]
    found = [float(definition.DETRCost(*inputs, **{**only, name: 1.0})[0, 0]) for name in only]
    # C is 3 by 3, U is 4 + 4 - 1.
    assert found == [-0.5, 2.0, -float(F(1, 7) - F(2, 9))]


def test_the_focal_kind_is_even_where_classes_weigh_the_same():
    only = {"l1_weight": 0.0, "giou_weight": 0.0, "kind": "focal", "alpha": 0.5}
    inputs = [[0.0], [3.0], [-3.0]], np.zeros((3, 4)), np.array([0]), [[0, 0, 0, 0]]
    zero, less, more = definition.DETRCost(*inputs, **only)[:, 0]
    assert zero == 0
    with mpmath.workprec(200):
        assert less == -more < 0


def test_logits_may_be_as_far_apart_as_floats_are():
    largest = np.finfo(np.float64).max
    inputs = [[largest, -largest]], [[0, 0, 0, 0]], np.array([0, 1]), [[0, 0, 0, 0]] * 2
    only = {"l1_weight": 0.0, "giou_weight": 0.0}
    assert definition.DETRCost(*inputs, **only).astype(float).tolist() == [[-1, 0]]


def test_a_batch_of_one_goes_with_any():
    points = np.arange(12.0).reshape(3, 2, 2)
    boxes = np.array([[[0, 0, 5, 5]]])
    found = definition.InsideMask(points, boxes)
    assert found.shape == (3, 2, 1)
    assert found[:, :, 0].tolist() == [[False, True], [False, False], [False, False]]
