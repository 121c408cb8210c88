"""Cases of the matcher of least total cost (SPEC section 6): any such matching is right.

Totals are exact. That of a matching may be above the least by what rounding in a solver allows,
which is nothing where costs are on a grid; matchings for which it is count as ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.bounds.assignment import total_cost
from refkernels.conformance.cases.matcher.drawn import ious_of
from refkernels.conformance.cases.matcher.laws import (
    Run,
    alone_and_together,
    first_difference,
    relabelled,
    settled,
    twice,
)
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output, Reference
from refkernels.conformance.model.parameters import Parameters

__all__ = ["CORNERS", "OPERATORS", "law_image"]

NAME = "HungarianMatcher"

# The definition answers for up to so many rows squared, of all matrices together.
AFFORDABLE = 12_000

SMALL = st.integers(1, 5)
LARGE = st.integers(1, 30)


@st.composite
def _matrices(draw: DrawFn, parameters: Parameters) -> Case:
    config = draw(parameters.options(st.just({})))
    images = draw(st.none() | st.integers(1, 3))
    lead = () if images is None else (images,)
    sizes = draw(st.sampled_from([SMALL, SMALL, LARGE]))
    count, truths = draw(sizes), draw(sizes)
    if draw(st.integers(0, 3)) == 3:
        truths = count
    shape = (*lead, count, truths)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = (rng.random((*lead, *own)) for own in ((count, 1), (1, truths)))
    kinds = ["grid", "grid", "fine", "fine", "any", "sums", "products", "padded", "wide"]
    kind = draw(st.sampled_from(kinds))
    if kind == "grid":
        levels = draw(st.sampled_from([1, 3, 3, 20, 1000]))
        cost = rng.integers(0, levels + 1, shape) / draw(st.sampled_from([1, 4]))
    elif kind == "fine":  # totals differ by the last digits of float64, or of float32
        digits = 2.0 ** draw(st.sampled_from([18, 40]))
        cost = rng.integers(1, 4, shape) + rng.integers(0, 9, shape) / digits
    elif kind == "sums":  # all totals are equal, but for rounding
        cost = rows * 10.0 ** draw(st.integers(0, 2)) + columns
    elif kind == "products":  # the least pairs are in no matching of least total
        cost = np.ceil(rows * 8) * np.ceil(columns * 8)
    else:
        cost = rng.random(shape)
        if kind == "padded":
            cost[..., truths - truths // 3 :] = 1000
        elif kind == "wide":
            cost *= 10.0 ** rng.integers(-6, 4, shape)
    sign = draw(st.sampled_from([1.0, 1.0, -1.0]))
    return Case(config, {"cost": sign * cost - draw(st.sampled_from([0.0, 0.0, 1.0]))})


class Assignment(Operator):
    """HungarianMatcher: whatever is one to one, of full size, and of least total."""

    def refer(self, case: Case, *, ask_definition: bool | None = None) -> Reference:
        """Return what the kernel and the definition make of a case; that is quick for this one."""
        if ask_definition is None:
            *lead, count, truths = case.inputs["cost"].shape
            ask_definition = int(np.prod(lead)) * min(count, truths) ** 2 <= AFFORDABLE
        return super().refer(case, ask_definition=ask_definition)

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold a matching to the least total; where it was not asked for, to the kernel's."""
        return self._judge(case, reference, outputs, case.inputs["cost"])

    def judge_kernel(self, case: Case, reference: Reference) -> Disagreement | None:
        """Hold the kernel to its own bound, which is that of double precision."""
        if reference.exact is None:
            return None
        return self._judge(case, reference, reference.kernel, case.inputs["cost"].astype(float))

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the matchings whose total is not that of the kernel's."""
        given = case.inputs["cost"], outputs[0], reference.kernel[0]
        return sum(
            _total(cost, found) != _total(cost, own)
            for cost, found, own in _images_of(*given)
            if not np.array_equal(found, own)
        )

    def _judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...], bounded: Array
    ) -> Disagreement | None:
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        given = case.inputs["cost"], outputs[0], _expected(reference), bounded
        for image, (cost, found, expected, own) in enumerate(_images_of(*given)):
            if np.array_equal(found, expected):
                continue
            what = _is_no_matching(found, cost.shape[1]) or _is_dear(cost, found, expected, own)
            if what:
                start = f"image {image}: " if case.inputs["cost"].ndim > 2 else ""
                return Disagreement("matches", start + what)
        return None


