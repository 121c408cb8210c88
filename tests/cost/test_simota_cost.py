"""The cost of SimOTA: cross entropy of the classes, the IoU's logarithm, and a penalty outside."""

import math

import numpy as np
import pytest

from refkernels import SimOTACost
from refkernels.definition import cost as definition

DTYPES = [np.float16, np.float32, np.float64]
INSIDE = [[True]]


def near(found, expected, dtype=np.float64, units=64):
    """Return whether numbers are equal to some units in the last place."""
    size = units * float(np.finfo(dtype).eps) * np.maximum(np.abs(expected), 1)
    return bool((np.abs(np.asarray(found, float) - expected) <= size).all())


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_sums_the_cross_entropy_of_all_classes(dtype):
    scores = np.array([[0.5, 0.25, 0.75]], dtype)
    costs = SimOTACost(iou_weight=0)(scores, [0, 1, 2], np.ones((1, 3), dtype), [[True] * 3])
    assert costs.dtype == dtype
    # Of class 0: -log(0.5) - log(1 - 0.25) - log(1 - 0.75); and so of the others.
    expected = [-math.log(p) for p in (0.5 * 0.75 * 0.25, 0.5 * 0.25 * 0.25, 0.5 * 0.75 * 0.75)]
    assert near(costs, [expected], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_iou_costs_its_logarithm_by_weight(dtype):
    scores, ious = np.array([[0.5]], dtype), np.array([[0.25, 1, 0]], dtype)
    costs = SimOTACost(iou_weight=2, eps=2.0**-10)(scores, [0] * 3, ious, [[True] * 3])
    expected = [math.log(2) - 2 * math.log(float(iou) + 2.0**-10) for iou in ious[0]]
    assert near(costs, [expected], dtype)


def test_what_is_outside_costs_the_penalty_more():
    inputs = [[0.5], [0.5]], [0], [[0.5], [0.5]]
    inside, outside = SimOTACost(penalty=10)(*inputs, [[True], [False]])
    assert near(outside - inside, 10)
    mask = np.array([[1], [0]])
    for dtype in (bool, np.uint8, np.float32):
        found = SimOTACost(penalty=10)(*inputs, mask.astype(dtype))
        np.testing.assert_array_equal(found, np.stack([inside, outside]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_score_that_is_wrong_and_sure_costs_100(dtype):
    cost = SimOTACost(iou_weight=0)
    ious, inside = np.ones((1, 1), dtype), INSIDE
    for scores, expected in (
        ([1.0, 0.0, 0.0], 0),
        ([0.0, 0.0, 0.0], 100),
        ([1.0, 1.0, 0.0], 100),
        ([0.0, 1.0, 1.0], 300),
        ([0.0, 1.0, 0.5], 200 + math.log(2)),
        ([0.5, 1.0, 1.0], 200 + math.log(2)),
        ([1.0, 1.0, 0.5], 100 + math.log(2)),
    ):
        assert near(cost(np.array([scores], dtype), [0], ious, inside), expected, dtype, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logarithms_end_at_minus_100_and_not_before(dtype):
    edge = math.exp(-100)
    scores = np.array([[edge * 1.5], [edge * 0.5], [1e-40], [2.0**-140]], dtype)
    costs = SimOTACost(iou_weight=0)(scores, [0], np.ones((4, 1), dtype), np.ones((4, 1), bool))
    expected = [[min(-math.log(float(score)), 100)] for score in scores[:, 0]]
    assert near(costs, expected, dtype, 1)
    assert costs[1, 0] == 100


def test_classes_without_number_whose_product_vanishes_have_a_finite_cost():
    for dtype in (np.float32, np.float64):
        for count in (7, 8, 33, 300, 5000):
            for score in (0.5, 0.999, 1 - 2.0**-24):
                scores = np.full((1, count), score, dtype)
                cost = SimOTACost(iou_weight=0)(scores, [0], np.ones((1, 1), dtype), INSIDE)
                own = float(scores[0, 0])
                expected = -math.log(own) - (count - 1) * math.log1p(-own)
                assert abs(cost - expected) <= 2 * count * np.finfo(dtype).eps + 4 * np.finfo(
                    dtype
                ).eps * abs(expected)


def test_a_truth_without_a_class_has_no_scores_to_be_high():
    scores = [[0.5, 0.25], [1.0, 0.0]]
    inputs = scores, np.array([-1]), np.ones((2, 1)), np.ones((2, 1), bool)
    costs = SimOTACost(iou_weight=0)(*inputs)
    assert near(costs, [[-math.log(0.375)], [100]])
    exact = definition.SimOTACost(*inputs, iou_weight=0)
    assert near(costs, exact.astype(float))


def test_constructors_have_the_numbers_of_their_packages():
    assert SimOTACost.yolox() == SimOTACost() == SimOTACost(3.0, 1e-8, 1e5)
    assert SimOTACost.mmdet() == SimOTACost(3.0, 1e-7, 1e5)
    ious = np.zeros((1, 1))
    costs = [cost([[1.0]], [0], ious, INSIDE) for cost in (SimOTACost.yolox(), SimOTACost.mmdet())]
    assert near(costs, np.reshape([-3 * math.log(1e-8), -3 * math.log(1e-7)], (2, 1, 1)))


def test_in_float16_a_penalty_beyond_it_is_infinite():
    inputs = np.array([[0.5]], np.float16), [0], np.array([[0.5]], np.float16), [[False]]
    assert SimOTACost()(*inputs) == np.inf
    assert np.isfinite(SimOTACost(penalty=1e4)(*inputs))


ONE = {"scores": [[0.5]], "labels": [0], "ious": [[0.5]], "inside": INSIDE}
SINGLE = {**ONE, "scores": np.float32([[0.5]]), "ious": np.float32([[0.5]])}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scores": [[np.nan]]}, r"scores\[0, 0\] is nan, expected finite numbers"),
        ({"scores": [[2.0]]}, r"scores\[0, 0\] is 2.0, expected numbers from 0 to 1"),
        ({"scores": [[-1e-9]]}, r"scores\[0, 0\] is -1e-09, expected numbers from 0 to 1"),
        ({"ious": [[np.nan]]}, r"ious\[0, 0\] is nan, expected finite numbers"),
        ({"ious": [[-1.0]]}, r"ious\[0, 0\] is -1.0, expected numbers of at least 0"),
        ({"labels": [1]}, r"labels\[0\] is 1, expected a class from 0 to 0, or -1"),
        ({"inside": [[2]]}, r"inside\[0, 0\] is 2, expected a mask of bools, or of 0 and 1"),
        ({"inside": [True]}, r"inside: expected \(B, N, M\) or \(N, M\), got shape \(1,\)"),
        ({"inside": [[True, True]]}, r"inside: expected \(1, 1\) for an image"),
        ({"ious": [[0.5], [0.5]]}, r"ious: expected \(1, 1\) for an image"),
        ({"inside": np.ones((2, 1, 1), bool), "ious": np.ones((3, 1, 1))}, "batch sizes differ"),
    ],
)
def test_what_is_none_of_its_inputs_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        SimOTACost()(**{**ONE, **changed})


def test_what_is_no_mask_is_refused():
    with pytest.raises(TypeError, match="inside: expected a mask of bools, got dtype"):
        SimOTACost()(**{**ONE, "inside": [["yes"]]})
    with pytest.raises(TypeError, match="ious: expected float16, float32"):
        SimOTACost()(**{**ONE, "ious": np.array([[0.5]], object)})


@pytest.mark.parametrize("name", ["iou_weight", "eps", "penalty"])
def test_parameters_are_finite_numbers_that_are_not_negative(name):
    for value in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match=name):
            SimOTACost(**{name: value})
    with pytest.raises(TypeError, match=f"{name}: expected a real number"):
        SimOTACost(**{name: "1"})
    with pytest.raises(ValueError, match=f"{name}: 1e\\+300 does not fit float32"):
        SimOTACost(**{name: 1e300})(**SINGLE)


def test_eps_is_a_number_above_0_in_the_dtype_too():
    with pytest.raises(ValueError, match=r"eps: expected a number above 0, got 0\.0"):
        SimOTACost(eps=0)
    with pytest.raises(ValueError, match="eps: 1e-300 vanishes in float32"):
        SimOTACost(eps=1e-300)(**SINGLE)
