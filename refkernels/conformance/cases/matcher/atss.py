"""Cases of the matcher whose thresholds are a mean and a deviation (SPEC section 6).

Candidates, and which match an anchor gets of several, are comparisons of given numbers. Whether an
IoU reaches a threshold is decided by rounding where it lies within the bound of it: such decisions
are counted as ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array, computing_dtype
from refkernels.bounds.matcher import atss_threshold
from refkernels.conformance.cases.matcher.drawn import ious_of
from refkernels.conformance.cases.matcher.laws import (
    Run,
    alone_and_together,
    first_difference,
    relabelled,
    settled,
    twice,
)
from refkernels.conformance.cases.strategies import configurations, mixed_dtypes
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output, Reference
from refkernels.conformance.model.parameters import Parameters, Untried
from refkernels.definition.matcher import Spread, atss_candidates, atss_spread

__all__ = ["CORNERS", "OPERATORS"]

NAME = "ATSSMatcher"

PAIRS = ("ious", "distances", "inside")

CONFIG = configurations(
    topk=st.sampled_from([1, 2, 3, 3, 4, 9]),
    ddof=st.sampled_from([0, 1, 1, 2]),
)


@st.composite
def _pairs(draw: DrawFn, parameters: Parameters) -> Case:
    config = draw(parameters.options(CONFIG))
    topk = config.get("topk", 9)
    sizes = st.integers(0, 3) | st.integers(1, 5) | st.sampled_from([topk, topk + 1, 2 * topk + 1])
    levels = draw(st.lists(sizes, min_size=1, max_size=3).filter(sum))
    images = draw(st.none() | st.integers(1, 3))
    lead = () if images is None else (images,)
    shape = (*lead, sum(levels), draw(st.integers(1, 4)))
    if draw(st.booleans()) and np.prod(shape) <= 40:
        distances = _of(draw, st.sampled_from([1.0, 0.0, 2.0, 0.5, 3.0]), shape)
        ious = _of(draw, st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.3, 1.0]) | st.floats(0, 1), shape)
        inside = _of(draw, st.sampled_from([True, True, False]), shape)
    else:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        count = draw(st.sampled_from([2, 5, 1000]))
        distances = rng.integers(0, count, shape) / 4
        # What is near overlaps more, mostly. Of fewer values more are on a threshold.
        ious = np.clip(rng.random(shape) * 1.5 - distances / count, 0, 1)
        digits = draw(st.sampled_from([1, 2, 4, 0]))
        ious = np.round(ious * digits) / digits if digits else ious
        inside = rng.random(shape) < draw(st.sampled_from([1.0, 0.75, 0.75, 0.25]))
    for image in ious.reshape(-1, *shape[-2:]):
        for c in draw(st.lists(st.integers(0, shape[-1] - 1), max_size=2)):
            # All candidates are as good: each is on the threshold.
            image[:, c] = draw(st.sampled_from([0.0, 0.5, 0.3, 0.7, 1 / 3]))
            if draw(st.booleans()):  # or nearly so, and squares of IoUs lose what they differ by
                image[:, c] += np.arange(len(image)) % draw(st.integers(2, 5)) / 2048
    given = draw(mixed_dtypes({"ious": ious, "distances": distances}, "ious", "distances"))
    return Case(config, {**given, "inside": inside, "levels": np.array(levels)})


def _of(draw: DrawFn, value: st.SearchStrategy[Any], shape: tuple[int, ...]) -> Array:
    size = int(np.prod(shape))
    return np.array(draw(st.lists(value, min_size=size, max_size=size))).reshape(shape)


@dataclass
class _Thresholds:
    """The candidates of one image's ground truths, with their exact thresholds and bounds."""

    case: Case
    image: tuple[int, ...]
    dtype: Any
    by_squares: bool
    _known: dict[int, tuple[list[int], Spread, float]] = field(default_factory=dict)

    def of(self, c: int) -> tuple[list[int], Spread, float]:
        """Return what is known of a ground truth; only where it is asked for, which is seldom."""
        if c not in self._known:
            x, distances = (self.case.inputs[name][self.image][:, c] for name in PAIRS[:2])
            config = {"topk": 9, "ddof": 1, **self.case.config}
            candidates = atss_candidates(distances, self.case.inputs["levels"], config["topk"])
            values, ddof = x[candidates], config["ddof"]
            bound = atss_threshold(values, ddof, self.dtype, by_squares=self.by_squares)
            self._known[c] = candidates, atss_spread(values, ddof), bound
        return self._known[c]

    def may_match(self, row: int) -> set[int]:
        """Return what an anchor may be matched with, -1 for nothing."""
        ious, inside = (self.case.inputs[name][self.image][row] for name in ("ious", "inside"))
        surely, maybe = [], []
        for c in range(len(ious)):
            candidates, spread, bound = self.of(c)
            if not inside[c] or row not in candidates:
                continue
            value = Fraction(float(ious[c]))
            if not isfinite(bound):
                maybe.append(c)
                continue
            if spread.is_reached(value + Fraction(bound)):
                maybe.append(c)
            if spread.is_reached(value - Fraction(bound)):
                surely.append(c)
        # Whatever is sure to be positive is not left for less.
        best = max(surely, key=lambda c: (ious[c], -c), default=None)
        if best is None:
            return {-1, *maybe}
        return {c for c in maybe if (ious[c], -c) >= (ious[best], -best)}


