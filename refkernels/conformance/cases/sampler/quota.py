"""Cases of the samplers that fill quotas by lot (SPEC section 3).

What must hold whatever is drawn is checked on every case, and the distribution by laws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from refkernels.arrays import Array
from refkernels.conformance.cases.sampler.lots import laws_of_lots
from refkernels.conformance.cases.sampler.matches import (
    axes,
    matches_and_ious,
    of_image,
    rows_of,
    samples,
)
from refkernels.conformance.cases.strategies import thresholds
from refkernels.conformance.model.compare import Disagreement, compare_exact
from refkernels.conformance.model.operator import Case, Operator, Reference, as_outputs
from refkernels.conformance.model.parameters import Parameters

if TYPE_CHECKING:
    pass

__all__ = ["OPERATORS", "custom_defaults"]


LOTTERY = st.fixed_dictionaries(
    {
        "num_sample": st.integers(1, 8) | st.sampled_from([10, 10, 30, 100]),
        "pos_thresh": thresholds(),
        "neg_thresh_high": thresholds(),
    },
    optional={
        "neg_thresh_low": st.sampled_from([-np.inf, 0.0, 0.1, -1.0]),
        "pos_ratio": st.sampled_from([0.5, 0.25, 0.1, 0.0, 1.0, 0.8, 0.9, 0.45]),
        "fill_negative": st.sampled_from([False, True, False]),
    },
)


@st.composite
def _lottery(draw: DrawFn, parameters: Parameters) -> Case:
    config: dict[str, Any] = draw(parameters.options(LOTTERY))
    if parameters.may_set("neg_ratio") and draw(st.integers(0, 3)) == 3:
        most = 1 - config.get("pos_ratio", 0.5)
        config["neg_ratio"] = draw(st.sampled_from([most, 0.0, most / 2, None]))
    names = ("neg_thresh_high", "pos_thresh")
    if all(map(parameters.may_set, names)) and draw(st.booleans()):
        # No IoU is high enough for a positive and low enough for a negative.
        config.update(zip(names, sorted(config[name] for name in names), strict=True))
    return Case(config, draw(_matches_for(config, parameters)))


def _matches_for(config: Mapping[str, Any], parameters: Parameters) -> SearchStrategy[Any]:
    """Draw matches and IoUs about the thresholds of a configuration."""
    at = [config["pos_thresh"], config.get("neg_thresh_high", 0.5)]
    if parameters.fixed is None:
        return st.sampled_from(at).flatmap(matches_and_ious)
    low = config.get("neg_thresh_low", -np.inf)
    at += [low] if low >= 0 else []
    quota = config["num_sample"]
    return st.permutations(at).flatmap(lambda order: matches_and_ious(*order, quota=quota))


@st.composite
def _sound_lottery(draw: DrawFn, parameters: Parameters) -> Case:
    """Draw what detectors are given: one threshold, and matches of what reaches it."""
    if parameters.fixed is not None:
        config = dict(parameters.fixed)
        at = (config["pos_thresh"], config.get("neg_thresh_high", 0.5))
        inputs = matches_and_ious(*at, sound=True, quota=config["num_sample"])
        return Case(config, draw(inputs))
    threshold = 0.5 if draw(st.booleans()) else draw(thresholds())
    options = st.fixed_dictionaries(
        {
            "num_sample": st.integers(1, 8),
            "pos_thresh": st.just(threshold),
            "neg_thresh_high": st.just(threshold),
        },
        optional={"pos_ratio": st.sampled_from([0.5, 0.25])},
    )
    # 1 - 0.8 and 1 - 0.9 are less than 0.2 and 0.1.
    rounded = st.fixed_dictionaries(
        {
            "num_sample": st.just(10),
            "pos_thresh": st.just(threshold),
            "neg_thresh_high": st.just(threshold),
            "pos_ratio": st.sampled_from([0.8, 0.9]),
            "fill_negative": st.just(False),
        }
    )
    config = draw(parameters.options(st.one_of(options, options, options, rounded)))
    return Case(config, draw(matches_and_ious(threshold, sound=True)))


@st.composite
def _custom_lottery(draw: DrawFn, parameters: Parameters) -> Case:
    case = draw(_lottery(parameters) | _sound_lottery(parameters))
    config = dict(case.config)
    if parameters.may_set("neg_thresh_high") and draw(st.booleans()):
        del config["neg_thresh_high"]
    if parameters.may_set("neg_ratio") and draw(st.integers(0, 5)) == 5:
        config["neg_ratio"] = None  # what is the default all the same
    inputs = dict(case.inputs)
    if draw(st.integers(0, 3)) < 3:  # the dtype of the IoUs
        inputs["matches"] = inputs["matches"].astype(np.float64)
    return Case(config, inputs)


# The kernel draws on from call to call, as a block does.
LOTS = np.random.default_rng(0)


class Lottery(Operator):
    """QuotaSampler: quotas, subsets and what must stay are exact; the rest is drawn."""

    def refer(self, case: Case, *, ask_definition: bool | None = None) -> Reference:
        """Return the facts of the definition, and one draw of the kernel."""
        kernel = as_outputs(self.build(case)(*case.inputs.values(), rng=LOTS))
        if ask_definition is False:
            return Reference(None, kernel)
        return Reference(self.define(case), kernel)

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold a draw to what must hold of every draw."""
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        (samples,) = outputs
        facts = reference.exact if reference.exact is not None else self.define(case)
        candidates, max_pos, max_neg = (np.asarray(fact) for fact in facts)
        kept = np.where(samples == 0, 0, candidates)
        wrong = compare_exact("samples", samples, kept, None)
        if wrong is not None:
            return wrong
        rows = zip(
            rows_of(samples),
            rows_of(candidates),
            np.atleast_1d(max_pos),
            np.atleast_1d(max_neg),
            strict=True,
        )
        for image, (sample, candidate, *quotas) in enumerate(rows):
            for kind, quota in zip((1, -1), quotas, strict=True):
                want = min(int((candidate == kind).sum()), int(quota))
                found = int((sample == kind).sum())
                if found != want:
                    name = "positives" if kind == 1 else "negatives"
                    return Disagreement(
                        "samples",
                        f"image {image} keeps {found} {name}, expected {want} (quota {quota} of "
                        f"{int((candidate == kind).sum())})",
                    )
        return None


