"""HungarianMatcher: a matching of least total cost, which is certified exactly."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import CompositeMatcher, HungarianMatcher, MaximumMatcher
from refkernels.bounds.assignment import total_cost
from refkernels.conformance.cases import find
from refkernels.conformance.cases.matcher.hungarian import SHAPES, law_image
from refkernels.conformance.model.operator import Case, Reference
from refkernels.conformance.model.parameters import FREE
from refkernels.definition import matcher as definition
from refkernels.definition.matcher import hungarian
from tests.compiled import needs_compiler

DTYPES = [np.float16, np.float32, np.float64]


def all_matrices(values, *shape):
    """Every matrix of this shape over the values, one after the other."""
    size = int(np.prod(shape))
    numbers = np.arange(len(values) ** size)[:, None]
    return np.asarray(values)[numbers // len(values) ** np.arange(size) % len(values)].reshape(
        -1, *shape
    )


def least_of_all(cost):
    """The least total of each matrix (B, N, M), of all its matchings."""
    if cost.shape[1] > cost.shape[2]:
        cost = cost.swapaxes(1, 2)
    rows = np.arange(cost.shape[1])
    columns = itertools.permutations(range(cost.shape[2]), cost.shape[1])
    return np.min([cost[:, rows, list(own)].sum(-1) for own in columns], axis=0)


def is_one_to_one(matches, count, truths):
    """Whether matches (B, N) are so, and of full size."""
    often = np.stack([(matches == c).sum(-1) for c in range(truths)])
    return ((matches >= 0).sum(-1) == min(count, truths)).all() and (often <= 1).all()


def totals(cost, matches):
    """The total of each matrix (B, N, M)."""
    assert is_one_to_one(matches, *cost.shape[1:])
    matched = matches >= 0
    chosen = np.take_along_axis(cost, np.maximum(matches, 0)[..., None], -1)[..., 0]
    return np.where(matched, chosen, 0).sum(-1)


def exact_total(cost, matches):
    assert is_one_to_one(matches[None], *cost.shape)
    pairs = [(r, c) for r, c in enumerate(matches.tolist()) if c >= 0]
    return sum((Fraction(float(cost[pair])) for pair in pairs), Fraction(0))


# All small inputs.


@needs_compiler
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 3), (3, 1), (2, 2), (2, 3), (3, 2), (2, 4), (4, 2), (3, 3)]
)
def test_all_costs_of_few_levels(shape):
    cost = all_matrices(np.float32([0, 1, 2, 3]), *shape)
    assert np.array_equal(totals(cost, HungarianMatcher()(cost)), least_of_all(cost))
    some = cost[:: 1 + len(cost) // 5000]
    assert np.array_equal(definition.least_total(some).astype(float), least_of_all(some))


@needs_compiler
@pytest.mark.parametrize(("levels", "shape"), [(3, (3, 4)), (3, (4, 3)), (2, (4, 4))])
def test_all_larger_ones_of_fewer_levels(levels, shape):
    cost = all_matrices(np.float64([-1, 0, 1])[:levels], *shape)
    assert np.array_equal(totals(cost, HungarianMatcher()(cost)), least_of_all(cost))


# Any inputs.


@given(find("HungarianMatcher").cases(), st.sampled_from(DTYPES))
def test_its_total_is_the_least_but_for_rounding(case, dtype):
    operator = find("HungarianMatcher")
    cast = case.astype(dtype)
    wrong = operator.judge_kernel(cast, operator.refer(cast, ask_definition=True))
    assert wrong is None, wrong


def matrices(count, truths):
    rng = np.random.default_rng(0)
    steps = np.arange(1.0, count + 1)[:, None] * np.arange(1.0, truths + 1)
    yield rng.random((count, truths))
    yield rng.integers(0, 1000, (count, truths)) / 8
    yield rng.integers(0, 3, (count, truths)).astype(np.float64)
    yield steps
    yield -steps
    yield np.repeat(rng.random((1, truths)), count, 0)
    yield np.repeat(rng.random((count, 1)), truths, 1)
    yield np.ones((count, truths))
    yield rng.random((count, truths)) * 10.0 ** rng.integers(-150, 150, (count, truths))
    yield rng.random((count, 1)) + rng.random(truths)


@pytest.mark.parametrize(
    "shape",
    [
        (9, 150),
        *(pytest.param(own, marks=needs_compiler) for own in ((300, 50), (50, 300), (90, 90))),
        pytest.param((300, 100), marks=needs_compiler),
    ],
)
def test_large_matrices_are_certified(shape):
    for cost in matrices(*shape):
        excess = exact_total(cost, HungarianMatcher()(cost)) - definition.least_total(cost)[()]
        assert 0 <= excess <= total_cost(cost)


def test_costs_as_large_as_they_get():
    rng = np.random.default_rng(0)
    for scale in (1.7e308, 1e300, 1e-300, 5e-324):
        cost = np.sign(rng.normal(size=(6, 4))) * rng.random((6, 4)) * scale
        excess = exact_total(cost, HungarianMatcher()(cost)) - definition.least_total(cost)[()]
        assert 0 <= excess <= total_cost(cost)
    cost = np.array([[1.0, 2.0], [2.0, 5.0]], np.float32) * np.float32(6e37)
    assert HungarianMatcher()(cost).tolist() == [1, 0]
    # -7 + 8 is less than 13 - 11, though 13 less -7, and 8 less -11, are no numbers here.
    assert HungarianMatcher()(np.array([[-7, 13], [-11, 8]]) * 1e307).tolist() == [0, 1]


# Worked by hand.


def test_the_cheapest_pair_of_all_is_not_taken_if_the_rest_costs_more():
    # 0 + 4 is more than 1 + 2.
    assert HungarianMatcher()([[0, 1], [2, 4]]).tolist() == [1, 0]
    # 3 + 4 + 3: any other three of the pairs in rows and columns of their own cost more.
    cost = [[1, 2, 3], [2, 4, 6], [3, 6, 9]]
    assert HungarianMatcher()(cost).tolist() == [2, 1, 0]
    assert HungarianMatcher()(np.negative(cost)).tolist() == [0, 1, 2]


def test_as_many_pairs_are_matched_as_there_can_be_whatever_they_cost():
    cost = np.array([[9.0, 9.0], [7.0, 1.0], [8.0, 2.0], [9.0, 3.0]])
    # Ground truth 0 costs 8 and more without anchor 1, ground truth 1 then 1: 9, not 7 + 2.
    assert HungarianMatcher()(cost).tolist() in ([-1, 0, 1, -1], [-1, 1, 0, -1])
    cost[2, 0] = 8.5
    assert HungarianMatcher()(cost).tolist() == [-1, 0, 1, -1]
    assert HungarianMatcher()(cost.T).tolist() == [1, 2]
    assert HungarianMatcher()([[5.0]]).tolist() == [0]
    assert HungarianMatcher()([[5.0], [4.0], [6.0]]).tolist() == [-1, 0, -1]
    assert HungarianMatcher()([[5.0, 4.0, 6.0]]).tolist() == [1]


def test_ground_truths_that_cost_more_than_all_else_take_what_is_left():
    cost = np.array([[1.0, 2.0, 100.0], [2.0, 1.0, 100.0], [1.5, 1.5, 100.0]])
    assert HungarianMatcher()(cost).tolist() == [0, 1, 2]


def test_it_goes_into_a_composite():
    x = np.array([[0.9, 0.1], [0.8, 0.2], [0.0, 0.7]])
    # 0 and 0.1 are the least; then anchor 1 gets what it has most of.
    assert HungarianMatcher()(x).tolist() == [1, -1, 0]
    both = CompositeMatcher([HungarianMatcher(), MaximumMatcher(0.5)])
    assert both(x).tolist() == [1, 0, 0]


@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (0, 2, 3), (2, 0, 3), (2, 3, 0), (4, 0)])
def test_nothing_to_match_leaves_every_anchor_unmatched(shape):
    matches = HungarianMatcher()(np.zeros(shape, np.float32))
    assert matches.dtype == np.int64
    assert matches.shape == shape[:-1]
    assert (matches == -1).all()
    assert definition.HungarianMatcher(np.zeros(shape)).tolist() == matches.tolist()


def test_integers_are_matched_as_float64():
    cost = np.random.default_rng(0).integers(0, 200, (3, 9, 5))
    expected = HungarianMatcher()(cost.astype(np.float64)).tolist()
    for dtype in (np.uint8, np.int64):
        assert HungarianMatcher()(cost.astype(dtype)).tolist() == expected
    assert definition.least_total(cost).tolist() == least_of_all(cost).tolist()


# Errors.


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_finite_is_named_with_its_place(bad, dtype):
    cost = np.zeros((2, 20, 4), dtype)
    cost[0, 17, 3] = bad
    with pytest.raises(ValueError, match=rf"^cost\[0, 17, 3\] is {bad}, expected finite numbers$"):
        HungarianMatcher()(cost)


@pytest.mark.parametrize("cost", [3.0, [1.0, 2.0]])
def test_fewer_than_two_axes_are_an_error(cost):
    with pytest.raises(ValueError, match=r"^cost: expected at least 2 axes, got shape \("):
        HungarianMatcher()(cost)


@pytest.mark.parametrize("cost", [[["a"]], [[None]], [[1j]], np.zeros((2, 2), object)])
def test_what_is_not_real_is_an_error_that_names_the_dtype(cost):
    with pytest.raises(TypeError, match=r"^cost: expected float16, .* or integers, got dtype "):
        HungarianMatcher()(cost)


# Layouts, batches and calls.


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_layout_makes_no_difference_and_the_input_stays_as_it_is(dtype):
    cost = np.random.default_rng(1).integers(0, 9, (2, 30, 7)).astype(dtype)
    expected = HungarianMatcher()(cost)
    read_only = cost.copy()
    read_only.flags.writeable = False
    for layout in (
        read_only,
        np.asfortranarray(cost),
        np.repeat(cost, 2, axis=1)[:, ::2],
        np.flip(np.flip(cost).copy()),
        cost.astype(cost.dtype.newbyteorder(">")),
    ):
        before = layout.copy()
        for _ in range(2):
            assert np.array_equal(HungarianMatcher()(layout), expected)
        assert np.array_equal(layout, before)


@pytest.mark.parametrize("shape", [(20, 5), (5, 20), (12, 12)])
def test_an_image_has_the_same_matches_alone_and_in_a_batch(shape):
    cost = np.random.default_rng(2).integers(0, 4, (3, 2, *shape)) / 8
    batch = HungarianMatcher()(cost)
    for image in np.ndindex(3, 2):
        assert np.array_equal(HungarianMatcher()(cost[image]), batch[image])


# The definition's certificate.


@pytest.mark.parametrize("shape", [(6, 4), (5, 5), (4, 7)])
def test_the_definition_finds_what_a_comparison_of_all_matchings_does(shape):
    rng = np.random.default_rng(0)
    for cost in (
        rng.random((5, *shape)),
        rng.integers(-3, 4, (5, *shape)) / 4,
        rng.random((5, *shape)) * 10.0 ** rng.integers(-200, 200, (5, *shape)),
    ):
        exact = np.vectorize(Fraction, otypes=[object])(cost)
        assert definition.least_total(cost).tolist() == least_of_all(exact).tolist()


def test_a_matching_that_is_not_proved_to_be_least_is_an_error():
    cost = np.array([[0, 1, 9], [2, 4, 9]])
    p, q, good = np.array([1, 3]), np.array([-1, 0, 0]), np.array([1, 0, -1])
    hungarian._certify(cost, p, q, good)  # the total is 3, and so is that of p and q
    for bad in (
        (p, q, np.array([0, 1, -1])),  # another matching
        (p, q, np.array([1, -1, -1])),  # one row is left
        (p + 1, q, good),  # there are negative reduced costs
        (p - 1, q, good),  # those of the pairs are not 0
        (p - 1, q + 1, good),  # a potential is positive
        (p, q - [0, 0, 1], good),  # one of a column that is left is not 0
    ):
        with pytest.raises(AssertionError, match="not proved"):
            hungarian._certify(cost, *bad)


# The bound, the judge and the laws.


def test_the_bound_is_0_on_a_grid():
    rng = np.random.default_rng(0)
    for dtype in DTYPES:
        assert total_cost((rng.integers(-40, 40, (9, 5)) / 8).astype(dtype)) == 0
        assert total_cost(rng.random((9, 5)).astype(dtype)) > 0 or dtype == np.float16
    assert total_cost(rng.random((9, 5)).astype(np.float32).astype(np.float64)) == 0
    assert total_cost(np.zeros((0, 3))) == 0
    # No matching is worse than any other by more than the range, for each pair.
    assert total_cost(np.array([[3e38], [-3e38]], np.float32)) == 2 * Fraction(
        float(np.float32(3e38))
    )


def test_rounding_in_the_solver_stays_within_the_bound():
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(300):
        # All totals are equal, but for rounding of the costs.
        cost = rng.random((rng.integers(2, 5), 1)) * 10.0 ** rng.integers(0, 3) + rng.random(4)
        excess = exact_total(cost, HungarianMatcher()(cost)) - definition.least_total(cost)[()]
        worst = max(worst, float(excess / total_cost(cost)))
    assert 0 < worst < 1


def judged(cost, *matches):
    operator = find("HungarianMatcher")
    case = Case({}, {"cost": np.array(cost, np.float32)})
    reference = operator.refer(case)
    assert reference.exact is not None
    wrong = operator.judge(case, reference, (np.array(matches),))
    return None if wrong is None else wrong.what


def test_any_matching_of_least_total_is_right_and_no_other_is():
    ones = np.ones((3, 2))
    for matches in ([0, 1, -1], [1, -1, 0], [-1, 0, 1], [0.0, -1.0, 1.0]):
        assert judged(ones, *matches) is None
    assert judged(ones, 0, -1, -1) == "1 pairs are matched, expected 2"
    assert judged(ones, 0, 0, -1) == "ground truth 0 is matched with anchors [0, 1]"
    assert judged(ones, 0, 2, -1) == "matches[1] is 2, expected -1 to 1"
    assert judged(ones, 0, 0.5, -1) == "matches[1] is 0.5, expected -1 to 1"
    assert judged(ones, 0, 1) == "matches has shape (2,), expected (3,)"
    assert judged([[0, 1], [2, 4]], 0, 1) == "the total cost is 4.0, the least is 3.0"
    assert judged([[[0, 1], [1, 0]], [[0, 1], [2, 4]]], [0, 1], [0, 1]) == (
        "image 1: the total cost is 4.0, the least is 3.0"
    )
    assert judged([[0.1, 1], [2, 4]], 0, 1).startswith(
        "the total cost is 4.100000001490116, the least is 3.0; allowed is an excess of "
    )


def test_a_total_within_rounding_is_ambiguous():
    operator = find("HungarianMatcher")
    tenth = np.float32(0.1)
    case = Case({}, {"cost": np.array([[tenth, 1], [1, 2 - tenth]], np.float32)})
    for ask in (None, True, False):
        reference = operator.refer(case, ask_definition=ask)
        for matches in ([0, 1], [1, 0]):
            assert operator.judge(case, reference, (np.array(matches),)) is None
    ambiguous = [
        operator.count_ambiguous(case, reference, (np.array(m),)) for m in ([0, 1], [1, 0])
    ]
    assert sorted(ambiguous) == [0, 1]
    # The kernel is held to the bound of double precision, in which these are on a grid.
    assert operator.judge_kernel(case, operator.refer(case)) is None
    (least,) = operator.refer(case).exact
    other = Reference((least,), (1 - least,))
    assert operator.judge_kernel(case, other).what.startswith("the total cost is ")
    assert operator.judge_kernel(case, Reference(None, (1 - least,))) is None


def test_the_matrices_of_the_laws_have_one_matching_of_least_total():
    for cost in [*(law_image(seed) for seed in range(3)), *(law_image(0, s) for s in SHAPES)]:
        (least,), matches = definition.least_total(cost[None]), HungarianMatcher()(cost)
        for row in np.flatnonzero(matches >= 0):
            dearer = cost.copy()
            dearer[row, matches[row]] += 1000
            assert definition.least_total(dearer)[()] > least


@pytest.mark.parametrize("law", find("HungarianMatcher").laws, ids=lambda law: law.name)
def test_a_law_holds_for_the_kernel_and_not_for_matches_that_are_drawn(law):
    operator, rng = find("HungarianMatcher"), np.random.default_rng(0)
    assert law.check(operator.run_kernel, FREE) is None

    def drawn(case):
        cost = case.inputs["cost"]
        return (rng.integers(-1, cost.shape[-1], cost.shape[:-1]),)

    assert law.check(drawn, FREE) is not None