class Adaptive(Operator):
    """ATSSMatcher: decisions are exact but for IoUs that rounding cannot tell from a threshold."""

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold matches to the thresholds, as far as the bound of the IoUs' dtype tells them."""
        dtype = computing_dtype(case.inputs["ious"].dtype)
        return self._judge(case, reference, outputs, dtype, by_squares=False)

    def judge_kernel(self, case: Case, reference: Reference) -> Disagreement | None:
        """Hold the kernel to its own bound, which is that of double precision."""
        if reference.exact is None:
            return None
        dtype = np.dtype(np.float64)
        return self._judge(case, reference, reference.kernel, dtype, by_squares=True)

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the anchors that the kernel decides otherwise."""
        return int(np.sum(outputs[0] != reference.kernel[0]))

    def _judge(
        self,
        case: Case,
        reference: Reference,
        outputs: tuple[Array, ...],
        dtype: Any,
        *,
        by_squares: bool,
    ) -> Disagreement | None:
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        (found,) = outputs
        (expected,) = reference.kernel if reference.exact is None else reference.exact
        known: dict[tuple[int, ...], _Thresholds] = {}
        for place in np.argwhere(found != expected).tolist():
            *image, row = place
            own = tuple(image)
            if own not in known:
                known[own] = _Thresholds(case, own, dtype, by_squares)
            allowed = known[own].may_match(row)
            value = found[tuple(place)]
            if value not in allowed:
                told = " or ".join(str(match) for match in sorted(allowed))
                count = int((found != expected).sum())
                return Disagreement(
                    "matches",
                    f"matches{place} is {value}, expected {told} ({count} of {found.size} differ)",
                )
        return None


def _matches(case: Case) -> tuple[Output, ...]:
    return (Output("matches", index=True),)


def _axes(case: Case) -> dict[str, str]:
    letters = "ABNM"[-case.inputs["ious"].ndim :]
    return {**dict.fromkeys(PAIRS, letters), "levels": "L"}


def _of_image(image: Image) -> Iterator[Case]:
    if not len(image.boxes):
        return
    anchors, boxes = image.anchors, image.boxes
    points = (anchors[:, :2] + anchors[:, 2:]) / 2
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    distances = np.sqrt(((points[:, None] - centres) ** 2).sum(-1))
    low, high = points[:, None] - boxes[:, :2], boxes[:, 2:] - points[:, None]
    pairs = {"ious": ious_of(image), "distances": distances}
    inside = np.minimum(low, high).min(-1) > 0.01
    half = len(anchors) // 2
    for config, levels in (({}, [half, len(anchors) - half]), ({"topk": 3}, [len(anchors)])):
        yield Case(config, {**pairs, "inside": inside, "levels": np.array(levels)})


LEVELS = np.array([12, 5, 7])

KNOWN: tuple[dict[str, Any], ...] = ({}, {"topk": 3}, {"topk": 2, "ddof": 0})


def _law_image(seed: int = 0) -> dict[str, Array]:
    """Return IoUs and distances that are all different."""
    rng = np.random.default_rng(seed)
    shape = (int(LEVELS.sum()), 6)
    ious, distances = (rng.permutation(shape[0] * shape[1]).reshape(shape) for _ in range(2))
    return {
        "ious": np.asarray(ious / 256, np.float32),
        "distances": np.asarray(distances, np.float32),
        "inside": rng.random(shape) < 0.75,
        "levels": LEVELS,
    }


def _images(config: Mapping[str, Any]) -> list[Case]:
    return [Case(config, _law_image(seed)) for seed in range(3)]


def _may_come_in_any_order(run: Run, parameters: Parameters) -> str | None:
    given, rng = _law_image(), np.random.default_rng(1)
    ends = np.cumsum(LEVELS)
    parts = [rng.permutation(np.arange(e - n, e)) for e, n in zip(ends, LEVELS, strict=True)]
    columns = rng.permutation(given["ious"].shape[1])
    for config in settled(parameters, *KNOWN):
        (matches,) = run(Case(config, given))
        for order in ([0, 1, 2], [2, 0, 1]):
            rows = np.concatenate([parts[k] for k in order])
            moved = {name: given[name][rows][:, columns] for name in PAIRS}
            (permuted,) = run(Case(config, {**moved, "levels": LEVELS[order]}))
            back = relabelled(permuted, columns)
            wrong = first_difference(matches[rows], back, f"levels {order} with {config}")
            if wrong is not None:
                return wrong
    return None


def _pads_without_effect(run: Run, parameters: Parameters) -> str | None:
    """Put ground truths that nothing is in, or overlaps, before, between and after others."""
    given = _law_image()
    for config in settled(parameters, *KNOWN):
        (matches,) = run(Case(config, given))
        for kept in (np.arange(6), np.arange(1, 7), np.r_[0:2, 4:8]):
            inputs: dict[str, Array] = {}
            for name in PAIRS:
                shape = (int(LEVELS.sum()), int(kept.max()) + 2)
                inputs[name] = np.zeros(shape, given[name].dtype)
                inputs[name][:, kept] = given[name]
            (found,) = run(Case(config, {**inputs, "levels": LEVELS}))
            wrong = first_difference(relabelled(matches, kept), found, str(config))
            if wrong is not None:
                return wrong
    return None


def _looks_at_the_order_of_distances(run: Run, parameters: Parameters) -> str | None:
    given = _law_image()
    for config in settled(parameters, *KNOWN):
        (matches,) = run(Case(config, given))
        for what, change in CHANGES.items():
            (found,) = run(Case(config, {**given, "distances": change(given["distances"])}))
            wrong = first_difference(matches, found, f"distances {what} with {config}")
            if wrong is not None:
                return wrong
    return None


CHANGES: dict[str, Callable[[Array], Array]] = {
    "squared": lambda x: x * x,
    "less 100": lambda x: x - 100,
    "of twice as much": lambda x: 2 * x,
}


def _leaves_far_anchors_out(run: Run, parameters: Parameters) -> str | None:
    """Put anchors behind those of each level that overlap all, but are farther than all."""
    given = _law_image()
    for config in settled(parameters, *KNOWN[1:]):
        if config.get("topk", 9) > LEVELS.min():
            raise Untried("it takes at least as many anchors on a level as there are candidates")
        (matches,) = run(Case(config, given))
        behind = np.cumsum(LEVELS)
        more = {
            name: np.insert(given[name], behind, value, axis=0)
            for name, value in (("ious", 1), ("distances", 1000), ("inside", True))
        }
        (found,) = run(Case(config, {**more, "levels": LEVELS + 1}))
        wrong = first_difference(np.insert(matches, behind, -1), found, str(config))
        if wrong is not None:
            return wrong
    return None


LAWS = (
    Law(
        "levels, their anchors and ground truths without ties may come in any order",
        _may_come_in_any_order,
    ),
    Law("a ground truth that overlaps nothing changes no match", _pads_without_effect),
    Law("distances count by their order alone", _looks_at_the_order_of_distances),
    Law("anchors that are too far to be candidates change no match", _leaves_far_anchors_out),
    alone_and_together(_images, PAIRS, *KNOWN),
    twice(_images, *KNOWN),
)


def _corners() -> Iterator[Case]:
    def column(ious: Any, levels: list[int], distances: Any = None) -> dict[str, Array]:
        """Return inputs of one ground truth that all anchors are inside of."""
        x = np.array(ious)[:, None]
        far = np.zeros_like(x) if distances is None else np.array(distances, np.float64)[:, None]
        inside = np.ones(x.shape, bool)
        return {"ious": x, "distances": far, "inside": inside, "levels": np.array(levels)}

    # On the threshold: one candidate, two of ddof 0, and all alike.
    for ddof in (0, 1, 2):
        yield Case({"topk": 1, "ddof": ddof}, column([0.5, 0.75], [1, 1]))
        yield Case({"topk": 1, "ddof": ddof}, column([0.7], [1]))
        yield Case({"topk": 2, "ddof": ddof}, column([0.25, 0.75, 0.75], [3]))
        yield Case({"ddof": ddof}, column([0.5] * 4, [4]))
        yield Case({"ddof": ddof}, column([0.0] * 4, [2, 2]))
    # Between the deviations of two divisors, and of none.
    for own in ([0.0, 0.0, 0.0, 0.5, 0.375], [0.125, 0.5, 0.25, 0.625, 0.5], [0.75, 0.5, 0.625]):
        for ddof in (0, 1, 2):
            yield Case({"ddof": ddof}, column(own, [len(own)]))
            # The same where a square of an IoU is beyond float32, or float64, on either side.
            for exponent in (-100, -600, 100, 600):
                scaled = np.ldexp(own, exponent)
                yield Case({"ddof": ddof}, column(scaled, [len(own)]))
    for ddof in (0, 1):
        yield Case({"ddof": ddof}, column([0.75 + k / 2048 for k in (0, 2, 1, 3, 0, 1)], [6]))
    # Distances of which no multiple is a number.
    for dtype in (np.float32, np.float64):
        given = column([0.75, 0.5, 0.25], [3], np.ldexp([3, 1, 2], np.finfo(dtype).maxexp - 2))
        given |= {name: given[name].astype(dtype) for name in ("ious", "distances")}
        yield Case({"topk": 2, "ddof": 2}, given)
    # Ties of distances at the end of the candidates, and levels that are empty or short.
    for levels in ([6], [3, 3], [0, 6, 0], [1, 5]):
        own = [0.75, 0.0, 0.25, 0.5, 0.0, 0.75]
        yield Case({"topk": 2}, column(own, levels, [1, 1, 1, 1, 0, 1]))
        yield Case({"topk": 3}, column(own, levels, [2, 1, 2, 1, 2, 1]))
    # Mean and deviation are just above the last, by less than half precision tells.
    near = [0.75439453125, 0.12115478515625, 0.2357177734375, 0.759765625]
    yield Case({"topk": 4, "ddof": 0}, column(near, [4]))
    # What double precision alone tells apart: which anchors are near, which IoU is larger.
    bit = 2.0**-40
    yield Case({}, column([0.875, 0.75, *[0.0] * 8], [10], [1 + bit, 1, *[0.5] * 8]))
    both = {name: np.zeros((1, 2)) for name in ("ious", "distances")}
    both["ious"][:] = [0.5, 0.5 + bit]
    yield Case({}, {**both, "inside": np.ones((1, 2), bool), "levels": np.array([1])})
    # More anchors than 16 bits count.
    last = np.arange(65537) == 65536
    yield Case({}, column(np.where(last, 0.875, 0.0), [65537], np.where(last, 0.0, 1.0)))
    rng = np.random.default_rng(0)
    # More anchors than a block of threads, more ground truths, and images.
    for lead, levels, truths in (
        ((), [4099, 1030, 257], 3),
        ((), [300], 1),
        ((), [13, 5], 301),
        ((67,), [7, 4], 2),
    ):
        shape = (*lead, sum(levels), truths)
        distances = rng.integers(0, 2000, shape) / 8
        ious = np.clip(rng.random(shape) - distances / 500, 0, 1)
        yield Case(
            {},
            {
                "ious": ious,
                "distances": distances,
                "inside": rng.random(shape) < 0.9,
                "levels": np.array(levels),
            },
        )


CORNERS = {NAME: _corners}

OPERATORS = (
    Adaptive(NAME, "matcher", _pairs, _matches, _axes, _of_image, laws=LAWS, has_block=False),
)
