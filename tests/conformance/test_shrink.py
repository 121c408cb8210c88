"""A counterexample loses what it does not need."""

import numpy as np
import pytest

from refkernels.conformance.engine.shrink import Search, TimeIsUp
from refkernels.conformance.model.operator import Case, Recipe

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once


class Unranked:
    """No case is odder than another."""

    def oddness(self, case):
        return 0

    def standard(self, config):
        return ()

    ordinary = plainer = nearer = standard


def shrunk(case, axes, fails, ranking=None):
    """Return the smallest case that fails, and what is said of it."""

    def examine(candidate):
        return fails(candidate) or None

    search = Search(case, examine(case), lambda case: axes, examine, ranking or Unranked())
    search.run()
    return search.case, search.failure


def test_only_the_rows_that_matter_remain():
    case = Case({}, {"x": np.arange(40.0).reshape(10, 4)})
    smallest, failure = shrunk(
        case, {"x": "N4"}, lambda c: "has 24" if (c.inputs["x"] == 24).any() else None
    )
    assert failure == "has 24"
    assert smallest.inputs["x"].tolist() == [[24, 0, 0, 0]]


def test_arrays_that_share_a_letter_shrink_together():
    case = Case({}, {"a": np.zeros((4, 5, 4)), "b": np.zeros((4, 3, 4))})

    def fails(c):
        return c.inputs["a"].ndim == 3

    smallest, _ = shrunk(case, {"a": "BN4", "b": "BM4"}, fails)
    assert smallest.inputs["a"].shape == smallest.inputs["b"].shape == (1, 1, 4)


def test_a_batch_of_one_becomes_a_single_image():
    case = Case({}, {"a": np.zeros((3, 2, 4)), "b": np.zeros((1, 2, 4)), "rows": np.zeros((2, 2))})
    axes = {"a": "BN4", "b": "1M4", "rows": "N."}

    def of_letters(case):
        return {name: own[-case.inputs[name].ndim :] for name, own in axes.items()}

    search = Search(case, True, of_letters, lambda c: True, Unranked())
    search.run()
    shapes = {name: x.shape for name, x in search.case.inputs.items()}
    assert shapes == {"a": (1, 4), "b": (1, 4), "rows": (1, 2)}


def test_many_rows_that_are_needed_cost_no_more_than_few():
    case, tried = Case({}, {"x": np.zeros((1, 2200))}), []

    def fails(c):
        tried.append(c)
        return c.inputs["x"].shape[1] > 2048

    smallest, _ = shrunk(case, {"x": "NM"}, fails)
    assert smallest.inputs["x"].shape[1] < 2060
    assert len(tried) < 1000


def test_large_arrays_keep_the_numbers_that_matter():
    x = np.random.default_rng(0).random((1, 2000))
    smallest, _ = shrunk(Case({}, {"x": x}), {"x": ".."}, lambda c: c.inputs["x"][0, 700] > 0)
    assert np.count_nonzero(smallest.inputs["x"]) < 100


def test_a_parameter_that_does_not_matter_is_dropped():
    case = Case({"axis": 1, "fmt": "center"}, {"x": np.zeros((1, 4))})
    smallest, _ = shrunk(case, {"x": "N4"}, lambda c: c.config.get("fmt"))
    assert smallest.config == {"fmt": "center"}


def test_without_its_axis_an_array_has_it_at_the_end():
    case = Case({"axis": 0}, {"x": np.array([[1.0], [2], [3], [4]])})

    def fails(c):
        return c.inputs["x"].shape[c.config.get("axis", -1)] == 4 and c.inputs["x"].max() == 4

    smallest, _ = shrunk(case, {}, fails)
    assert smallest.config == {}
    assert smallest.inputs["x"].shape == (1, 4)


def test_values_become_plain_where_that_keeps_the_failure():
    case = Case({}, {"x": np.array([[0.3333, 2.71]])})
    smallest, _ = shrunk(case, {"x": "NM"}, lambda c: (c.inputs["x"] > 2).any())
    assert smallest.inputs["x"].tolist() == [[3.0]]


def test_what_cannot_be_smaller_stays():
    case = Case({}, {"x": np.array([[1.0]])})
    search = Search(case, "it fails", lambda c: {"x": "NM"}, lambda c: None, Unranked())
    search.run()
    assert search.case is case
    assert search.failure == "it fails"


def test_what_breaks_a_precondition_is_no_case():
    def fails(c):
        if len(c.inputs["x"]) < 2:
            raise ValueError("expected two")
        return True

    smallest, _ = shrunk(Case({}, {"x": np.ones(5)}), {"x": "N"}, fails)
    assert smallest.inputs["x"].tolist() == [0, 0]


def test_when_time_is_up_the_smallest_so_far_is_kept():
    left = iter([False, False, True])
    case = Case({}, {"x": np.zeros((8, 4))})
    search = Search(
        case, "it fails", lambda c: {"x": "N4"}, lambda c: "too", Unranked(), lambda: next(left)
    )
    with pytest.raises(TimeIsUp):
        search.run()
    assert search.case.inputs["x"].shape == (2, 4)
    assert search.failure == "too"


def test_no_case_is_tried_twice():
    tried = []

    def fails(c):
        tried.append((str(c.config), c.inputs["x"].tobytes(), c.inputs["x"].shape))
        return c.inputs["x"].sum() > 3

    shrunk(Case({"low": 0.7}, {"x": np.array([0.7, 3.9, 2.1])}), {"x": "N"}, fails)
    assert len(tried) == len(set(tried)) > 10


