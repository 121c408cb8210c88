"""Calls of the suppression of boxes (SPEC section 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case
from tests.fuzz.dice import Dice
from tests.fuzz.draw import boxes, cast, largest, real_dtype, threshold, whole_dtype
from tests.fuzz.draw import number as drawn_number
from tests.fuzz.parameters import real
from tests.fuzz.subject import Input, Subject

__all__ = ["SUBJECTS"]

# Between these magnitudes of coordinates areas neither overflow nor underflow.
USUAL = 2.0**-20, 2.0**20

LABELS = (0, 0, 0, 1, 1, 2, 100, -1)


def _detections(labelled: bool) -> Callable[[Dice], Case]:
    def draw(dice: Dice) -> Case:
        rng, count = dice.rng, dice.count(most=300)
        drawn = boxes(dice, 1, count)[0]
        if count and dice.chance(0.5):  # in heaps around a few
            drawn = drawn[rng.integers(0, dice.whole(1, min(count, 4)), count)]
            sides = np.clip(np.tile(drawn[:, 2:] - drawn[:, :2], 2), -1e307, 1e307)
            shares = rng.integers(-1, 2, (count, 4)) / dice.choose((4, 8, 100))
            drawn = np.clip(drawn + shares * sides, -1e308, 1e308)
        kind = dice.choose(("free", "levels", "levels", "any"))
        scores = rng.random(count)
        if kind == "levels":
            scores = rng.integers(-2, 3, count) / 4
        elif kind == "any":
            scores = np.array([drawn_number(dice) for _ in range(count)])
        inputs = {"boxes": cast(drawn, real_dtype(dice)), "scores": cast(scores, real_dtype(dice))}
        if labelled:
            inputs["labels"] = cast(rng.choice(LABELS, count).astype(float), whole_dtype(dice))
        return Case({"threshold": threshold(dice)}, inputs)

    return draw


@dataclass(frozen=True)
class Choice(Subject):
    """A choice of boxes, which is what it is at any scale."""

    def dissent(self, case: Case, outputs: tuple[Array, ...]) -> Disagreement | None:
        """Hold a choice to the definition, of boxes at a usual scale."""
        (indices,) = outputs
        if indices.dtype != np.int64:
            return Disagreement("indices", f"dtype {indices.dtype}, expected int64")
        return super().dissent(_scaled(case), outputs)


def _scaled(case: Case) -> Case:
    """Return a case with boxes of a usual scale; what float16 has is of such a scale."""
    own = case.inputs["boxes"]
    most = largest(own)
    if own.dtype == np.float16 or USUAL[0] < most < USUAL[1] or not most:
        return case
    dtype = own.dtype if own.dtype.kind == "f" else np.dtype(np.float64)
    scaled = np.ldexp(own.astype(np.float64), -int(np.frexp(most)[1]))
    return Case(case.config, {**case.inputs, "boxes": scaled.astype(dtype)})


def _is_of_one_scale(case: Case) -> bool:
    """Whether no box is so small beside the largest coordinate that its area is next to nothing."""
    own, scaled = (one.inputs["boxes"].astype(np.float64) for one in (case, _scaled(case)))
    if not own.size:
        return True
    exponent = int(np.frexp(largest(own))[1]) - int(np.frexp(largest(scaled))[1])
    sides = scaled[:, 2:] - scaled[:, :2]
    least = float(sides[sides > 0].min(initial=np.inf))
    wide = case.inputs["boxes"].dtype.itemsize == 8 or case.inputs["boxes"].dtype.kind != "f"
    same = bool((np.ldexp(scaled, exponent) == own).all())
    return same and least > 2.0 ** (-400 if wide else -50)


INPUTS: dict[str, Any] = {"boxes": Input(ranks=(2,)), "scores": Input(ranks=(1,))}

SUBJECTS = tuple(
    Choice(
        name,
        _detections(labelled),
        {"threshold": real(0, 1)},
        {**INPUTS, "labels": Input("whole", (1,))} if labelled else INPUTS,
        lambda case: (),  # how many boxes stay is not known
        comparable=_is_of_one_scale,
    )
    for name, labelled in (("NMS", False), ("BatchedNMS", True))
)