def _expected(reference: Reference) -> Array:
    return (reference.kernel if reference.exact is None else reference.exact)[0]


def _images_of(cost: Array, *more: Array) -> Iterator[Any]:
    """Yield the parts of each image: of costs (..., N, M), and of matches (..., N)."""
    for place in np.ndindex(cost.shape[:-2]):
        yield cost[place], *(array[place] for array in more)


def _is_no_matching(matches: Array, columns: int) -> str | None:
    allowed = np.isin(matches, np.arange(-1, columns))
    if not allowed.all():
        row = int(np.argmin(allowed))
        return f"matches[{row}] is {matches[row]}, expected -1 to {columns - 1}"
    taken = matches[matches >= 0]
    twice_taken = [int(c) for c in np.unique(taken) if (taken == c).sum() > 1]
    if twice_taken:
        rows = np.flatnonzero(matches == twice_taken[0]).tolist()
        return f"ground truth {twice_taken[0]} is matched with anchors {rows}"
    pairs = min(len(matches), columns)
    return None if len(taken) == pairs else f"{len(taken)} pairs are matched, expected {pairs}"


def _is_dear(cost: Array, found: Array, least: Array, bounded: Array) -> str | None:
    total, goal = _total(cost, found), _total(cost, least)
    if total <= goal:
        return None
    bound = total_cost(bounded)
    if total - goal <= bound:
        return None
    allowed = f"; allowed is an excess of {float(bound):.3g}" if bound else ""
    return f"the total cost is {float(total)!r}, the least is {float(goal)!r}{allowed}"


def _total(cost: Array, matches: Array) -> Fraction:
    rows = np.flatnonzero(matches >= 0)
    values = cost[rows, matches[rows].astype(np.int64)].tolist()
    return sum(map(Fraction, values), Fraction(0))


def _matches(case: Case) -> tuple[Output, ...]:
    return (Output("matches", index=True),)


def _axes(case: Case) -> dict[str, str]:
    return {"cost": "ABNM"[-case.inputs["cost"].ndim :]}


def _of_image(image: Image) -> Iterator[Case]:
    if not len(image.boxes):
        return
    size = max(float(image.boxes.max()), 1.0)
    far = np.abs(image.anchors[:, None] - image.boxes).sum(-1) / size
    scores = np.random.default_rng(len(far)).random((len(far), 1))
    yield Case({}, {"cost": 5 * far - 2 * ious_of(image) - 2 * scores})


def law_image(seed: int = 0, shape: tuple[int, int] = (14, 9)) -> Array:
    """Return costs on a grid, with one matching of least total."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.integers(0, 2**16, shape) / 2**10, np.float32)


SHAPES = ((14, 9), (9, 14), (11, 11))


def _images(config: Mapping[str, Any]) -> list[Case]:
    return [Case(config, {"cost": law_image(seed)}) for seed in range(3)]


def _changed(change: Callable[[Array, Any], tuple[Array, Array, Array]]) -> Any:
    """Return a check of costs that are changed.

    ``change(cost, rng)`` returns the new costs, and the places of the new rows and columns in the
    old ones, -1 where they are new.
    """

    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first match that is another one with the changed costs."""
        rng = np.random.default_rng(1)
        for config in settled(parameters, {}):
            for shape in SHAPES:
                cost = law_image(0, shape)
                new, rows, columns = change(cost, rng)
                (before,) = run(Case(config, {"cost": cost}))
                (after,) = run(Case(config, {"cost": new}))
                back = relabelled(after, columns)
                wrong = first_difference(before[rows], back, f"{shape[0]} x {shape[1]}")
                if wrong is not None:
                    return wrong
        return None

    return check


