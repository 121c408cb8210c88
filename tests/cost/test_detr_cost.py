"""The cost of set prediction: class, L1 and GIoU, each with its weight."""

import math

import numpy as np
import pytest

from refkernels import DETRCost
from refkernels.definition import cost as definition

DTYPES = [np.float16, np.float32, np.float64]
BOX = [[0.5, 0.5, 0.5, 0.5]]

ONLY_CLASS = {"l1_weight": 0, "giou_weight": 0}
ONLY_L1 = {"class_weight": 0, "l1_weight": 1, "giou_weight": 0}
ONLY_GIOU = {"class_weight": 0, "l1_weight": 0, "giou_weight": 1}


def near(found, expected, dtype=np.float64, units=16):
    size = units * float(np.finfo(dtype).eps) * np.maximum(np.abs(expected), 1)
    return bool((np.abs(np.asarray(found, float) - expected) <= size).all())


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_class_costs_minus_its_probability(dtype):
    logits = np.array([[0, 0, 0, 0], [1, 2, 3, 4]], dtype)
    boxes = np.array(BOX * 2, dtype)
    costs = DETRCost(class_weight=2, **ONLY_CLASS)(logits, boxes, [0, 3], boxes)
    assert costs.dtype == dtype
    total = sum(map(math.exp, (1, 2, 3, 4)))
    expected = [[-0.5, -0.5], [-2 * math.exp(1) / total, -2 * math.exp(4) / total]]
    assert near(costs, expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_focal_kind_costs_a_positive_less_a_negative(dtype):
    logits = np.array([[0.0], [2.0], [-3.0]], dtype)
    boxes = np.array(BOX * 3, dtype)
    costs = DETRCost(kind="focal", alpha=0.25, gamma=2, **ONLY_CLASS)(logits, boxes, [0], BOX)
    for cost, logit in zip(costs[:, 0], logits[:, 0].astype(float), strict=True):
        p = 1 / (1 + math.exp(-logit))
        positive = 0.25 * (1 - p) ** 2 * -math.log(p + 1e-8)
        negative = 0.75 * p**2 * -math.log(1 - p + 1e-8)
        assert near(cost, positive - negative, dtype)


@pytest.mark.parametrize("gamma", [0, 1, 1.5, 2, 3])
def test_the_exponent_of_the_focal_loss(gamma):
    cost = DETRCost(kind="focal", alpha=1, gamma=gamma, eps=2.0**-40, **ONLY_CLASS)
    found = cost([[0.0]], BOX, [0], BOX)
    assert near(found, 0.5**gamma * -math.log(0.5 + 2.0**-40))
    cost = DETRCost(kind="focal", alpha=0, gamma=gamma, eps=2.0**-40, **ONLY_CLASS)
    assert near(cost([[0.0]], BOX, [0], BOX), 0.5**gamma * math.log(0.5 + 2.0**-40))


@pytest.mark.parametrize("kind", ["softmax", "focal"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_finite_logit_has_a_finite_cost(kind, dtype):
    largest = np.finfo(dtype).max
    logits = np.array([[largest, -largest], [-largest, largest], [800, -800]], dtype)
    boxes = np.array(BOX * 3, dtype)
    costs = DETRCost(kind=kind, **ONLY_CLASS)(logits, boxes, [0, 1], boxes[:2])
    if kind == "softmax":
        np.testing.assert_array_equal(costs, [[-1, 0], [0, -1], [-1, 0]])
    else:
        # 0.25 * -log(1e-8) where p is 0, and 0.75 * log(1e-8) where it is 1.
        low, high = 0.75 * math.log(1e-8), -0.25 * math.log(1e-8)
        assert near(costs, [[low, high], [high, low], [low, high]], dtype)


def test_the_boxes_cost_the_sum_of_their_differences():
    boxes, truths = [[0.5, 0.25, 1, 2], [0, 0, 0, 0]], [[0.25, 0.5, 2, 0.5], [1, 1, -1, 1]]
    costs = DETRCost(**ONLY_L1)([[0.0]] * 2, boxes, [0, 0], truths)
    np.testing.assert_array_equal(costs, [[3, 4.25], [3.25, 4]])


@pytest.mark.parametrize(
    ("box", "truth", "giou"),
    [
        # centre forms; U is the union, C the smallest box around both
        ([2, 2, 4, 4], [2, 2, 4, 4], 1),
        ([2, 2, 4, 4], [2, 2, 2, 2], 4 / 16),  # nested: C is U
        ([1, 1, 2, 2], [2, 1, 2, 2], 2 / 6),  # C is U too, 3 by 2
        ([1, 1, 2, 2], [2, 2, 2, 2], 1 / 7 - 2 / 9),  # C is 3 by 3, U is 7
        ([1, 1, 2, 2], [5, 1, 2, 2], -4 / 12),  # apart: C is 6 by 2, U is 8
        ([1, 1, 2, 2], [3, 1, 2, 2], 0),  # touching: C is U
        ([1, 1, 2, 2], [1, 1, 0, 0], 0),  # a point inside: IoU 0, C is U
        ([1, 1, 2, 2], [3, 1, 0, 0], -2 / 6),  # a point outside: C is 3 by 2
        ([1, 1, 0, 0], [1, 1, 0, 0], 0),  # C is 0
        ([1, 1, 0, 0], [3, 3, 0, 0], -1),  # U is 0, C is not
        ([1, 1, -2, -2], [1, 1, 2, 2], 0),  # inverted: area 0, and C is the other box
        ([1, 1, -4, -4], [1, 1, 2, 2], -12 / 16),  # its corners are in C all the same
    ],
)
def test_the_boxes_cost_minus_their_giou(box, truth, giou):
    for one, other in ((box, truth), (truth, box)):
        found = DETRCost(**ONLY_GIOU)([[0.0]], [one], [0], [other])
        assert near(found, -giou, units=2)
        exact = definition.DETRCost([[0.0]], [one], np.array([0]), [other], **ONLY_GIOU)
        assert near(float(exact[0, 0]), -giou, units=1)


def test_the_three_are_weighed_and_added():
    inputs = [[0.0, 0.0]], [[1, 1, 2, 2]], [1], [[2, 2, 2, 2]]
    # -0.5, 2 and -(1/7 - 2/9)
    assert near(DETRCost()(*inputs), -0.5 + 5 * 2 - 2 * (1 / 7 - 2 / 9))
    found = DETRCost(class_weight=2, l1_weight=3, giou_weight=4)(*inputs)
    assert near(found, -0.5 * 2 + 3 * 2 - 4 * (1 / 7 - 2 / 9))


def test_deformable_detr_has_the_focal_kind_with_weight_2():
    assert DETRCost.deformable() == DETRCost(2.0, 5.0, 2.0, "focal", 0.25, 2.0, 1e-8)


@pytest.mark.parametrize("kind", ["softmax", "focal"])
def test_a_truth_without_a_class_costs_what_its_box_costs(kind):
    cost = DETRCost(kind=kind, **ONLY_CLASS)
    np.testing.assert_array_equal(cost([[1.0, 5.0]], BOX, [-1], BOX), [[0]])
    np.testing.assert_array_equal(cost(np.zeros((1, 0)), BOX, [-1], BOX), [[0]])


def test_padding_costs_what_the_formula_says():
    padding = np.array([[-1.0, -1, -1, -1], [0, 0, 0, 0]])
    inputs = [[1.0, 0.5]], [[0.25, 0.25, 0.5, 0.5]], np.array([0, 1]), padding
    found = DETRCost()(*inputs)
    assert np.isfinite(found).all()
    assert near(found, definition.DETRCost(*inputs).astype(float))


ONE = {"logits": [[0.0]], "boxes": BOX, "labels": [0], "truths": BOX}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"logits": [[np.nan]]}, r"logits\[0, 0\] is nan, expected finite numbers"),
        ({"boxes": [[0, 0, np.inf, 1]]}, r"boxes\[0, 2\] is inf"),
        ({"truths": [[0, 0, 1, np.nan]]}, r"truths\[0, 3\] is nan"),
        ({"labels": [1]}, r"labels\[0\] is 1, expected a class from 0 to 0, or -1"),
        ({"labels": [0.5]}, r"labels\[0\] is 0.5, expected whole numbers"),
        ({"boxes": BOX * 2}, "boxes: expected 1 box, as many as logits, got 2"),
        ({"truths": BOX * 3}, "truths: expected 1 box, as many as labels, got 3"),
        ({"boxes": [[0, 0, 1]]}, "boxes: expected axis -1 to have length 4, got 3"),
        ({"logits": [0.0]}, r"logits: expected \(B, N, C\) or \(N, C\), got shape \(1,\)"),
        ({"logits": np.zeros((2, 1, 1)), "truths": np.zeros((3, 1, 4))}, "batch sizes differ"),
    ],
)
def test_what_is_none_of_its_inputs_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        DETRCost()(**{**ONE, **changed})


