"""SimOTAMatcher: equal to its definition, whose sums are exact."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import SimOTAMatcher
from refkernels.conformance.cases import find
from refkernels.definition import matcher as definition
from tests.compiled import needs_compiler

DTYPES = [np.float16, np.float32, np.float64]
CONFLICTS = ["all", "selected"]


def all_arrays(values, *shape):
    """Every array of this shape over the values, one after the other."""
    size = int(np.prod(shape))
    numbers = np.arange(len(values) ** size)[:, None]
    return np.asarray(values)[numbers // len(values) ** np.arange(size) % len(values)].reshape(
        -1, *shape
    )


def combined(*arrays):
    """Every combination of the entries of several arrays."""
    places = np.indices([len(array) for array in arrays]).reshape(len(arrays), -1)
    return [array[own] for array, own in zip(arrays, places, strict=True)]


def is_as_defined(*inputs, **options):
    return np.array_equal(
        SimOTAMatcher(**options)(*inputs), definition.SimOTAMatcher(*inputs, **options)
    )


def column(values):
    return np.array(values, np.float64)[:, None]


# All small inputs.


@pytest.mark.parametrize("topk", [1, 2, 3, 10])
def test_all_ious_and_valid_anchors_of_one_ground_truth(topk):
    ious, valid, cost = combined(
        all_arrays([0, 0.25, 0.5, 0.75], 4, 1),
        all_arrays([False, True], 4),
        np.array([[0, 1, 2, 3], [3, 1, 2, 0], [1, 1, 0, 0]])[..., None],
    )
    assert is_as_defined(cost.astype(np.float32), ious, valid, candidate_topk=topk)


@needs_compiler
@pytest.mark.parametrize("conflict", CONFLICTS)
@pytest.mark.parametrize("shape", [(1, 3), (2, 2), (2, 3), (3, 2)])
def test_all_costs_with_one_or_two_to_select(shape, conflict):
    count, truths = shape
    # Of 1/2 or 1 each the sum is 1 for two anchors, or 2 and more.
    shares = all_arrays([0.5 if count < 3 else 0.375, 1.0 if count < 3 else 0.75], truths)
    cost, share = combined(all_arrays([0.0, 1, 2, 3], count, truths), shares)
    ious = np.broadcast_to(share[:, None], cost.shape)
    assert is_as_defined(cost, ious, conflict=conflict)


@needs_compiler
@pytest.mark.parametrize("conflict", CONFLICTS)
@pytest.mark.parametrize("shares", [(0.75, 0.75, 0.75), (0.5, 0.75, 0.75)])
def test_all_three_anchors_and_ground_truths(shares, conflict):
    cost = all_arrays([0.0, 1, 2], 3, 3)
    assert is_as_defined(cost, np.broadcast_to(shares, cost.shape), conflict=conflict)


# Any inputs.


@given(find("SimOTAMatcher").cases(), st.sampled_from(DTYPES))
def test_it_is_what_its_definition_says(case, dtype):
    cast = case.astype(dtype)
    operator = find("SimOTAMatcher")
    reference = operator.refer(cast, ask_definition=True)
    assert operator.judge_kernel(cast, reference) is None
    # The kernel is exact beyond its bound: it sums in twice the digits.
    assert reference.kernel[0].tolist() == reference.exact[0].tolist()


def sorted_in(order, x):
    return {
        "any": x,
        "up": np.sort(x, -2),
        "down": np.sort(x, -2)[::-1],
        "equal": np.full_like(x, 0.5),
        "few": np.round(x * 3) / 3,
    }[order]


@pytest.mark.parametrize("order", ["any", "up", "down", "equal", "few"])
@pytest.mark.parametrize("shape", [(3000, 5), (130, 40), (20, 300), (500, 1)])
def test_many_anchors_in_any_order(shape, order):
    rng = np.random.default_rng(0)
    cost = sorted_in(order, rng.random(shape).astype(np.float32))
    ious = sorted_in(order, rng.random(shape).astype(np.float32))
    valid = rng.random(shape[0]) < 0.5
    for conflict, topk in itertools.product(CONFLICTS, (10, 40)):
        for mask in (None, valid):
            assert is_as_defined(cost, ious, mask, conflict=conflict, candidate_topk=topk)


# Worked by hand.


def test_as_many_anchors_are_selected_as_the_largest_ious_sum_to():
    cost, ious = column([3, 1, 4, 2, 0]), column([0.5, 0.75, 0.25, 0.5, 0.0])
    # The sum is 2: the two of least cost are anchors 4 and 1.
    assert SimOTAMatcher()(cost, ious).tolist() == [-1, 0, -1, -1, 0]
    # Of three IoUs it is 1.75, of one 0.75, which counts as 1.
    assert SimOTAMatcher(candidate_topk=3)(cost, ious).tolist() == [-1, -1, -1, -1, 0]
    assert SimOTAMatcher(candidate_topk=1)(cost, ious).tolist() == [-1, -1, -1, -1, 0]
    # 3.75 select three.
    ious[2] = 2
    assert SimOTAMatcher()(cost, ious).tolist() == [-1, 0, -1, 0, 0]


def test_one_is_selected_at_least_and_all_at_most():
    cost = column([2, 1, 3])
    for low in (0.0, -1.0, -1e300, -1.7e308):
        assert SimOTAMatcher()(cost, column([low] * 3)).tolist() == [-1, 0, -1]
    for high in (1.0, 5.0, 1e300, 1.7e308):
        assert SimOTAMatcher()(cost, column([high] * 3)).tolist() == [0, 0, 0]


def test_costs_that_tie_go_to_the_first_anchor():
    ious = column([0.5] * 4)  # 2
    assert SimOTAMatcher()(column([1, 0, 1, 1]), ious).tolist() == [0, 0, -1, -1]
    assert SimOTAMatcher()(column([1, 1, 1, 0]), ious).tolist() == [0, -1, -1, 0]


def test_an_anchor_of_several_gets_the_one_of_least_cost():
    # Ground truths 0 and 1 select anchor 0, ground truth 2 anchor 1, though anchor 0 costs it less
    # than it costs them.
    cost = np.array([[3.0, 2.0, 1.0], [9.0, 9.0, 0.0]])
    ious = np.zeros((2, 3))
    assert SimOTAMatcher()(cost, ious).tolist() == [2, 2]
    assert SimOTAMatcher(conflict="selected")(cost, ious).tolist() == [1, 2]
    cost[0] = [2, 2, 2]
    assert SimOTAMatcher()(cost, ious).tolist() == [0, 2]
    assert SimOTAMatcher(conflict="selected")(cost, ious).tolist() == [0, 2]


def test_anchors_that_are_not_valid_neither_count_nor_match():
    cost, ious = column([0, 1, 2, 3]), column([1.0, 0.5, 0.75, 0.75])
    assert SimOTAMatcher()(cost, ious).tolist() == [0, 0, 0, -1]
    assert SimOTAMatcher()(cost, ious, [False, True, True, True]).tolist() == [-1, 0, 0, -1]
    assert SimOTAMatcher()(cost, ious, [False, False, True, False]).tolist() == [-1, -1, 0, -1]
    assert SimOTAMatcher()(cost, ious, [False] * 4).tolist() == [-1] * 4


def test_a_sum_is_exact_where_it_meets_a_whole_number():
    cost = column(range(12))
    # Ten times 0.1 is a little more than 1 in float64, and so is 20 times 2; 0.7 is below 7/10.
    for iou, topk, many in ((0.1, 10, 1), (0.2, 10, 2), (0.7, 10, 6), (0.3, 10, 2)):
        exact = Fraction(iou) * topk
        assert int(exact) == many
        matches = SimOTAMatcher(candidate_topk=topk)(cost, column([iou] * 12))
        assert (matches == 0).sum() == many
    # A half and a half, less the smallest number there is.
    assert SimOTAMatcher()(cost[:4], column([1.0, 1.0, 0.0, -5e-324])).tolist() == [0, -1, -1, -1]
    assert SimOTAMatcher()(cost[:4], column([1.0, 1.0, 0.0, 5e-324])).tolist() == [0, 0, -1, -1]


def test_configurations_of_published_code():
    assert SimOTAMatcher.yolox() == SimOTAMatcher.mmdet() == SimOTAMatcher(10, "all")
    assert SimOTAMatcher.mmdet(13) == SimOTAMatcher(candidate_topk=13)


@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (0, 2, 3), (2, 0, 3), (2, 3, 0), (4, 0)])
def test_nothing_to_match_leaves_every_anchor_unmatched(shape):
    zeros = np.zeros(shape, np.float32)
    for valid in (None, np.ones(shape[:-1], bool)):
        matches = SimOTAMatcher()(zeros, zeros, valid)
        assert matches.dtype == np.int64
        assert matches.shape == shape[:-1]
        assert (matches == -1).all()


def test_cost_and_ious_may_differ_in_dtype():
    rng = np.random.default_rng(0)
    cost, ious = rng.random((20, 3)), rng.random((20, 3))
    for first, second in itertools.product((*DTYPES, np.int64), repeat=2):
        assert is_as_defined((cost * 9).astype(first), (ious * 2).astype(second))


# Errors.


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["cost", "ious"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_finite_is_named_with_its_place_valid_or_not(name, bad, dtype):
    inputs = {key: np.zeros((2, 20, 4), dtype) for key in ("cost", "ious")}
    inputs[name][0, 17, 3] = bad
    for valid in (None, np.zeros((2, 20), bool)):
        with pytest.raises(
            ValueError, match=rf"^{name}\[0, 17, 3\] is {bad}, expected finite numbers$"
        ):
            SimOTAMatcher()(**inputs, valid=valid)


GOOD = {"cost": np.zeros((3, 2)), "ious": np.zeros((3, 2)), "valid": np.ones(3, bool)}


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"cost": np.zeros(3)}, ValueError, r"cost: expected at least 2 axes, got shape \(3,\)"),
        ({"cost": [["a"]]}, TypeError, "cost: expected float16, .* got dtype <U1"),
        ({"cost": np.zeros((3, 2), object)}, TypeError, "cost: expected float16, .* dtype object"),
        ({"ious": np.zeros((3, 2), complex)}, TypeError, "ious: expected float16, .*"),
        (
            {"ious": np.zeros((2, 3))},
            ValueError,
            r"ious: expected the shape of cost, \(3, 2\), got \(2, 3\)",
        ),
        (
            {"valid": np.ones(2, bool)},
            ValueError,
            r"valid: expected one for each row of cost, \(3,\), got \(2,\)",
        ),
        (
            {"valid": np.ones((3, 2), bool)},
            ValueError,
            r"valid: expected one for each row of cost, \(3,\), got \(3, 2\)",
        ),
        ({"valid": [0, 1, 2]}, ValueError, r"valid\[2\] is 2, expected a mask of bools, .*"),
        ({"valid": ["a"] * 3}, TypeError, "valid: expected a mask of bools, got dtype <U1"),
    ],
)
def test_a_bad_input_is_an_error_that_names_it(wrong, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        SimOTAMatcher()(**{**GOOD, **wrong})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"candidate_topk": 0},
            ValueError,
            "candidate_topk: expected an integer of at least 1, .*",
        ),
        ({"candidate_topk": 2.0}, TypeError, r"candidate_topk: expected an integer, got 2\.0"),
        ({"conflict": "first"}, ValueError, "conflict: expected 'all' or 'selected', got 'first'"),
        ({"conflict": None}, TypeError, "conflict: expected 'all' or 'selected', got None"),
    ],
)
def test_a_bad_parameter_is_an_error_that_names_it(options, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        SimOTAMatcher(**options)


# Layouts, batches and calls.


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_layout_makes_no_difference_and_inputs_stay_as_they_are(dtype):
    rng = np.random.default_rng(1)
    cost, ious = rng.integers(0, 9, (2, 2, 30, 7)).astype(dtype)
    given = [cost, ious / 8, rng.random((2, 30)) < 0.8]
    expected = SimOTAMatcher()(*given)
    assert (expected >= 0).any()

    def read_only(x):
        x = x.copy()
        x.flags.writeable = False
        return x

    for layout in (
        read_only,
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: np.flip(np.flip(x).copy()),
        lambda x: x.astype(x.dtype.newbyteorder(">")),
    ):
        laid = [layout(x) for x in given]
        before = [x.copy() for x in laid]
        for _ in range(2):
            assert np.array_equal(SimOTAMatcher()(*laid), expected)
        assert all(map(np.array_equal, laid, before))


def test_an_image_has_the_same_matches_alone_and_in_a_batch():
    rng = np.random.default_rng(2)
    cost, ious = rng.integers(0, 9, (2, 3, 2, 20, 5)) / 8
    valid = rng.random((3, 2, 20)) < [[[0.8]], [[1.0]], [[0.1]]]
    batch = SimOTAMatcher()(cost, ious, valid)
    for image in np.ndindex(3, 2):
        alone = SimOTAMatcher()(cost[image], ious[image], valid[image])
        assert np.array_equal(alone, batch[image])
