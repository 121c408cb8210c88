"""Cases of the samplers (SPEC section 3).

OHEM decides by scores that every implementation rounds in its own way: anchors whose scores are
within the bound of each other may change places, and are counted as ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import mpmath
import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.bounds import sampler as bounds
from refkernels.conformance.cases.sampler import balanced, split
from refkernels.conformance.cases.sampler import quota as by_quota
from refkernels.conformance.cases.sampler.matches import (
    axes,
    matches_and_ious,
    of_image,
    rows_of,
    samples,
)
from refkernels.conformance.cases.strategies import mixed_dtypes, thresholds
from refkernels.conformance.model.compare import Disagreement, compare_exact
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Reference
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["OPERATORS", "approximate_facts"]


LEAST = float(np.finfo(np.float64).tiny)

RATIO = st.sampled_from([3.0, 1.0, 0.5, 1.5, 2.0, 3.0, 1.0, 0.0, 1e-308]) | st.floats(1e-3, 4)


MINING = st.fixed_dictionaries({"ratio": RATIO}, optional={"min_samples": st.integers(0, 5)})


@st.composite
def _matches(draw: DrawFn, parameters: Parameters) -> Case:
    return Case({}, {"matches": draw(matches_and_ious(0.5))["matches"]})


def _neither_is_ignored(
    run: Callable[[Case], tuple[Array, ...]], parameters: Parameters
) -> str | None:
    """Give matches of -2, which only some matchers have: a target need not know them."""
    matches = np.array([[0, -1, -2, 3, -2], [-2, -2, -1, 1, 0]], np.float32)
    (samples,) = run(Case(parameters.of_law({}), {"matches": matches}))
    known = np.where(matches >= 0, 1, -1)
    if np.array_equal(samples, known):
        raise Untried("a match of -2 is not offered: it counts as one of -1")
    expected = np.where(matches == -2, 0, known)
    if np.array_equal(samples, expected):
        return None
    return f"samples of {matches.tolist()} are {samples.tolist()}, expected {expected.tolist()}"


@st.composite
def _mining(draw: DrawFn, parameters: Parameters) -> Case:
    config = draw(parameters.options(MINING))
    if parameters.may_set("thresh") and draw(st.integers(0, 2)):
        config["thresh"] = draw(thresholds())
    quota = None if parameters.fixed is None else config.get("min_samples", 0)
    drawn = draw(matches_and_ious(config.get("thresh", 0.5), quota=quota))
    classes = draw(st.integers(1, 3) | st.just(20))
    shape = (*drawn["matches"].shape, classes + 1)
    size = int(np.prod(shape))
    if size > 40:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        # A network that is not trained yet gives equal logits, and one that is, sure ones.
        logits = rng.normal(0, draw(st.sampled_from([1.0, 1.0, 30.0, 0.0])), shape)
        if draw(st.booleans()):
            logits = np.round(logits)
        logits[..., 0] += draw(st.sampled_from([0, 0, 0, 300, -300]))
    else:
        level = st.sampled_from([0.0, 1.0, -1.0, 100.0, -1000.0, 30000.0]) | st.floats(-20, 20)
        logits = np.array(draw(st.lists(level, min_size=size, max_size=size))).reshape(shape)
    inputs = {"matches": drawn["matches"], "logits": logits, "ious": drawn["ious"]}
    return Case(config, draw(mixed_dtypes(inputs, "logits", "ious")))


class Mining(Operator):
    """OHEMSampler: decisions are exact but for scores that rounding cannot tell apart."""

    def define(self, case: Case) -> tuple[Array, ...]:
        """Return exact scores, what is eligible, and the quotas."""
        from refkernels.definition.sampler import mining_facts

        arrays = [case.inputs[name] for name in ("matches", "logits", "ious")]
        scores, eligible, quotas = mining_facts(*arrays, **case.config)
        # A score may be smaller than any longdouble, which is no error: then it is 0.
        texts = [mpmath.nstr(score, 30) if score > LEAST else "0" for score in scores.flat]
        exact = np.array([np.longdouble(text) for text in texts], np.longdouble)
        return exact.reshape(scores.shape), eligible, quotas

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold a selection to the quotas, and to the order of scores as far as bounds tell them."""
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        (samples,) = outputs
        facts = reference.exact if reference.exact is not None else approximate_facts(case)
        scores, eligible, quotas = (np.asarray(fact) for fact in facts)
        matched = case.inputs["matches"] >= 0
        fixed = np.where(matched, 1, np.where(eligible, samples, 0))
        wrong = compare_exact("samples", samples, fixed, None)
        if wrong is None and not np.isin(samples, [-1, 0, 1]).all():
            wrong = Disagreement("samples", "samples holds values other than -1, 0 and 1")
        if wrong is not None:
            return wrong
        errors = bounds.mining_score(case.inputs["logits"])
        rows = zip(
            rows_of(samples), rows_of(scores), rows_of(eligible), rows_of(errors), strict=True
        )
        for image, ((sample, score, able, error), quota) in enumerate(
            zip(rows, np.atleast_1d(quotas), strict=True)
        ):
            taken, left = (
                np.flatnonzero(able & (sample == -1)),
                np.flatnonzero(able & (sample == 0)),
            )
            want = min(int(quota), int(able.sum()))
            if len(taken) != want:
                return Disagreement(
                    "samples",
                    f"image {image} has {times(len(taken), 'negative')}, expected {want} "
                    f"(quota {quota}, {int(able.sum())} eligible)",
                )
            if not len(taken) or not len(left):
                continue
            logits = case.inputs["logits"].reshape(-1, *case.inputs["logits"].shape[-2:])[image]
            # The surest of those that are left, and of those that are taken.
            high, low = (
                left[np.argmax((score - error)[left])],
                taken[np.argmin((score + error)[taken])],
            )
            if score[high] - error[high] <= score[low] + error[low]:
                high, low = _wrong_tie(logits, score, taken, left)
            if low >= 0:
                return Disagreement(
                    "samples",
                    f"image {image} takes anchor {low} of score {float(score[low])!r} "
                    f"and leaves anchor {high} of score {float(score[high])!r}",
                )
        return None

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the anchors that exact scores would have decided otherwise."""
        return int(np.sum(outputs[0] != reference.kernel[0]))


def _wrong_tie(logits: Array, score: Array, taken: Array, left: Array) -> tuple[int, int]:
    """Return an anchor that is left and a later one that is taken with equal logits, or -1, -1.

    Only equal logits are sure to have equal scores as computed, not equal exact scores.
    """
    rows = np.union1d(taken, left)
    rows = rows[np.isin(score[rows], np.intersect1d(score[taken], score[left]))]
    if not len(rows):
        return -1, -1
    group = np.unique(logits[rows], axis=0, return_inverse=True)[1].reshape(-1)
    is_taken = np.isin(rows, taken)
    first_left, last_taken = np.full(len(rows), len(score)), np.full(len(rows), -1)
    np.minimum.at(first_left, group[~is_taken], rows[~is_taken])
    np.maximum.at(last_taken, group[is_taken], rows[is_taken])
    wrong = np.flatnonzero(first_left < last_taken)
    return (int(first_left[wrong[0]]), int(last_taken[wrong[0]])) if len(wrong) else (-1, -1)


def approximate_facts(case: Case) -> tuple[Array, Array, Array]:
    """Return scores to 64 bits, what is eligible, and the quotas, for cases of any size."""
    logits = case.inputs["logits"].astype(np.longdouble)
    largest = logits.max(-1, keepdims=True)
    total = np.log(np.exp(logits - largest).sum(-1)) + largest[..., 0]
    matched = case.inputs["matches"] >= 0
    ious = case.inputs["ious"]
    maxima = ious if ious.ndim == matched.ndim else ious.max(-1)
    thresh = ious.dtype.type(case.config.get("thresh", 0.5))
    positives = matched.sum(-1)
    wanted = np.maximum(case.config.get("min_samples", 0), case.config["ratio"] * positives)
    quotas = np.minimum(wanted, matched.shape[-1] - positives).astype(np.int64)
    return total - logits[..., 0], ~matched & (maxima < thresh), quotas


def _mining_of_image(image: Image) -> Iterable[Case]:
    for case in of_image({"ratio": 3.0})(image):
        rng = np.random.default_rng(len(image.boxes))
        logits = rng.normal(0, 2, (len(image.anchors), 21))
        yield Case(
            case.config,
            {"matches": case.inputs["matches"], "logits": logits, "ious": case.inputs["ious"]},
        )


OPERATORS = (
    Operator(
        "NaiveSampler",
        "sampler",
        _matches,
        samples,
        axes,
        laws=(Law("a match of -2 is neither positive nor negative", _neither_is_ignored),),
        takes_integers=False,
    ),
    Mining("OHEMSampler", "sampler", _mining, samples, axes, _mining_of_image),
    *by_quota.OPERATORS,
    *balanced.OPERATORS,
    *split.OPERATORS,
)
