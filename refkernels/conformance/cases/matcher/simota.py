"""Cases of the matcher that sums IoUs to know how many anchors it selects (SPEC section 6).

Which anchors are selected, and which ground truth one gets of several, are comparisons of given
numbers. How many are selected is decided by rounding where a sum lies within its bound of a whole
number: what depends on that is counted as ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.bounds.assignment import sum_of_ious
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
from refkernels.conformance.model.parameters import Parameters
from refkernels.definition.matcher import sums_of_largest

__all__ = ["CORNERS", "OPERATORS"]

NAME = "SimOTAMatcher"

CONFIG = configurations(
    candidate_topk=st.sampled_from([1, 2, 3, 3, 5, 10, 13, 1000]),
    conflict=st.sampled_from(["all", "selected"]),
)

# What YOLOX adds to the cost of a pair that it does not want.
UNWANTED = 1e5


@st.composite
def _pairs(draw: DrawFn, parameters: Parameters) -> Case:
    config = draw(parameters.options(CONFIG))
    topk = config.get("candidate_topk", 10)
    images = draw(st.none() | st.integers(1, 3))
    lead = () if images is None else (images,)
    counts = st.integers(1, 6) | st.sampled_from([8, 17, min(topk, 30) + 1]) | st.integers(20, 40)
    shape = (*lead, draw(counts), draw(st.integers(1, 4) | st.integers(5, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ious = rng.random(shape)
    kind = draw(st.sampled_from(["quarters", "quarters", "tenths", "any", "few", "whole sums"]))
    if kind in ("quarters", "tenths"):
        ious = np.round(ious * 4) / 4 if kind == "quarters" else np.round(ious * 10) / 10
    elif kind == "few":
        ious *= rng.random(shape) < 0.2
    ious *= draw(st.sampled_from([1, 1, 1, 0.5]))
    if kind == "whole sums":
        largest = np.sort(ious, -2)[..., -topk:, :].sum(-2, keepdims=True)
        ious *= np.maximum(np.round(largest), 1) / largest
    levels = draw(st.sampled_from([1, 3, 3, 10, 1000]))
    cost = rng.integers(0, levels + 1, shape) / draw(st.sampled_from([1, 4]))
    if draw(st.booleans()):  # what overlaps more costs less, mostly
        cost = cost / levels + 3 * (1 - np.clip(ious, 0, 1))
    if draw(st.booleans()):
        cost = cost + UNWANTED * (rng.random(shape) < draw(st.sampled_from([0.3, 0.7, 1])))
    if draw(st.integers(0, 3)) == 3:
        cost = draw(st.sampled_from([-1.0, 1.0])) * cost - draw(st.sampled_from([0.0, 2.0]))
    inputs = draw(mixed_dtypes({"cost": cost, "ious": ious}, "cost", "ious"))
    share = draw(st.sampled_from([None, None, 1.0, 0.75, 0.5, 0.2, 0.0]))
    if share is not None:
        inputs["valid"] = rng.random(shape[:-1]) < share
    return Case(config, inputs)


class DynamicK(Operator):
    """SimOTAMatcher: decisions are exact but for sums that may be a whole number or just not."""

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold matches to the exact sums, as far as the bound of the IoUs' dtype tells them."""
        return self._judge(case, reference, outputs, case.inputs["ious"].dtype)

    def judge_kernel(self, case: Case, reference: Reference) -> Disagreement | None:
        """Hold the kernel to its own bound, which is that of double precision at most."""
        if reference.exact is None:
            return None
        return self._judge(case, reference, reference.kernel, np.dtype(np.float64))

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the anchors that the kernel decides otherwise."""
        return int(np.sum(outputs[0] != reference.kernel[0]))

    def _judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...], dtype: Any
    ) -> Disagreement | None:
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        (found,) = outputs
        (expected,) = reference.kernel if reference.exact is None else reference.exact
        known: dict[tuple[int, ...], _Selection] = {}
        for place in np.argwhere(found != expected).tolist():
            *image, row = place
            own = tuple(image)
            if own not in known:
                known[own] = _Selection(case, own, dtype)
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


class _Selection:
    """Which anchors of an image are selected, for sure or if a sum is rounded so."""

    def __init__(self, case: Case, image: tuple[int, ...], dtype: Any) -> None:
        self.cost = case.inputs["cost"][image]
        ious = case.inputs["ious"][image]
        valid = case.inputs.get("valid", np.ones(case.inputs["cost"].shape[:-1], bool))[image]
        topk = case.config.get("candidate_topk", 10)
        self.among_all = case.config.get("conflict", "all") == "all"
        sums = sums_of_largest(ious, valid, candidate_topk=topk)
        self.surely, self.maybe = np.zeros((2, *ious.shape), bool)
        rows = np.flatnonzero(valid)
        for c, total in enumerate(sums):
            largest = np.sort(ious[rows, c])[::-1][:topk].tolist()
            bound = sum_of_ious(largest, dtype)
            order = rows[np.argsort(self.cost[rows, c], kind="stable")]
            self.surely[order[: max(1, floor(total - bound))], c] = True
            self.maybe[order[: max(1, floor(total + bound))], c] = True

    def may_match(self, row: int) -> set[int]:
        """Return what an anchor may be matched with, -1 for nothing."""
        surely, maybe = (np.flatnonzero(own[row]).tolist() for own in (self.surely, self.maybe))

        def least(columns: list[int]) -> int:
            """Return the column where the anchor costs least, the lowest of equal ones."""
            return min(columns, key=lambda c: (self.cost[row, c], c))

        found = set() if surely else {-1}
        if not self.among_all:  # it gets what is sure, or anything of less cost
            return found | {c for c in maybe if least([c, *surely]) == c}
        if len(surely) < 2:  # there may be no conflict
            found |= set(surely or maybe)
        if len(maybe) > 1:
            found.add(least(list(range(self.cost.shape[1]))))
        return found


def _matches(case: Case) -> tuple[Output, ...]:
    return (Output("matches", index=True),)


def _axes(case: Case) -> dict[str, str]:
    letters = "ABNM"[-case.inputs["cost"].ndim :]
    own = {"cost": letters, "ious": letters, "valid": letters[:-1]}
    return {name: own[name] for name in case.inputs}


def _of_image(image: Image) -> Iterator[Case]:
    if not len(image.boxes):
        return
    ious = ious_of(image)
    points = (image.anchors[:, :2] + image.anchors[:, 2:]) / 2
    low, high = points[:, None] - image.boxes[:, :2], image.boxes[:, 2:] - points[:, None]
    inside = np.minimum(low, high).min(-1) > 0
    scores = np.random.default_rng(len(points)).random(ious.shape)
    cost = -np.log(scores + 1e-8) - 3 * np.log(ious + 1e-8) + UNWANTED * ~inside
    yield Case({}, {"cost": cost, "ious": ious})
    if inside.any():
        inputs = {"cost": cost, "ious": ious, "valid": inside.any(-1)}
        yield Case({"conflict": "selected", "candidate_topk": 3}, inputs)


KNOWN: tuple[dict[str, Any], ...] = (
    {},
    {"candidate_topk": 3},
    {"conflict": "selected"},
    {"candidate_topk": 5, "conflict": "selected"},
)


def _law_image(seed: int = 0) -> dict[str, Array]:
    """Return costs that are all different, and IoUs whose sums are exact and no whole numbers."""
    rng = np.random.default_rng(seed)
    shape = 24, 7
    cost = rng.permutation(shape[0] * shape[1]).reshape(shape)
    # The last are 1/256, and fewer than 256 of them are summed: so each sum has a fraction.
    ious = np.round(rng.random(shape) * 128) / 128
    ious[0] = 1 - 1 / 256
    ious = np.clip(ious, 1 / 128, 1 - 1 / 128)
    ious[0] = 1 - 1 / 256
    return {
        "cost": np.asarray(cost, np.float32),
        "ious": np.asarray(ious, np.float32),
        "valid": rng.random(shape[0]) < 0.75,
    }


def _with_first_valid(given: dict[str, Array]) -> dict[str, Array]:
    given["valid"][0] = True
    return given


def _images(config: Mapping[str, Any]) -> list[Case]:
    return [Case(config, _with_first_valid(_law_image(seed))) for seed in range(3)]


def _may_come_in_any_order(run: Run, parameters: Parameters) -> str | None:
    rng = np.random.default_rng(1)
    for config in settled(parameters, *KNOWN):
        for case in _images(config):
            cost, ious, valid = case.inputs.values()
            rows, columns = (rng.permutation(length) for length in cost.shape)
            moved = {name: x[rows][:, columns] for name, x in (("cost", cost), ("ious", ious))}
            for lacks in (False, True):
                own = {} if lacks else {"valid": valid}
                (matches,) = run(Case(config, {"cost": cost, "ious": ious, **own}))
                own = {} if lacks else {"valid": valid[rows]}
                (permuted,) = run(Case(config, {**moved, **own}))
                back = relabelled(permuted, columns)
                wrong = first_difference(matches[rows], back, str(config))
                if wrong is not None:
                    return wrong
    return None


def _leaves_invalid_anchors_out(run: Run, parameters: Parameters) -> str | None:
    """Give the valid anchors alone, and among others that would be better."""
    for config in settled(parameters, *KNOWN):
        for case in _images(config):
            cost, ious, valid = case.inputs.values()
            (among,) = run(
                Case(
                    config,
                    {
                        "cost": np.where(valid[:, None], cost, np.float32(-1)),
                        "ious": np.where(valid[:, None], ious, np.float32(1)),
                        "valid": valid,
                    },
                )
            )
            (alone,) = run(Case(config, {"cost": cost[valid], "ious": ious[valid]}))
            expected = np.full(len(valid), -1)
            expected[valid] = alone
            wrong = first_difference(expected, among, str(config))
            if wrong is not None:
                return wrong
    return None


def _selects_one_at_least(run: Run, parameters: Parameters) -> str | None:
    """Give ground truths that overlap nothing, each with an anchor that costs least."""
    cost = np.array([[1, 0, 2], [0, 3, 3], [4, 4, 0], [5, 5, 5]], np.float32)
    for config in settled(parameters, *KNOWN):
        (matches,) = run(Case(config, {"cost": cost, "ious": np.zeros_like(cost)}))
        wrong = first_difference([1, 0, 2, -1], matches, str(config))
        if wrong is not None:
            return wrong
    return None


def _looks_at_the_order_of_costs(run: Run, parameters: Parameters) -> str | None:
    for config in settled(parameters, *KNOWN):
        for case in _images(config):
            (matches,) = run(case)
            for change in (np.square, lambda x: x - 100, lambda x: 2 * x):
                changed = {**case.inputs, "cost": change(case.inputs["cost"])}
                (found,) = run(Case(config, changed))
                wrong = first_difference(matches, found, str(config))
                if wrong is not None:
                    return wrong
    return None


LAWS = (
    Law("anchors and ground truths without ties may come in any order", _may_come_in_any_order),
    Law("anchors that are not valid change no match", _leaves_invalid_anchors_out),
    Law("a ground truth that overlaps nothing gets an anchor all the same", _selects_one_at_least),
    Law("costs count by their order alone", _looks_at_the_order_of_costs),
    alone_and_together(_images, ("cost", "ious", "valid"), *KNOWN),
    twice(_images, *KNOWN),
)


def _corners() -> Iterator[Case]:
    # Sums that are whole, and next to it; what rounding makes of sums of tenths is open.
    for own in ([0.5] * 4, [0.75, 0.75, 0.5], [1.0, 1.0, 1.0, 0.0], [0.25] * 8, [0.1] * 10):
        ious = np.array(own)[:, None]
        cost = np.arange(len(own), dtype=np.float64)[::-1, None]
        for topk in (len(own) - 1, len(own), 10):
            yield Case({"candidate_topk": topk}, {"cost": cost, "ious": ious})
    for step in (-1, 1):
        # 2 and a little, exactly so in each dtype.
        ious = np.array([[0.5], [0.5], [0.5], [0.5 + step / 1024], [0.0], [0.0]])
        yield Case({}, {"cost": np.arange(6.0)[:, None], "ious": ious})
    # Below 1 by less than float64 tells, where one is selected all the same.
    own = [1 - 2.0**-24, 2.0**-24 - 2.0**-48, 2.0**-48 - 2.0**-72]
    almost = np.array(own, np.float32)[:, None]
    yield Case({}, {"cost": np.arange(3, dtype=np.float32)[:, None], "ious": almost})
    # More are selected than are summed, and more than there are.
    ious = np.array([[3.0, 1.0], [4.5, 0.5], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    for topk in (1, 2):
        yield Case({"candidate_topk": topk}, {"cost": np.ones((5, 2)), "ious": ious})
    # One that did not select the anchor has the least cost; ties, of columns and of rows.
    cost = np.array([[2.0, 2.0, 1.0], [9.0, 9.0, 0.0], [2.0, 3.0, 3.0], [2.0, 2.0, 5.0]])
    for conflict in ("all", "selected"):
        for share in (0.25, 0.5, 0.75):
            for truths in (slice(None), slice(2)):
                ious = np.full(cost[:, truths].shape, share)
                given = {"cost": cost[:, truths], "ious": ious}
                yield Case({"conflict": conflict}, given)
                valid = np.array([True, False, True, True])
                yield Case({"conflict": conflict}, {**given, "valid": valid})
                yield Case({"conflict": conflict}, {**given, "valid": np.zeros(4, bool)})
    rng = np.random.default_rng(0)
    # Nothing, and more anchors than a block of threads, more ground truths, and images.
    for shape in ((0, 3), (4, 0), (2, 0, 2), (5003, 3), (9, 301), (67, 13, 2), (2, 2, 9, 3)):
        cost, ious = rng.integers(0, 5000, shape) / 4, np.round(rng.random(shape) * 64) / 64
        valid = rng.random(shape[:-1]) < 0.5
        for conflict in ("all", "selected"):
            yield Case({"conflict": conflict}, {"cost": cost, "ious": ious})
            yield Case({"conflict": conflict}, {"cost": cost, "ious": ious, "valid": valid})


CORNERS = {NAME: _corners}

OPERATORS = (
    DynamicK(
        NAME,
        "matcher",
        _pairs,
        _matches,
        _axes,
        _of_image,
        laws=LAWS,
        has_block=False,
        optional=("valid",),
    ),
)