class CustomLottery(Lottery):
    """QuotaSampler as a custom operator of MXNet, which has defaults of its own."""

    @property
    def kernel(self) -> Any:
        """The NumPy operator's class."""
        from refkernels.sampler import QuotaSampler

        return QuotaSampler

    @property
    def definition(self) -> Callable[..., Any]:
        """The function that defines the operator."""
        from refkernels.definition.sampler import QuotaSampler

        return QuotaSampler

    def build(self, case: Case) -> Any:
        """Build the NumPy operator of a case."""
        return super().build(custom_defaults(case))

    def define(self, case: Case) -> tuple[Array, ...]:
        """Ask the definition for the candidates and quotas."""
        return super().define(custom_defaults(case))


def custom_defaults(case: Case) -> Case:
    """Return a case of the custom operator with the defaults that differ from the block's."""
    return Case({"neg_thresh_high": 0.5, "neg_thresh_low": 0.0, **case.config}, case.inputs)


RPN = {"num_sample": 256, "pos_thresh": 0.7, "neg_thresh_high": 0.3}

OPERATORS = (
    Lottery(
        "QuotaSampler",
        "sampler",
        lambda parameters: _lottery(parameters) | _sound_lottery(parameters),
        samples,
        axes,
        of_image(RPN),
        random=True,
        laws=laws_of_lots("QuotaSampler"),
    ),
    CustomLottery(
        "QuotaSamplerProp",
        "sampler",
        _custom_lottery,
        samples,
        axes,
        of_image({"num_sample": 256, "pos_thresh": 0.7}),
        random=True,
        calling="custom",
        laws=laws_of_lots("QuotaSamplerProp"),
    ),
)
