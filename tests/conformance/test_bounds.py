"""Bounds are true (no kernel leaves them) and tight (errors come within a factor of 50)."""

import numpy as np
import pytest

from refkernels.bounds.arithmetic import Approximate, roundoff
from refkernels.conformance import cases
from refkernels.conformance.model.compare import error_ratio
from refkernels.conformance.model.operator import Case

RNG = np.random.default_rng(20)


def random_corners(shape):
    low = RNG.uniform(0, 100, (*shape, 2))
    return np.concatenate([low, low + RNG.uniform(1, 100, (*shape, 2))], -1)


def random_centers(shape):
    return np.concatenate([RNG.uniform(0, 100, (*shape, 2)), RNG.uniform(1, 100, (*shape, 2))], -1)


CASES = [
    ("BBoxCornerToCenter", Case({}, {"x": random_corners((60,))})),
    ("BBoxCenterToCorner", Case({}, {"x": random_centers((60,))})),
    ("BBoxArea", Case({}, {"x": random_corners((60,))})),
    ("BBoxArea", Case({"fmt": "center"}, {"x": random_centers((60,))})),
    ("BBoxBatchIOU", Case({}, {"a": random_corners((12,)), "b": random_corners((12,))})),
    ("BBoxBatchIOU", Case({"offset": 1}, {"a": random_corners((12,)), "b": random_corners((12,))})),
    (
        "BBoxBatchIOU",
        Case({"fmt": "center"}, {"a": random_centers((12,)), "b": random_centers((12,))}),
    ),
    *(
        (name, case)
        for name in ("BBoxBatchIOA", "BBoxBatchGIOU", "BBoxBatchDIOU", "BBoxBatchCIOU")
        for case in (
            Case({}, {"a": random_corners((12,)), "b": random_corners((12,))}),
            Case({"fmt": "center"}, {"a": random_centers((12,)), "b": random_centers((12,))}),
        )
    ),
    ("BBoxBatchIOA", Case({"offset": 1}, {"a": random_corners((12,)), "b": random_corners((12,))})),
]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_worst_error_lies_between_a_fiftieth_of_the_bound_and_the_bound(name, case, dtype):
    operator = cases.find(name)
    cast = case.astype(np.dtype(dtype))
    reference = operator.refer(cast, ask_definition=True)
    outputs = operator.outputs(cast)
    ratios = []
    for output, kernel, exact in zip(outputs, reference.kernel, reference.exact, strict=True):
        bound = np.broadcast_to(output.bound(cast, exact), kernel.shape)
        ratios += [
            error_ratio(float(k), e, float(b), kernel.dtype)
            for k, e, b in zip(kernel.flat, exact.flat, bound.flat, strict=True)
        ]
    assert 1 / 50 <= max(ratios) <= 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_underflow_can_lose_is_never_zero(dtype):
    smallest = np.finfo(dtype).smallest_subnormal
    assert 0 < roundoff(dtype).eta <= float(smallest)
    assert float(dtype(0.25) * smallest) == 0  # it does lose something


def test_a_box_inside_of_a_far_larger_one_is_bounded_as_if_that_were_no_larger():
    # In centre form the edges of the larger one are off by more than the smaller one is large.
    small, large = np.float32([[1, 1, 2, 2]]), np.float32([[2e9, 1e9, 6e9, 6e9]])
    case = Case({"fmt": "center"}, {"a": small, "b": large})
    (output,) = cases.find("BBoxBatchIOA").outputs(case)
    assert output.bound(case, None).item() < 1e-5


@pytest.mark.parametrize("larger", [False, True])
def test_the_lesser_of_two_numbers_that_are_off_is_off_by_no_more_than_is_said(larger):
    pick, mine = (np.maximum, "larger") if larger else (np.minimum, "smaller")
    unit, offs = roundoff(np.float32), np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    for other in (-4.0, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, 9.0):
        for error, theirs in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 2.0), (0.25, 4.0)):
            found = getattr(Approximate(0.0, error, unit), mine)(Approximate(other, theirs, unit))
            computed = pick.outer(offs * error, other + offs * theirs)
            assert np.abs(computed - found.value).max() <= found.error
            assert found.error <= max(error, theirs)


@pytest.mark.parametrize("operator", ["BBoxBatchGIOU", "BBoxBatchDIOU", "BBoxBatchCIOU"])
def test_overlaps_of_the_largest_boxes_there_are_are_bounded_as_those_of_others(operator):
    end = np.finfo(np.float64).max
    boxes = np.array([[-end, -end, end, end], [-end, 0, end, end / 2], [0, -end, end / 4, end]])
    case = Case({}, {"a": boxes, "b": boxes[::-1]})
    (output,) = cases.find(operator).outputs(case)
    assert (output.bound(case, None) < 1e-14).all()
    # One that would itself lose digits beside the others has no bound but the largest number.
    small = boxes * 2.0**-1023 * np.tile([1, 2.0**-1000], 2)
    apart = Case({}, {"a": boxes, "b": small})
    assert (output.bound(apart, None) > 1).all()


@pytest.mark.parametrize("operator", ["BBoxBatchDIOU", "BBoxBatchCIOU"])
def test_lines_far_from_the_origin_are_no_less_sure_than_near_it(operator):
    # Their centres along x are ends, which nothing rounds.
    lines = np.float32([[2e33, 0, 2e33, 1], [2e33, 2, 2e33, 3]])
    (output,) = cases.find(operator).outputs(Case({}, {"a": lines, "b": lines}))
    assert (output.bound(Case({}, {"a": lines, "b": lines}), None) < 1e-6).all()


@pytest.mark.parametrize(
    "operator", ["BBoxBatchIOA", "BBoxBatchGIOU", "BBoxBatchDIOU", "BBoxBatchCIOU"]
)
@pytest.mark.parametrize("side", [1e-3, 1e3, 1e150])
def test_the_bound_of_a_pair_is_its_own_whatever_is_beside_it(operator, side):
    pair = np.array([[0, 0, 3, 4], [1, 1, 4, 6]]) * side
    end = np.finfo(np.float64).max
    beside = np.array([[-end, -end, end, end], [0, 0, end, end / 2]])

    def bound(a, b):
        case = Case({}, {"a": a, "b": b})
        (output,) = cases.find(operator).outputs(case)
        return output.bound(case, None)

    alone = bound(pair[:1], pair[1:])
    together = bound(np.concatenate([pair[:1], beside]), np.concatenate([pair[1:], beside]))
    assert alone[0, 0] < 1e-12
    assert together[0, 0] == alone[0, 0]
