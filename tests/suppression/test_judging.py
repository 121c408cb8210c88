"""A choice of boxes is judged by what it lets stay itself, and either one is right on the edge."""

import re

import numpy as np
import pytest

from refkernels.conformance.cases import find
from refkernels.conformance.model.operator import Case

# With the first: IoUs of 3/4, 1/2 and 0.
BOXES = np.array([[0, 0, 4, 4], [0, 0, 4, 3], [0, 0, 4, 2], [8, 8, 9, 9]], np.float64)


def judged(indices, **changes):
    """What is wrong with a choice among `BOXES` at 0.5, where 0, 2 and 3 are to stay."""
    inputs = {"boxes": BOXES, "scores": np.array([0.9, 0.8, 0.7, 0.6]), **changes}
    operator, case = find("NMS"), Case({"threshold": 0.5}, inputs)
    outputs = indices if isinstance(indices, tuple) else (np.array(indices),)
    wrong = operator.judge(case, operator.refer(case), outputs)
    return None if wrong is None else wrong.what


@pytest.mark.parametrize(
    ("indices", "what"),
    [
        ([0, 2, 3], None),
        ([0.0, 2.0, 3.0], None),
        ([0, 1, 2, 3], "box 1 stays, whose IoU with 0, which stays before it, is 0.75, over 0.5"),
        ([0, 3], "box 2 is left out, whose largest IoU with one that stays before it is 0.5"),
        ([2, 3], "box 0 is left out"),
        ([0, 3, 2], "indices has 3 of score 0.6 before 2 of score 0.7"),
        ([0, 2, 2, 3], "indices has 2 more than once"),
        ([0, 2, 4], r"indices\[2\] is 4, expected one from 0 to 3"),
        ([0, 2, -1], r"indices\[2\] is -1"),
        ([0, 2.5, 3], r"indices\[1\] is 2.5"),
        ([[0, 2, 3]], r"indices has shape \(1, 3\), expected one axis"),
        ((np.array([0, 2, 3]),) * 2, "2 outputs, expected 1"),
    ],
)
def test_a_choice_is_judged_by_what_it_lets_stay_itself(indices, what):
    found = judged(indices)
    assert found is None if what is None else re.search(what, found)


def test_a_box_without_extent_must_stay():
    flat = BOXES.copy()
    flat[3, 3] = flat[3, 1]
    assert "box 3 is left out, which has no extent" in judged([0, 2], boxes=flat)


def test_either_decision_is_right_where_rounding_decides():
    operator = find("NMS")
    # An IoU of nearly 1/3, of rounded areas; what follows from either choice is held to it.
    boxes = np.array([[0, 0, 3, 1], [0, 0, 1, 1], [0, 0, 0.75, 1]]) * np.tile([0.1, 0.7], 2)
    case = Case({"threshold": 1 / 3}, {"boxes": boxes, "scores": np.array([3.0, 2, 1])})
    case = case.astype(np.dtype(np.float32))
    reference = operator.refer(case)
    for indices, ambiguous in (([0, 1], 0), ([0, 2], 2)):
        outputs = (np.array(indices),)
        assert operator.judge(case, reference, outputs) is None
        assert operator.count_ambiguous(case, reference, outputs) == ambiguous
    for indices in ([0], [0, 1, 2]):
        assert operator.judge(case, reference, (np.array(indices),)) is not None
    # Of 1/2 nothing is rounded: it is not over the threshold.
    half = Case({"threshold": 0.5}, {**case.inputs, "boxes": np.float32([[0, 0, 2, 1]] * 3)})
    half.inputs["boxes"][1, 2] = 1
    assert operator.judge(half, operator.refer(half), (np.array([0]),)) is not None
    assert operator.judge(half, operator.refer(half), (np.array([0, 1]),)) is None