def test_infinity_is_left_as_it_is():
    case = Case({"low": -np.inf}, {"x": np.array([[np.inf]])})
    smallest, _ = shrunk(
        case, {"x": "NM"}, lambda c: "low" in c.config and np.isinf(c.inputs["x"]).all()
    )
    assert smallest.config == {"low": -np.inf}
    assert smallest.inputs["x"].tolist() == [[np.inf]]


def test_each_value_becomes_the_plainest_that_fails():
    case = Case({}, {"x": np.array([[-17.25, 812.5, 33.0]]), "label": np.array([5])})

    def fails(c):
        return c.inputs["x"][0, 1] > 3 and c.inputs["label"][0] > 0

    smallest, _ = shrunk(case, {"x": "NM", "label": "N"}, fails)
    assert smallest.inputs["x"].tolist() == [[0, 4]]
    assert smallest.inputs["label"].tolist() == [1]


def test_an_unsigned_number_becomes_none_below_0():
    case = Case({}, {"label": np.array([200, 7], np.uint8), "inside": np.array([True])})
    smallest, _ = shrunk(case, {}, lambda c: c.inputs["label"][0] > 1)
    assert smallest.inputs["label"].tolist() == [2, 0]
    assert smallest.inputs["inside"].tolist() in ([True], [False])


def test_parameters_become_plain_too():
    config = {"scale": 0.734, "topk": 40, "axis": True, "means": (0.5, -0.25), "keys": [3, 1, 2]}

    def fails(c):
        found = c.config
        return (
            found.get("topk", 0) > 2
            and found.get("scale", 0) > 0
            and found.get("means", (0, 0))[1] != 0
            and 2 in found.get("keys", ())
        )

    smallest, _ = shrunk(Case(config, {"x": np.array([1.0])}), {"x": "N"}, fails)
    assert smallest.config == {"scale": 1.0, "topk": 3, "means": (0.0, 1.0), "keys": [2]}


def test_operators_as_parameters_are_fewer_and_plainer():
    matchers = [
        Recipe("BipartiteMatcher", {"share_max": False}),
        Recipe("MaximumMatcher", {"threshold": 0.7125}),
        Recipe("BipartiteMatcher", {"threshold": 0.3, "share_max": False}),
    ]

    def fails(c):
        return any("share_max" in matcher.config for matcher in c.config["matchers"])

    smallest, _ = shrunk(Case({"matchers": matchers}, {"x": np.zeros(1)}), {}, fails)
    assert smallest.config == {"matchers": [Recipe("BipartiteMatcher", {"share_max": False})]}

    def fails_at_thresholds(c):
        return all(matcher.config.get("threshold", 0) > 0.2 for matcher in c.config["matchers"])

    smallest, _ = shrunk(
        Case({"matchers": matchers[1:]}, {"x": np.zeros(1)}), {}, fails_at_thresholds
    )
    assert [matcher.config for matcher in smallest.config["matchers"]] == [{"threshold": 0.5}]


def test_a_threshold_goes_to_a_half_with_all_that_is_at_it():
    at = 0.9127555772777217
    case = Case({"threshold": at}, {"x": np.array([at, float(np.float32(at)), 0.25])})

    def fails(c):
        return c.inputs["x"][0] == c.config.get("threshold")

    smallest, _ = shrunk(case, {}, fails)
    assert smallest.config == {"threshold": 0.5}
    assert smallest.inputs["x"].tolist() == [0.5, 0, 0]


def test_dtypes_that_do_not_matter_are_the_usual_ones():
    names = {"a": np.float32, "b": np.float16, "c": np.int8, "d": np.uint8, "e": np.int64}
    case = Case({}, {name: np.ones(1, dtype) for name, dtype in names.items()})
    smallest, _ = shrunk(case, {}, lambda c: c.inputs["d"].dtype == np.uint8)
    dtypes = [x.dtype.name for x in smallest.inputs.values()]
    assert dtypes == ["float64", "float64", "int64", "uint8", "int64"]


class NoOddNumbers(Unranked):
    """A case is the odder the more odd numbers it has."""

    def oddness(self, case):
        return int((case.inputs["x"] % 2).sum())

    def plainer(self, case):
        yield Case({}, {"x": case.inputs["x"] // 2 * 2})


def test_what_is_odd_becomes_plain_where_it_fails_too():
    case = Case({}, {"x": np.array([7.0, 13.0, 8.0])})
    smallest, _ = shrunk(case, {}, lambda c: c.inputs["x"].sum() > 5, NoOddNumbers())
    assert smallest.inputs["x"].tolist() == [0, 0, 6]


def test_what_is_plain_becomes_no_odder():
    case = Case({}, {"x": np.array([8.0])})
    smallest, _ = shrunk(case, {}, lambda c: c.inputs["x"][0] > 2, NoOddNumbers())
    assert smallest.inputs["x"].tolist() == [4]


class OneThatIsStandard(Unranked):
    def standard(self, config):
        yield Case(config, {"x": np.array([1.0])})
        yield Case(config, {"x": np.array([2.0])})


def test_a_standard_case_that_fails_takes_the_place_of_a_larger_one():
    case = Case({}, {"x": np.arange(20.0)})
    search = Search(
        case, "it", lambda c: {}, lambda c: c.inputs["x"].max() > 1 or None, OneThatIsStandard()
    )
    assert search.replace()
    assert search.case.inputs["x"].tolist() == [2]


def test_a_standard_case_takes_the_place_of_no_smaller_one():
    case = Case({}, {"x": np.array([])})
    search = Search(case, "it", lambda c: {}, lambda c: "too", OneThatIsStandard())
    assert not search.replace()
    assert search.case is case