def _in_another_order(cost: Array, rng: Any) -> tuple[Array, Array, Array]:
    rows, columns = (rng.permutation(length) for length in cost.shape)
    return cost[rows][:, columns], rows, columns


def _scaled(cost: Array, rng: Any) -> tuple[Array, Array, Array]:
    return cost / 4 - 8, np.arange(len(cost)), np.arange(cost.shape[1])


def _dearer(cost: Array, rng: Any) -> tuple[Array, Array, Array]:
    """Add to the costs of each that has to be matched, which is all of the fewer."""
    count, truths = cost.shape
    added = rng.integers(-40, 40, (count, truths)).astype(np.float32)
    rows, columns = added[:, :1] * (count <= truths), added[:1] * (truths <= count)
    return cost + rows + columns, np.arange(count), np.arange(truths)


def _leaves_dear_ones_for_last(run: Run, parameters: Parameters) -> str | None:
    """Put ground truths that cost more than all others behind them, as those that pad a batch."""
    cost = law_image(0, (14, 9))
    padded = np.concatenate([cost, np.full((14, 3), 1024, np.float32)], axis=1)
    for config in settled(parameters, {}):
        (before,) = run(Case(config, {"cost": cost}))
        (after,) = run(Case(config, {"cost": padded}))
        wrong = first_difference(before, np.where(np.asarray(after) < 9, after, -1))
        if wrong is not None:
            return wrong
    return None


LAWS = (
    Law("anchors and ground truths may come in any order", _changed(_in_another_order)),
    Law("other units of cost change no match", _changed(_scaled)),
    Law("what all matchings cost more changes no match", _changed(_dearer)),
    Law("ground truths that cost more than all else take what is left", _leaves_dear_ones_for_last),
    alone_and_together(_images, ("cost",), {}),
    twice(_images, {}),
)


def _corners() -> Iterator[Case]:
    # The cheapest pair is in no matching of least total; of several all are right.
    yield Case({}, {"cost": np.array([[0.0, 1.0], [2.0, 4.0]])})
    yield Case({}, {"cost": np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 6.0, 9.0]])})
    yield Case({}, {"cost": np.ones((4, 4))})
    yield Case({}, {"cost": np.array([[-5.0, 0.0], [0.0, -5.0], [-5.0, -5.0]])})
    # One of two matchings is better by the last digit that is exact in sums, of each dtype.
    for digits in (2.0**18, 2.0**20, 2.0**40, 2.0**49):
        yield Case({}, {"cost": np.array([[1.0, 2.0], [1.0, 2.0 - 1 / digits]])})
        yield Case({}, {"cost": np.array([[1.0, 2.0], [1.0, 2.0 + 1 / digits]])})
    # Each path goes through all that are matched already.
    steps = np.arange(1.0, 13.0)
    for sign in (1, -1):
        yield Case({}, {"cost": sign * steps[:, None] * steps})
        yield Case({}, {"cost": sign * steps[:, None] * steps[:7]})
    rng = np.random.default_rng(0)
    # Nothing; one of a kind; and the sizes of detectors: queries by objects.
    for shape in ((0, 3), (4, 0), (2, 0, 2), (0, 2, 2), (1, 1), (1, 7), (7, 1), (2, 2, 3, 4)):
        yield Case({}, {"cost": rng.integers(0, 9, shape) / 4})
    for shape in ((100, 30), (30, 100), (300, 50), (60, 60), (131, 127)):
        yield Case({}, {"cost": rng.random(shape)})
        yield Case({}, {"cost": rng.integers(0, 40, shape) / 8})
    # More anchors than a block of threads, and images.
    yield Case({}, {"cost": rng.integers(0, 5000, (5003, 3)) / 4})
    yield Case({}, {"cost": rng.integers(0, 99, (67, 5, 3)) / 4})


CORNERS = {NAME: _corners}

OPERATORS = (
    Assignment(NAME, "matcher", _matrices, _matches, _axes, _of_image, laws=LAWS, has_block=False),
)
