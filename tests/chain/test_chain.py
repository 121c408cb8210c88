"""A chain is described once: what each operator takes and gives, and how it runs."""

import re
from inspect import signature

import numpy as np
import pytest

import refkernels
from refkernels.chain.chain import Chain, Stage
from refkernels.chain.published import NETWORKS, PRESETS
from refkernels.chain.roles import PLACE_OF, PLACES, place_of
from refkernels.cli.options import PRESETS as IN_HELP

BOXES = np.array([[0.0, 0.0, 8.0, 8.0], [10.0, 0.0, 14.0, 8.0]])


class Mine(refkernels.MaximumMatcher):
    """A matcher that derives from one of refkernels."""


class Own(refkernels.matcher.Matcher):
    """A matcher of somebody's own."""

    def __call__(self, x):
        return np.zeros(len(x), int)


@pytest.mark.parametrize("name", PLACE_OF)
def test_arguments_are_those_of_the_call(name):
    call = getattr(refkernels, name).__call__
    taken = [own for own in signature(call).parameters if own not in ("self", "rng", "out")]
    assert list(PLACE_OF[name].operators[name]) == taken


@pytest.mark.parametrize("preset", PRESETS)
def test_a_chain_runs_its_operators_one_after_the_other(preset):
    operators = dict(PRESETS[preset])
    operators["sampler"] = refkernels.NaiveSampler()
    made = Chain.of(operators).run({"anchors": BOXES, "boxes": BOXES[:1], "labels": np.array([4])})
    matches = operators["matcher"](operators["iou"](BOXES, BOXES[:1]))
    assert made["matches"].tolist() == matches.tolist() == [0, -1]
    assert made["samples"].tolist() == [1, -1]
    assert made["box_targets"].shape == (2, 4)


def test_a_class_of_ones_own_is_called_as_what_it_derives_from():
    assert Stage.of(Mine(0.5)).takes == ("ious",)
    matcher, sampler = PLACES[1], PLACES[2]
    assert matcher.needs(Own()) == ("ious",)  # as every matcher is
    with pytest.raises(TypeError, match=r"^sampler: expected NaiveSampler or Bal"):
        sampler.needs(object())
    with pytest.raises(TypeError, match="has no place in a chain"):
        place_of(object())


def test_help_names_the_presets_that_there_are():
    assert set(NETWORKS) <= set(re.findall(r"\w+", IN_HELP))
    assert set(PRESETS) <= set(NETWORKS)
