"""Calls of the matchers of today's detectors (SPEC section 6)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case
from tests.fuzz.calls import misfit
from tests.fuzz.dice import Dice
from tests.fuzz.draw import boxes, cast, common, largest, matrix, real_dtype, whole_dtype
from tests.fuzz.given import REFUSED, Call, Given
from tests.fuzz.parameters import choice, flag, integer, optional, real
from tests.fuzz.shrink import with_arrays
from tests.fuzz.subject import Batch, Form, Input, Subject

__all__ = ["SUBJECTS"]

PAIRS = ("ious", "distances", "inside")
COUNTS = (1, 1, 2, 3, 4, 9, 13, 1000, 2**63 - 1)
CONFLICTS = ("all", "selected")


def _shape(dice: Dice, n: int | None = None) -> tuple[int, ...]:
    """Draw the shape of matrices, with `n` rows if that is given."""
    lead = dice.choose(((), (), (), (dice.count(),), (2,), (3,), (2, 2), (1, 3)))
    return (*lead, dice.count(most=300) if n is None else n, dice.count(most=20))


def _two(dice: Dice, first: Array, second: Array) -> tuple[Array, Array]:
    """Return real numbers in a dtype that is drawn; sometimes each in its own."""
    dtype = real_dtype(dice)
    return cast(first, dtype), cast(second, real_dtype(dice) if dice.chance(0.15) else dtype)


def _mask(dice: Dice, shape: tuple[int, ...]) -> Array:
    drawn = dice.rng.random(shape) < dice.choose((1.0, 0.8, 0.5, 0.2, 0.0))
    return drawn.astype(dice.choose(("?", "?", "?", "?", "u1", "i8", "f2", "f4", "f8")))


def _overlaps(dice: Dice, shape: tuple[int, ...]) -> Array:
    """Draw IoUs; of some columns all are equal, or nearly so."""
    drawn = matrix(dice, shape, 0.5)
    if drawn.size and dice.chance(0.3):
        c = dice.whole(0, shape[-1] - 1)
        drawn[..., c] = dice.choose((0.0, 0.5, 0.3, 0.7, 1 / 3))
        drawn[..., c] += np.arange(shape[-2]) % dice.choose((1, 2, 3)) / 2048
    return drawn


def _adaptive(dice: Dice) -> Case:
    config: dict[str, Any] = {}
    if dice.chance(0.6):
        config["topk"] = dice.choose(COUNTS)
    if dice.chance(0.5):
        config["ddof"] = dice.choose((0, 1, 2, 5, 100, 2**63 - 1))
    levels = np.array([dice.count(most=100) for _ in range(dice.choose((0, 1, 1, 2, 3)))])
    shape = _shape(dice, int(levels.sum()))
    ious, distances = _two(dice, _overlaps(dice, shape), matrix(dice, shape, 0.5))
    own = cast(levels.astype(np.float64), whole_dtype(dice))
    inputs = {"ious": ious, "distances": distances, "inside": _mask(dice, shape), "levels": own}
    return Case(config, inputs)


def _dynamic(dice: Dice) -> Case:
    config: dict[str, Any] = {}
    if dice.chance(0.6):
        config["candidate_topk"] = dice.choose(COUNTS)
    if dice.chance(0.6):
        config["conflict"] = dice.choose(CONFLICTS)
    shape = _shape(dice)
    ious = _overlaps(dice, shape)
    if dice.chance(0.2):  # their sums are whole, but for rounding
        ious = np.round(dice.rng.random(shape) * 10) / 10
    cost, ious = _two(dice, matrix(dice, shape, 0.5) * dice.choose((1.0, -1.0)), ious)
    inputs = {"cost": cost, "ious": ious}
    if dice.chance(0.5):
        inputs["valid"] = _mask(dice, shape[:-1])
    return Case(config, inputs)


def _aligned(dice: Dice) -> Case:
    config: dict[str, Any] = {}
    if dice.chance(0.7):
        config["topk"] = dice.choose(COUNTS)
    if dice.chance(0.5):
        config["conflict"] = dice.choose(CONFLICTS)
    for name in ("inside_first", "positive"):
        if dice.chance(0.5):
            config[name] = dice.chance(0.5)
    shape = _shape(dice)
    metric, ious = _two(dice, matrix(dice, shape, 0.5), _overlaps(dice, shape))
    return Case(config, {"metric": metric, "ious": ious, "inside": _mask(dice, shape)})


def _costs(dice: Dice) -> Case:
    shape = _shape(dice)
    if dice.chance(0.1):
        shape = (*shape[:-2], shape[-1], shape[-2])
    kind = dice.choose(("grid", "sums", "products", "any", "any"))
    rows, columns = dice.rng.random((*shape[:-1], 1)), dice.rng.random((*shape[:-2], 1, shape[-1]))
    if kind == "grid":
        cost = dice.rng.integers(0, dice.choose((1, 3, 20, 1000)) + 1, shape) / 4
    elif kind == "sums":  # all totals are equal, but for rounding
        cost = rows * dice.choose((1, 10, 100)) + columns
    elif kind == "products":  # the least pairs are in no matching of least total
        cost = np.ceil(rows * 8) * np.ceil(columns * 8)
    else:
        cost = matrix(dice, shape, 0.5)
    return Case({}, {"cost": cast(dice.choose((1.0, 1.0, -1.0)) * cost, real_dtype(dice))})


def _points(dice: Dice) -> Case:
    config: dict[str, Any] = {}
    if dice.chance(0.6):
        config["radius"] = dice.choose((None, 1.5, 1.0, 0.5, 0.0, 1 / 3, 1e-45, 1e30))
    if dice.chance(0.5):
        config["inclusive"] = dice.chance(0.5)
    images, rng = dice.images(), dice.rng
    n, m = dice.count(most=600), dice.count(most=30)
    truths = boxes(dice, 1 if images is None else images, m)
    flat = truths.reshape(-1, 4)
    own = flat[rng.integers(0, len(flat), n)] if len(flat) else np.zeros((n, 4))
    points = own[:, :2] + rng.integers(-1, 10, (n, 2)) / 8 * (own[:, 2:] - own[:, :2])
    far = np.concatenate([points - own[:, :2], own[:, 2:] - points], -1).max(-1, initial=-1e308)
    off = np.abs(points - own[:, :2] / 2 - own[:, 2:] / 2).max(-1, initial=0.0)
    # As far as the range and the square reach, or just not.
    strides = off * rng.choice([1.0, 2.0, 0.5, 4.0], n) / (config.get("radius") or 1.0)
    low = np.where(rng.random(n) < 0.3, far, rng.choice([0.0, -np.inf, 1.0, 8.0], n))
    high = np.where(rng.random(n) < 0.3, far, rng.choice([np.inf, 64.0, 8.0, 1e300], n))
    ranges, dtype = np.stack([low, high], -1), real_dtype(dice)
    drawn = {"points": points, "boxes": truths, "strides": strides, "ranges": ranges}
    inputs = {}
    for name, array in drawn.items():
        limited = np.where(np.isnan(array), 1.0, np.clip(array, -1e308, 1e308))
        inputs[name] = cast(limited, real_dtype(dice) if dice.chance(0.1) else dtype)
    if inputs["ranges"].dtype.kind == "f":
        inputs["ranges"][np.isinf(ranges)] = ranges[np.isinf(ranges)]
    if images is None:
        inputs["boxes"] = inputs["boxes"][0]
    if config.get("radius") and common(*inputs.values()) == np.float16:
        config["radius"] = min(config["radius"], 1e4)
    return Case(config, inputs)


def _form(case: Case) -> Form:
    (first, *_) = case.inputs.values()
    return ((np.dtype(np.int64), first.shape[:-1]),)


def _batch(*names: str) -> Any:
    """Return where images of matrices are; what is not named all images share."""

    def batch(case: Case) -> Batch | None:
        (first, *_) = case.inputs.values()
        if first.ndim < 3:
            return None
        own = [name for name in names if name in case.inputs]
        return Batch(len(first), dict.fromkeys(own, (0, False)))

    return batch


def _form_of_points(case: Case) -> Form:
    lead = case.inputs["boxes"].shape[:-2]
    return ((np.dtype(np.int64), (*lead, len(case.inputs["points"]))),)


def _letters(*names: str) -> Any:
    def letters(case: Case) -> dict[str, str]:
        (first, *_) = case.inputs.values()
        whole = "PQRSNM"[-first.ndim :]
        own = {"valid": whole[:-1], "levels": "L"}
        return {name: own.get(name, whole) for name in names if name in case.inputs}

    return letters


@dataclass(frozen=True)
class Levels(Subject):
    """A matcher of anchors on levels, whose numbers go with that of the anchors."""

    def cuts(self, call: Call) -> Iterator[Call]:
        """Yield calls with an anchor or an empty level less, and what else may be cut."""
        yield from super().cuts(call)
        inputs = call.case.inputs
        if any(value.python for value in call.inputs.values()):
            return
        levels, ends = inputs["levels"], np.cumsum(inputs["levels"])
        for k in np.flatnonzero(levels == 0):
            yield with_arrays(call, {"levels": np.delete(levels, k)})
        for r in range(inputs["ious"].shape[-2]):
            fewer = levels.copy()
            fewer[np.searchsorted(ends, r, "right")] -= 1
            pairs = {name: np.delete(inputs[name], r, -2) for name in PAIRS}
            yield with_arrays(call, {**pairs, "levels": fewer})


def _other_levels(dice: Dice, call: Call) -> Call | None:
    """Count other anchors on levels than there are, or fewer than none."""
    levels = call.case.inputs["levels"].astype(np.int64)
    other = dice.choose(
        (
            np.append(levels, dice.choose((1, -1, 2**62, -(2**63)))),
            np.append(levels, [1, -1]),
            np.append(levels, [2**62] * 4),  # which int64 takes for 0
            np.append(levels, [-1, 1]),
        )
    )
    inputs = {**call.inputs, "levels": Given(other)}
    wrong = replace(call, inputs=inputs, expect=REFUSED, wrong="levels of other anchors")
    return replace(wrong, blamed=("levels",), spoilt=("levels", *PAIRS))


def _radius_beyond(dice: Dice, call: Call) -> Call | None:
    """Give a radius that the dtype of the data has no number for."""
    if common(*call.case.inputs.values()) == np.float64:
        return None
    return misfit(call, "a radius beyond the dtype", ("radius",), radius=dice.choose((1e39, 1e300)))


def _sums_are_numbers(case: Case) -> bool:
    return largest(case.inputs["ious"]) < 1e100


MATRIX, MASK = Input(ranks=(2, 3, 4, 5, 6)), Input("mask", (2, 3, 4, 5, 6))

SUBJECTS = (
    Levels(
        "ATSSMatcher",
        _adaptive,
        {"topk": integer(1), "ddof": integer(0)},
        {"ious": MATRIX, "distances": MATRIX, "inside": MASK, "levels": Input("whole", (1,))},
        _form,
        _batch(*PAIRS),
        letters=_letters(*PAIRS, "levels"),
        spoil=_other_levels,
    ),
    Subject(
        "SimOTAMatcher",
        _dynamic,
        {"candidate_topk": integer(1), "conflict": choice()},
        {"cost": MATRIX, "ious": MATRIX, "valid": Input("mask", (1, 2, 3, 4, 5), optional=True)},
        _form,
        _batch("cost", "ious", "valid"),
        _sums_are_numbers,
        letters=_letters("cost", "ious", "valid"),
    ),
    Subject(
        "TaskAlignedMatcher",
        _aligned,
        {"topk": integer(1), "conflict": choice(), "inside_first": flag(), "positive": flag()},
        {"metric": MATRIX, "ious": MATRIX, "inside": MASK},
        _form,
        _batch("metric", "ious", "inside"),
        letters=_letters("metric", "ious", "inside"),
    ),
    Subject("HungarianMatcher", _costs, {}, {"cost": MATRIX}, _form, _batch("cost")),
    Subject(
        "PointMatcher",
        _points,
        {"radius": optional(real(low=0)), "inclusive": flag()},
        {
            "points": Input(ranks=(2,)),
            "boxes": Input(ranks=(2, 3)),
            "strides": Input(ranks=(1,)),
            "ranges": Input("limits", (2,)),
        },
        _form_of_points,
        lambda case: (
            Batch(len(case.inputs["boxes"]), {"boxes": (0, False)})
            if case.inputs["boxes"].ndim == 3
            else None
        ),
        spoil=_radius_beyond,
    ),
)
