"""Cases of the samplers (SPEC section 3).

OHEM decides by scores that every implementation rounds in its own way: anchors whose scores are
within the bound of each other may change places, and are counted as ambiguous. Quotas are filled by
lot: what must hold whatever is drawn is checked on every case, and the distribution by laws.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from typing import Any

import mpmath
import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array, computing_dtype
from refkernels.conformance import bounds
from refkernels.conformance.cases import split
from refkernels.conformance.cases.matcher import ious_of
from refkernels.conformance.compare import Disagreement, compare_exact
from refkernels.conformance.spec import (
    Case,
    Image,
    Law,
    Operator,
    Output,
    Reference,
    as_outputs,
)
from refkernels.conformance.strategies import (
    iou_matrices,
    seeded_iou_matrices,
    thresholds,
)

__all__ = ["OPERATORS"]

SMALL = st.integers(1, 6)
LARGE = st.integers(17, 60)
FEW = st.integers(1, 3)
BATCH = st.none() | st.integers(1, 3)
WHOLE = st.sampled_from([np.float32, np.int64, np.int32])


@st.composite
def _matches_and_ious(draw: DrawFn) -> dict[str, Array]:
    """Draw matches of anchors with IoUs, which may be given as their maxima."""
    images = draw(BATCH)
    batch = None if images is None else st.just(images)
    ious = draw(iou_matrices(SMALL, FEW, batch) | seeded_iou_matrices(LARGE, FEW, batch))
    ious = np.clip(ious, 0, 1)
    shape = ious.shape[:-1]
    size = int(np.prod(shape))
    if size > 24:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        matches = np.where(rng.random(shape) < draw(st.sampled_from([0.1, 0.5])), 0, -1)
    else:
        drawn = draw(st.lists(st.sampled_from([-1, 0]), min_size=size, max_size=size))
        matches = np.array(drawn).reshape(shape)
    if draw(st.booleans()):
        ious = ious.max(-1)
    return {"matches": matches.astype(draw(WHOLE)), "ious": ious}


@st.composite
def _matches(draw: DrawFn) -> Case:
    return Case({}, {"matches": draw(_matches_and_ious())["matches"]})


@st.composite
def _mining(draw: DrawFn) -> Case:
    config = draw(
        st.fixed_dictionaries(
            {"ratio": st.sampled_from([3.0, 1.0, 0.5, 1.5, 2.0])},
            optional={
                "min_samples": st.integers(0, 5),
                "thresh": thresholds(),
            },
        )
    )
    drawn = draw(_matches_and_ious())
    classes = draw(st.integers(1, 3) | st.just(20))
    shape = (*drawn["matches"].shape, classes + 1)
    size = int(np.prod(shape))
    if size > 40:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        spread = draw(st.sampled_from([1.0, 30.0]))
        logits = rng.normal(0, spread, shape)
        if draw(st.booleans()):
            logits = np.round(logits)
    else:
        level = st.sampled_from([0.0, 1.0, -1.0, 100.0, -1000.0, 30000.0]) | st.floats(-20, 20)
        logits = np.array(draw(st.lists(level, min_size=size, max_size=size))).reshape(shape)
    return Case(config, {"matches": drawn["matches"], "logits": logits, "ious": drawn["ious"]})


@st.composite
def _lottery(draw: DrawFn) -> Case:
    config = draw(
        st.fixed_dictionaries(
            {
                "num_sample": st.integers(1, 8) | st.just(30),
                "pos_thresh": thresholds(),
                "neg_thresh_high": thresholds(),
            },
            optional={
                "neg_thresh_low": st.sampled_from([-np.inf, 0.0, 0.1, -1.0]),
                "pos_ratio": st.sampled_from([0.5, 0.25, 0.1, 0.0, 1.0, 0.3]),
                "fill_negative": st.booleans(),
            },
        )
    )
    if draw(st.booleans()):
        most = 1 - config.get("pos_ratio", 0.5)
        config["neg_ratio"] = draw(st.sampled_from([most, 0.0, most / 2]))
    return Case(config, draw(_matches_and_ious()))


def _axes(case: Case) -> dict[str, str]:
    letters = {"matches": "N", "logits": "NC", "ious": "NM"}
    lead = "B" if case.inputs["matches"].ndim == 2 else ""
    return {name: (lead + letters[name])[: array.ndim] for name, array in case.inputs.items()}


def _samples(case: Case) -> tuple[Output, ...]:
    return (Output("samples", index=True),)


def _rows(array: Array) -> Array:
    return np.atleast_2d(array)


class Mining(Operator):
    """OHEMSampler: decisions are exact but for scores that rounding cannot tell apart."""

    def define(self, case: Case) -> tuple[Array, ...]:
        """Return exact scores, what is eligible, and the quotas."""
        from refkernels.definition.sampler import mining_facts

        arrays = [case.inputs[name] for name in ("matches", "logits", "ious")]
        scores, eligible, quotas = mining_facts(*arrays, **case.config)
        exact = np.array(
            [np.longdouble(mpmath.nstr(score, 30)) for score in scores.flat], np.longdouble
        )
        return exact.reshape(scores.shape), eligible, quotas

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold a selection to the quotas, and to the order of scores as far as bounds tell them."""
        (samples,) = outputs
        facts = reference.exact if reference.exact is not None else _mining_facts(case)
        scores, eligible, quotas = (np.asarray(fact) for fact in facts)
        matched = case.inputs["matches"] >= 0
        fixed = np.where(matched, 1, np.where(eligible, samples, 0))
        wrong = compare_exact("samples", samples, fixed, None)
        if wrong is None and not np.isin(samples, [-1, 0, 1]).all():
            wrong = Disagreement("samples", "samples holds values other than -1, 0 and 1")
        if wrong is not None:
            return wrong
        errors = _score_bounds(case)
        rows = zip(_rows(samples), _rows(scores), _rows(eligible), _rows(errors), strict=True)
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
                    f"image {image} has {len(taken)} negatives, expected {want} "
                    f"(quota {quota}, {int(able.sum())} eligible)",
                )
            if not len(taken) or not len(left):
                continue
            low, high = taken[:, None], left[None, :]
            gap = score[high] - score[low]
            worse = gap > error[high] + error[low]
            logits = case.inputs["logits"].reshape(-1, *case.inputs["logits"].shape[-2:])[image]
            # Only equal logits are sure to have equal scores as computed, not equal exact scores.
            for i, j in zip(*np.nonzero((gap == 0) & (high < low)), strict=True):
                worse[i, j] = np.array_equal(logits[taken[i]], logits[left[j]])
            if worse.any():
                i, j = np.unravel_index(int(np.argmax(worse)), worse.shape)
                return Disagreement(
                    "samples",
                    f"image {image} takes anchor {taken[i]} of score {float(score[taken[i]])!r} "
                    f"and leaves anchor {left[j]} of score {float(score[left[j]])!r}",
                )
        return None

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the anchors that exact scores would have decided otherwise."""
        return int(np.sum(outputs[0] != reference.kernel[0]))


def _mining_facts(case: Case) -> tuple[Array, Array, Array]:
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


def _score_bounds(case: Case) -> Array:
    """Bound the error of a score that is computed stably, in whichever of the usual ways.

    With m the largest logit and d = logit - m: a difference errs by u|d|, its exponential by that
    and 2 units in the last place, relative; the sum of C terms by the weighted mean of these and
    C u; its logarithm by the sum's relative error and 1 unit; and the sums with m and the
    background by u of their results and operands.
    """
    unit = bounds.roundoff(computing_dtype(case.inputs["logits"].dtype))
    logits = case.inputs["logits"].astype(np.float64)
    largest = logits.max(-1, keepdims=True)
    low = logits - largest
    weights = np.exp(low)
    total = weights.sum(-1)
    relative = (weights * (unit.u * np.abs(low) + 4 * unit.u)).sum(-1) / total
    log_total = np.log(total)
    m, background = largest[..., 0], logits[..., 0]
    score = m - background + log_total
    size = 2 * np.abs(log_total) + np.abs(m) + np.abs(background) + np.abs(log_total)
    error = relative + logits.shape[-1] * unit.u + unit.u * (size + 2 * np.abs(score))
    return np.asarray(error * bounds.SLACK)


class Lottery(Operator):
    """QuotaSampler: quotas, subsets and what must stay are exact; the rest is drawn."""

    def refer(self, case: Case, *, ask_definition: bool | None = None) -> Reference:
        """Return the facts of the definition, and one draw of the kernel."""
        kernel = as_outputs(self.build(case)(*case.inputs.values(), rng=0))
        if ask_definition is False:
            return Reference(None, kernel)
        return Reference(self.define(case), kernel)

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold a draw to what must hold of every draw."""
        (samples,) = outputs
        facts = reference.exact if reference.exact is not None else self.define(case)
        candidates, max_pos, max_neg = (np.asarray(fact) for fact in facts)
        kept = np.where(samples == 0, 0, candidates)
        wrong = compare_exact("samples", samples, kept, None)
        if wrong is not None:
            return wrong
        rows = zip(
            _rows(samples),
            _rows(candidates),
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


# A false alarm in less than one of a million runs: quantiles of chi-square at 1 - 1e-6 for 19 and
# for 99 degrees of freedom (mpmath, regularised incomplete gamma function).
LIMITS = {19: 63.68, 99: 180.8}
DRAWS = 20_000


def _law_case(images: int) -> Case:
    """Return many equal images: 6 positives for 3 places, 6 negatives for 3."""
    matches = np.tile(np.array([0, -1] * 6, np.float32), (images, 1))
    return Case(
        {"num_sample": 6, "pos_thresh": 0.7, "neg_thresh_high": 0.3},
        {"matches": matches, "ious": np.zeros((images, 12), np.float32)},
    )


def _subset_numbers(samples: Array, kind: int, size: int, quota: int) -> Array:
    """Return for each image the number of the subset that is kept, of all of that size."""
    where = slice(0, None, 2) if kind == 1 else slice(1, None, 2)
    numbers = {frozenset(s): i for i, s in enumerate(combinations(range(size), quota))}
    return np.array([numbers[frozenset(np.flatnonzero(row))] for row in samples[:, where] != 0])


def _chi_square(counts: Array, what: str) -> str | None:
    expected = counts.sum() / len(counts)
    statistic = float(((counts - expected) ** 2 / expected).sum())
    limit = LIMITS[len(counts) - 1]
    if statistic <= limit:
        return None
    return f"{what}: chi-square {statistic:.1f} over {len(counts)} cells, limit {limit}"


def _subsets_are_uniform(run: Callable[[Case], tuple[Array, ...]]) -> str | None:
    (samples,) = run(_law_case(DRAWS))
    for kind, name in ((1, "positives"), (-1, "negatives")):
        numbers = _subset_numbers(samples, kind, 6, 3)
        wrong = _chi_square(np.bincount(numbers, minlength=20), f"subsets of {name}")
        if wrong is not None:
            return wrong
    return None


def _images_are_independent(run: Callable[[Case], tuple[Array, ...]]) -> str | None:
    (samples,) = run(_law_case(2 * DRAWS))
    numbers = _subset_numbers(samples, 1, 6, 3) % 10
    pairs = numbers[0::2] * 10 + numbers[1::2]
    wrong = _chi_square(np.bincount(pairs, minlength=100), "subsets of neighbouring images")
    if wrong is not None:
        return wrong
    pairs = numbers * 10 + _subset_numbers(samples, -1, 6, 3) % 10
    return _chi_square(np.bincount(pairs, minlength=100), "positives against negatives")


LAWS = (
    Law("every subset of the quota's size is equally likely", _subsets_are_uniform),
    Law("images, and positives and negatives, are drawn independently", _images_are_independent),
)


def _of_image(config: dict[str, Any]) -> Any:
    def annotated(image: Image) -> Iterator[Case]:
        if len(image.boxes):
            from refkernels.matcher import MaximumMatcher

            ious = ious_of(image)
            yield Case(config, {"matches": MaximumMatcher(0.5)(ious), "ious": ious})

    return annotated


def _mining_of_image(image: Image) -> Iterable[Case]:
    for case in _of_image({"ratio": 3.0})(image):
        rng = np.random.default_rng(len(image.boxes))
        logits = rng.normal(0, 2, (len(image.anchors), 21))
        yield Case(
            case.config,
            {"matches": case.inputs["matches"], "logits": logits, "ious": case.inputs["ious"]},
        )


RPN = {"num_sample": 256, "pos_thresh": 0.7, "neg_thresh_high": 0.3}

OPERATORS = (
    Operator("NaiveSampler", "sampler", _matches, _samples, _axes),
    Mining("OHEMSampler", "sampler", _mining, _samples, _axes, _mining_of_image),
    Lottery(
        "QuotaSampler", "sampler", _lottery, _samples, _axes, _of_image(RPN), random=True, laws=LAWS
    ),
    *split.OPERATORS,
)
