"""A fixed configuration is checked as hard as one that is drawn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

import refkernels
from refkernels.conformance import Divergence, assert_conforms, offers, witness
from refkernels.conformance.cases import find
from refkernels.conformance.model.operator import Recipe
from refkernels.conformance.model.parameters import Parameters, Untried
from tests.conformance.test_strategies import SEARCH
from tests.planted.tables import PLANTED

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

FEW = settings(SEARCH, max_examples=15)

CONFIGS = {
    "BBoxCornerToCenter": {"axis": 2, "split": True},
    "BBoxSplit": {"axis": -3},
    "BBoxArea": {"axis": 1, "fmt": "center"},
    "BBoxBatchIOU": {"axis": 1, "offset": 0.7, "eps": 0.01},
    "BipartiteMatcher": {"threshold": 3.5, "is_ascend": True, "eps": 0.25},
    "MaximumMatcher": {"threshold": 0.001},
    "CompositeMatcher": {
        "matchers": [
            Recipe("BipartiteMatcher", {"share_max": False}),
            Recipe("MaximumMatcher", {"threshold": 0.613}),
        ]
    },
    "OHEMSampler": {"ratio": 2.5, "min_samples": 7, "thresh": 0.35},
    "QuotaSampler": {
        "num_sample": 64,
        "pos_thresh": 0.6,
        "neg_thresh_high": 0.4,
        "neg_thresh_low": 0.1,
        "pos_ratio": 0.25,
    },
    "NormalizedBoxCenterEncoder": {"stds": (0.1, 0.1, 0.2, 0.2)},
    "NormalizedPerClassBoxCenterEncoder": {"num_class": 20, "max_pos": 16},
    "NormalizedBoxCenterDecoder": {"clip": math.log(1000 / 16), "stds": (0.1, 0.1, 0.2, 0.2)},
    "MultiClassEncoder": {"ignore_label": 255},
    "MultiClassDecoder": {"axis": 1, "thresh": 0.05},
    "MultiPerClassDecoder": {"num_class": 21, "axis": 0},
    "CenterNetDecoder": {"topk": 100, "scale": 2.0},
    "SplitSampler": {"length": 1000, "num_parts": 3, "part_index": 2, "seed": 5},
    "SplitSortedBucketSampler": {"sort_keys": list(range(100)), "batch_size": 3, "mult": 2},
    "ConvPredictor": {"num_channel": 4, "kernel": (5, 1), "pad": (0, 2), "activation": "relu"},
    "FCPredictor": {"num_output": 7, "use_bias": False},
}


@pytest.mark.parametrize("name", list(CONFIGS))
def test_all_cases_are_drawn_for_it_and_the_operator_takes_them(name):
    operator = find(name)

    @FEW
    @given(operator.cases(Parameters(CONFIGS[name])))
    def are_valid(case):
        assert case.config == CONFIGS[name]
        operator.refer(case, ask_definition=False)

    are_valid()


@pytest.mark.parametrize("name", list(CONFIGS))
def test_the_operators_themselves_conform_with_it(name):
    result = assert_conforms(getattr(refkernels, name), name, config=CONFIGS[name], max_examples=20)
    assert result.verdict == "conforms"
    assert result.cases >= 1


class Above:
    """Matches above the threshold alone."""

    def __init__(self, threshold):
        self.threshold = threshold

    def __call__(self, x):
        match = np.argmax(x, axis=-1)
        best = np.max(x, axis=-1)
        return np.where(best > np.asarray(self.threshold, x.dtype), match, -1)


@pytest.mark.parametrize("threshold", [0.35, 0.613, 0.001, 0.5, 0.95, 7.25, -0.5])
def test_a_threshold_of_any_value_is_met_exactly(threshold):
    with pytest.raises(AssertionError, match=r"is -1, expected 0"):
        assert_conforms(Above(threshold), "MaximumMatcher", config={"threshold": threshold})


def test_a_limit_of_sides_that_is_forgotten_is_found():
    config = {"clip": math.log(1000 / 16)}
    with pytest.raises(AssertionError, match=r"boxes\[0, \d\] is .*, expected"):
        assert_conforms(
            refkernels.NormalizedBoxCenterDecoder(), "NormalizedBoxCenterDecoder", config=config
        )


LOTS = {"num_sample": 64, "pos_thresh": 0.6, "neg_thresh_high": 0.4}


class FirstBeyond(refkernels.QuotaSampler):
    """Is even with few candidates; takes the first ones where there are more."""

    limit = 0

    def __call__(self, matches, ious, *, rng=None):
        from refkernels.definition.sampler import QuotaSampler

        samples = super().__call__(matches, ious, rng=rng)
        if np.shape(matches)[-1] <= self.limit:
            return samples
        config = {name: getattr(self, name) for name in self.__dataclass_fields__}
        candidates, *quotas = QuotaSampler(matches, ious, **config)
        for image in np.ndindex(samples.shape[:-1]):
            for kind, quota in zip((1, -1), quotas, strict=True):
                places = np.flatnonzero(candidates[image] == kind)
                samples[image][places] = 0
                samples[image][places[: int(quota[image])]] = kind
        return samples


@pytest.mark.parametrize("limit", [9, 64, 4096])
def test_lots_that_are_uneven_beyond_some_size_break_a_law(limit):
    subject = type("Beyond", (FirstBeyond,), {"limit": limit})
    with pytest.raises(AssertionError, match=r"breaks the law that (lots are|every subset)"):
        assert_conforms(subject, "QuotaSampler", config=LOTS, max_examples=10)


def test_a_law_that_takes_other_parameters_is_told_as_not_tried():
    result = assert_conforms(
        refkernels.MaximumMatcher, "MaximumMatcher", config={"threshold": 0.3}, max_examples=5
    )
    assert result.untried == {
        "the law that a higher threshold takes matches away and changes none": (
            "it takes several thresholds"
        )
    }


def test_the_call_of_an_object_without_a_name_runs_and_says_what_belongs_there(capsys):
    with pytest.raises(AssertionError) as error:
        assert_conforms(Above(0.35), "MaximumMatcher", config={"threshold": 0.35})
    paste = str(error.value).split("\n\n")[1]
    assert "Above(threshold" not in paste
    exec(paste, {})
    assert "put in my place: Above of" in capsys.readouterr().out


above = Above(0.35)


def test_the_call_of_an_object_with_a_name_takes_it_by_its_name():
    with pytest.raises(AssertionError) as error:
        assert_conforms(above, "MaximumMatcher", config={"threshold": 0.35})
    assert f"from {__name__} import above" in str(error.value)
    assert "print(above(x))" in str(error.value)


def test_a_law_that_an_object_breaks_is_pasted_with_its_configuration():
    sampler = FirstBeyond(**LOTS)
    with pytest.raises(AssertionError) as error:
        assert_conforms(sampler, "QuotaSampler", config=LOTS, max_examples=5)
    assert "Parameters({'num_sample': 64" in str(error.value)


def no_match_at_one(x):
    """Agrees with a matcher at 0.5 but for what is 1, which it takes for an error."""
    match = refkernels.MaximumMatcher(0.5)(x)
    return np.where(np.max(x, axis=-1) >= 1, -1, match)


AT_ONE = Divergence(
    "MY-001",
    "MaximumMatcher",
    "An IoU of 1 is taken for an error.",
    when=lambda case: bool((case.inputs["x"].max(-1, initial=0) >= 1).any()),
    witness=witness({"threshold": 0.5}, x=[[1.0]]),
)


def test_an_accepted_difference_is_known_and_must_still_be_there():
    at = {"config": {"threshold": 0.5}, "max_examples": 20}
    with pytest.raises(AssertionError):
        assert_conforms(no_match_at_one, "MaximumMatcher", **at)
    result = assert_conforms(no_match_at_one, "MaximumMatcher", divergences=[AT_ONE], **at)
    assert result.verdict == "known"
    assert result.known["MY-001"] > 0
    with pytest.raises(AssertionError, match="MY-001 is stale: its witness conforms"):
        assert_conforms(
            refkernels.MaximumMatcher(0.5), "MaximumMatcher", divergences=[AT_ONE], **at
        )


def test_outside_of_what_is_offered_nothing_is_run():
    below = offers(inputs=lambda arrays: bool((arrays["x"] < 1).all()), dtypes=["float32"])
    result = assert_conforms(
        no_match_at_one,
        "MaximumMatcher",
        config={"threshold": 0.5},
        offers=below,
        max_examples=20,
    )
    assert result.dtypes == ("float32",)
    assert any("outside of what is offered" in why for why in result.untried.values())


def test_what_is_offered_is_said_by_predicates():
    with pytest.raises(TypeError, match="inputs: expected a callable, got 3"):
        offers(inputs=3)


def test_a_law_takes_what_a_function_has_no_parameter_for_from_nobody():
    with pytest.raises(Untried, match="it needs eps"):
        Parameters(offered=lambda name: name == "axis").of_law({"eps": 0})


def test_several_counterexamples_that_differ_are_shown_on_request():
    class Wrong(refkernels.BBoxBatchIOU):
        def __call__(self, a, b):
            ious = super().__call__(a, b)
            ious = ious + ious.dtype.type(1) if self.offset else ious
            return ious[..., :0] if self.axis == 1 else ious

    with pytest.raises(AssertionError) as error:
        assert_conforms(Wrong, "BBoxBatchIOU", keep_going=True, dtypes=["float32"])
    assert "has shape" in str(error.value)
    assert "offset=" in str(error.value)


def test_integers_that_an_operator_refuses_are_no_smaller_case():
    # Scores of 0.5 come in 64ths to what takes integers, and 32 is no score.
    swapped = next(own for own in PLANTED if own.id == "aligned-exponents-swapped")
    with pytest.raises(AssertionError, match="is no TaskAlignedMetric: target dissents"):
        assert_conforms(swapped.wrong(), swapped.operator, config=swapped.config)