def test_what_is_no_real_is_refused():
    for name in ("logits", "boxes", "truths"):
        with pytest.raises(TypeError, match=f"{name}: expected float16, float32"):
            DETRCost()(**{**ONE, name: np.array(ONE[name], complex)})


@pytest.mark.parametrize(
    "name", ["class_weight", "l1_weight", "giou_weight", "alpha", "gamma", "eps"]
)
def test_parameters_are_finite_numbers(name):
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match=name):
            DETRCost(**{name: value})
    with pytest.raises(TypeError, match=f"{name}: expected a real number"):
        DETRCost(**{name: [1]})


def test_parameters_are_in_their_range():
    with pytest.raises(ValueError, match=r"alpha: expected a number from 0 to 1, got 1\.5"):
        DETRCost(alpha=1.5)
    with pytest.raises(ValueError, match=r"gamma: expected a number of at least 0, got -1\.0"):
        DETRCost(gamma=-1)
    with pytest.raises(ValueError, match=r"eps: expected a number above 0, got 0\.0"):
        DETRCost(eps=0)
    with pytest.raises(ValueError, match="kind: expected 'softmax' or 'focal', got 'sigmoid'"):
        DETRCost(kind="sigmoid")
    single = {name: np.float32(ONE[name]) for name in ("logits", "boxes", "truths")}
    with pytest.raises(ValueError, match="eps: 1e-300 vanishes in float32"):
        DETRCost(eps=1e-300)(**{**ONE, **single})
    with pytest.raises(ValueError, match=r"l1_weight: 1e\+300 does not fit float32"):
        DETRCost(l1_weight=1e300)(**{**ONE, **single})
