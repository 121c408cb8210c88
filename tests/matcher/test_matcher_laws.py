"""The laws of the matchers of today's detectors: kernels keep them, and what breaks one is told."""

from itertools import count

import numpy as np
import pytest

from refkernels.conformance.cases import find
from refkernels.conformance.model.parameters import FREE, Parameters, Untried

NAMES = ("ThresholdMatcher", "PointMatcher", "ATSSMatcher")
LAWS = [(name, law) for name in NAMES for law in find(name).laws]
each_law = pytest.mark.parametrize(
    ("name", "law"), LAWS, ids=[f"{name}: {law.name}" for name, law in LAWS]
)

FIXED = {
    "ThresholdMatcher": [{"high": 0.4, "low": 0.2, "low_quality": "own"}, {"high": -0.5}],
    "PointMatcher": [{"radius": 0.25}, {"radius": 3.0, "inclusive": False}],
    "ATSSMatcher": [{"topk": 4, "ddof": 0}, {"topk": 1}],
}

# What says nothing of parameters that are fixed, or of these.
SILENT = {
    ("a higher threshold takes matches away and changes none", 0.4),
    ("a higher threshold takes matches away and changes none", -0.5),
}


@each_law
def test_the_kernel_keeps_the_law(name, law):
    operator = find(name)
    assert law.check(operator.run_kernel, FREE) is None
    for config in FIXED[name]:
        if (law.name, config.get("high")) in SILENT:
            with pytest.raises(Untried):
                law.check(operator.run_kernel, Parameters(config))
        else:
            assert law.check(operator.run_kernel, Parameters(config)) is None


@each_law
def test_what_has_another_result_each_time_breaks_the_law(name, law):
    numbers = count()

    def erratic(case):
        (matches,) = find(name).run_kernel(case)
        return (np.full(matches.shape, next(numbers)),)

    assert "goes from" in law.check(erratic, FREE) or "expected" in law.check(erratic, FREE)


@each_law
def test_matches_of_another_shape_break_the_law(name, law):
    numbers = count()

    def longer(case):
        (matches,) = find(name).run_kernel(case)
        return (np.zeros((*matches.shape, next(numbers) + 1), np.int64),)

    try:
        told = law.check(longer, FREE)
    except ValueError as error:  # which the engine takes for the law's answer too
        told = str(error)
    assert told


def test_a_flood_where_nothing_overlaps_is_told():
    (law,) = (own for own in find("ThresholdMatcher").laws if "overlaps nothing" in own.name)

    def flooded(case):
        (matches,) = find("ThresholdMatcher").run_kernel(case)
        return (matches if case.inputs["x"].any() else 0 * matches,)

    assert law.check(flooded, FREE).startswith("anchor 0 is matched where all is 0, with ")


def test_what_lacks_a_parameter_is_held_to_what_it_has():
    operator = find("ThresholdMatcher")
    only_high = Parameters(offered=lambda name: name == "high")
    seen = []

    def run(case):
        seen.append(dict(case.config))
        return operator.run_kernel(case)

    for law in operator.laws:
        if law.name == "a higher threshold takes matches away and changes none":
            with pytest.raises(Untried, match="it needs low"):
                law.check(run, only_high)
        else:
            assert law.check(run, only_high) is None
    assert {"high": 0.5} in seen
    assert all(list(config) == ["high"] for config in seen)


def test_far_anchors_change_nothing_only_where_levels_have_enough_others():
    (law,) = (law for law in find("ATSSMatcher").laws if "too far" in law.name)
    with pytest.raises(Untried, match="at least as many anchors"):
        law.check(find("ATSSMatcher").run_kernel, Parameters({"topk": 9}))
