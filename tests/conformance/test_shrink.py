"""A counterexample loses what it does not need."""

import numpy as np

from refkernels.conformance.shrink import shrink
from refkernels.conformance.spec import Case


def test_only_the_rows_that_matter_remain():
    x = np.arange(40.0).reshape(10, 4)
    case = Case({}, {"x": x})
    smallest, failure = shrink(
        case, {"x": "N4"}, lambda c: "has 24" if (c.inputs["x"] == 24).any() else None
    )
    assert failure == "has 24"
    assert smallest.inputs["x"].tolist() == [[24, 0, 0, 0]]


def test_arrays_that_share_a_letter_shrink_together():
    case = Case({}, {"a": np.zeros((4, 5, 4)), "b": np.zeros((4, 3, 4))})
    smallest, _ = shrink(case, {"a": "BN4", "b": "BM4"}, lambda c: "always")
    assert smallest.inputs["a"].shape == smallest.inputs["b"].shape == (1, 1, 4)


def test_a_parameter_that_does_not_matter_is_dropped():
    case = Case({"axis": 1, "fmt": "center"}, {"x": np.zeros((1, 4))})
    smallest, _ = shrink(case, {"x": "N4"}, lambda c: c.config.get("fmt"))
    assert smallest.config == {"fmt": "center"}


def test_values_become_plain_where_that_keeps_the_failure():
    case = Case({}, {"x": np.array([[0.3333, 2.71]])})
    smallest, _ = shrink(case, {"x": "NM"}, lambda c: (c.inputs["x"] > 2).any() or None)
    assert smallest.inputs["x"].tolist() == [[3.0]]


def test_what_cannot_be_smaller_stays():
    case = Case({}, {"x": np.array([[1.0]])})
    smallest, failure = shrink(case, {"x": "NM"}, lambda c: None)
    assert smallest is case
    assert failure is None


def test_without_time_nothing_is_made_smaller():
    case = Case({}, {"x": np.zeros((4, 4))})
    smallest, failure = shrink(case, {"x": "N4"}, lambda c: "always", 0)
    assert smallest is case
    assert failure is None


def test_infinity_is_left_as_it_is():
    case = Case({"low": -np.inf}, {"x": np.array([[np.inf]])})
    smallest, _ = shrink(case, {"x": "NM"}, lambda c: "low" in c.config or None)
    assert smallest.config == {"low": -np.inf}
    assert smallest.inputs["x"].tolist() == [[np.inf]]


def test_each_value_becomes_the_plainest_that_fails():
    case = Case({}, {"x": np.array([[-17.25, 812.5, 33.0]]), "label": np.array([5])})

    def examine(c):
        return (c.inputs["x"][0, 1] > 3 and c.inputs["label"][0] > 0) or None

    smallest, _ = shrink(case, {"x": "NM", "label": "N"}, examine)
    assert smallest.inputs["x"].tolist() == [[0, 4]]
    assert smallest.inputs["label"].tolist() == [1]


def test_parameters_become_plain_too():
    case = Case({"threshold": 0.734, "topk": 40, "axis": True}, {"x": np.array([1.0])})

    def examine(c):
        return (c.config.get("topk", 0) > 2 and c.config.get("threshold", 0) > 0) or None

    smallest, _ = shrink(case, {"x": "N"}, examine)
    assert smallest.config == {"threshold": 1.0, "topk": 3}
