"""How SimOTAMatcher is judged: what depends on a sum that rounding decides is ambiguous."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels.bounds.assignment import sum_of_ious
from refkernels.conformance.cases import find
from refkernels.conformance.model.operator import Case, Reference
from refkernels.conformance.model.parameters import FREE


@given(
    st.lists(st.floats(0, 1, width=16) | st.sampled_from([0.3, 1.0, 0.7]), max_size=12),
    st.sampled_from([np.float32, np.float64]),
    st.randoms(use_true_random=False),
)
def test_a_sum_in_any_order_is_within_its_bound(values, dtype, random):
    values = np.array(values, dtype).tolist()
    exact, bound = sum(map(Fraction, values), Fraction(0)), sum_of_ious(values, dtype)
    for _ in range(3):
        random.shuffle(values)
        total = dtype(0)
        for value in values:
            total += dtype(value)
        assert abs(Fraction(float(total)) - exact) <= bound


def test_the_bound_of_a_sum_is_tight():
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(500):
        values = rng.random(rng.integers(2, 11)).astype(np.float32)
        total = np.float32(0)
        for value in values:
            total += value
        error = abs(Fraction(float(total)) - sum(map(Fraction, values.tolist())))
        bound = sum_of_ious(values.tolist(), np.float32)
        worst = max(worst, float(error / bound) if bound else 0)
    assert 1 / 50 < worst < 1


def test_the_bound_of_a_sum_is_0_where_nothing_rounds():
    assert sum_of_ious([], np.float32) == 0
    assert sum_of_ious([0.1], np.float32) == 0
    assert sum_of_ious([0.25, 0.75, 1.0] * 5, np.float16) == 0
    assert sum_of_ious([float(np.float32(0.1))] * 2, np.float32) > 0
    assert sum_of_ious([float(np.float32(0.1))] * 2, np.float64) == 0
    assert sum_of_ious([3e38, 1e38], np.float32) > 10**38


def judged(config, matches, cost, ious, **more):
    operator = find("SimOTAMatcher")
    case = Case(config, {"cost": cost, "ious": ious, **more})
    wrongs = []
    for ask in (True, False):
        reference = operator.refer(case, ask_definition=ask)
        wrong = operator.judge(case, reference, (np.array(matches),))
        wrongs.append(None if wrong is None else wrong.what)
    assert wrongs[0] == wrongs[1]
    return wrongs[0]


def test_what_depends_on_a_sum_that_may_be_rounded_to_a_whole_number_is_ambiguous():
    ious = np.full((10, 1), 0.1, np.float32)  # the sum is 1.00000001
    cost = np.arange(10, dtype=np.float32)[:, None]
    one, two = [0] + [-1] * 9, [0, 0] + [-1] * 8
    assert judged({}, one, cost, 2 * ious) is judged({}, two, cost, 2 * ious) is None
    assert judged({}, [0] * 3 + [-1] * 7, cost, 2 * ious) == (
        "matches[2] is 0, expected -1 (1 of 10 differ)"
    )
    assert judged({}, [-1, *two[1:]], cost, 2 * ious).startswith("matches[0] is -1, expected 0")
    # In float64 it is 2 for sure, and so it is on a grid.
    wide = (2 * ious).astype(np.float64)
    assert judged({}, two, cost, wide) is None
    assert judged({}, one, cost, wide) == "matches[1] is -1, expected 0 (1 of 10 differ)"
    assert judged({}, one, cost, np.float32([[0.5]] * 4 + [[0]] * 6)) is not None
    operator = find("SimOTAMatcher")
    case = Case({}, {"cost": cost, "ious": 2 * ious})
    reference = operator.refer(case)
    assert operator.count_ambiguous(case, reference, (np.array(two),)) == 0
    assert operator.count_ambiguous(case, reference, (np.array(one),)) == 1
    wrong = operator.judge(case, reference, (np.zeros(9, int),))
    assert wrong.what == "matches has shape (9,), expected (10,)"
    assert operator.judge_kernel(case, Reference(None, reference.kernel)) is None


def test_what_an_anchor_gets_of_several_that_may_select_it():
    # Two ground truths select anchor 0 for sure, or anchor 1 too, if the sum is 2.
    tenths = np.full((10, 2), 0.2, np.float32)
    cost = np.arange(20, dtype=np.float32).reshape(10, 2)
    cost[1] = [9, 0]
    cost[0] = [-1, -2]
    rest = [-1] * 8

    def allowed(config, first=None, second=None, **more):
        """What anchor 0, or with it given anchor 1, may be matched with."""
        given = [first, second]
        row = given.index(None)
        found = []
        for match in (-1, 0, 1):
            given[row] = match
            if judged(config, [*given, *rest], cost, tenths, **more) is None:
                found.append(match)
        return found

    for config in ({}, {"conflict": "selected"}):
        # Each selects anchor 0, which costs the second less, and the second perhaps anchor 1.
        cost[:2] = [[-1, -2], [9, 0]]
        assert allowed(config, second=1) == [1]
        assert allowed(config, 1) == [-1, 1]
        # Both perhaps select anchor 1, which costs the second less.
        cost[1] = [1, 0]
        assert allowed(config, 1) == [-1, 0, 1]
        # The second does for sure, and the first perhaps, which it costs less or more.
        cost[:2] = [[-1, 5], [0, 1]]
        assert allowed(config, 0) == [0, 1]
        cost[1] = [1, 0]
        assert allowed(config, 0) == [1]
        assert allowed(config, 0, valid=np.arange(10) < 1) == [-1]


@pytest.mark.parametrize("law", find("SimOTAMatcher").laws, ids=lambda law: law.name)
def test_a_law_holds_for_the_kernel_and_not_for_matches_that_are_drawn(law):
    operator, rng = find("SimOTAMatcher"), np.random.default_rng(0)
    assert law.check(operator.run_kernel, FREE) is None

    def drawn(case):
        cost = case.inputs["cost"]
        return (rng.integers(-1, cost.shape[-1], cost.shape[:-1]),)

    assert law.check(drawn, FREE) is not None
