"""Calls of costs and metrics (SPEC sections 6 and 10)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case
from tests.fuzz.calls import misfit
from tests.fuzz.dice import Dice
from tests.fuzz.draw import BEYOND, boxes, cast, centers, common, largest, real_dtype, whole_dtype
from tests.fuzz.given import REFUSED, Call, Given
from tests.fuzz.parameters import choice, integer, real
from tests.fuzz.subject import Batch, Form, Input, Subject
from tests.fuzz.subjects.bbox import batch_of_two_sets, form_of_ious, letters_of_two_sets, two_sets

__all__ = ["SUBJECTS", "with_wrong_number"]

# The axes of the inputs of one image, by name.
Letters = Mapping[str, str]

# Scores at which logarithms end, some of them next to 1, and such as few dtypes have at all.
NEXT_TO_ONE = (1 - 2.0**-11, 1 - 2.0**-24, 1 - 2.0**-53)
SCORES = np.array([0, 0, 1, 1, 0.5, *NEXT_TO_ONE, 2.0**-14, 1e-30, 1e-40, 3e-44, 1e-200, 5e-324])
LOGITS = np.array([0.0, 1.0, -1.0, 5.0, -20.0, 20.0, 100.0, -1000.0, 6e4, -6e4])

# Any finite number is an exponent, as long as the computing dtype has it.
EXPONENTS = (1.0, 0.5, 6.0, 2.0, 0.0, 0.3, 1.5, 2.2, 8.0, 8.5, 9.0, 100.0, 1e-30, 1e30)


def with_wrong_number(
    call: Call, name: str, place: tuple[int, ...], number: float, wrong: str
) -> Call:
    """Return a call with a number at a place of an input that cannot be there."""
    base = call.case.inputs[name].astype(np.float64)
    base[place] = number
    given = {**call.inputs, name: Given(base)}
    says = f"{name}{[int(i) for i in place]} is "
    spoilt = replace(call, inputs=given, expect=REFUSED, wrong=f"{name} with {wrong}")
    return replace(spoilt, blamed=(name,), spoilt=(name,), says=says)


def _out_of_range(wrong: Mapping[str, tuple[float, ...]], dice: Dice, call: Call) -> Call | None:
    """Put a number where those of an input do not go."""
    name = dice.choose(list(wrong))
    array = call.case.inputs[name]
    if not array.size:
        return None
    numbers = wrong[name]
    if name == "labels":
        scores = "scores" if "scores" in call.case.inputs else "logits"
        numbers = (call.case.inputs[scores].shape[-1], 2.0**62, *numbers)
    place = tuple(int(i) for i in np.unravel_index(dice.whole(0, array.size - 1), array.shape))
    return with_wrong_number(call, name, place, dice.choose(numbers), "a number out of range")


def _beyond(reals: tuple[str, ...], names: Mapping[str, float], dice: Dice, call: Call) -> Any:
    """Give a parameter that the computing dtype has no number for."""
    if _dtype(call.case, reals).itemsize == 8:
        return None
    name = dice.choose(list(names))
    return misfit(call, f"{name} beyond float32", (name,), **{name: names[name]})


def _wrong(
    reals: tuple[str, ...], names: Mapping[str, float], wrong: Mapping[str, tuple[float, ...]]
) -> Callable[[Dice, Call], Call | None]:
    def spoil(dice: Dice, call: Call) -> Call | None:
        if dice.chance(0.3):
            found: Call | None = _beyond(reals, names, dice, call)
            return found
        return _out_of_range(wrong, dice, call)

    return spoil


def _dtype(case: Case, reals: tuple[str, ...]) -> np.dtype[Any]:
    return common(*(case.inputs[name] for name in reals))


def _batched(dice: Dice, images: int | None, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Let an input be one for all images, or come without a batch axis."""
    if images is None:
        return {name: x[0] for name, x in arrays.items()}
    inputs = dict(arrays)
    if images != 1 and dice.chance(0.4):
        name = dice.choose([name for name, x in inputs.items() if len(x)] or [""])
        if name:
            inputs[name] = inputs[name][:1]
    if all(len(x) for x in inputs.values()) and dice.chance(0.2):
        name = dice.choose(list(inputs))
        kept = [x for other, x in inputs.items() if other != name]
        if len(inputs[name]) == 1 or any(len(x) == len(inputs[name]) for x in kept):
            inputs[name] = inputs[name][0]
    return inputs


def _sizes(dice: Dice) -> tuple[int | None, int, int, int]:
    """Draw the numbers of images, anchors, ground truths and classes."""
    return dice.images(), dice.count(), dice.count(), dice.choose((1, 2, 3, 3, 5, 21, 80))


def _labels(dice: Dice, shape: tuple[int, ...], classes: int) -> Array:
    drawn = dice.rng.integers(0, classes, shape).astype(np.float64)
    dtype = whole_dtype(dice)
    if np.dtype(dtype).kind != "u" and dice.chance(0.3):  # padding
        drawn = np.where(dice.rng.random(shape) < 0.3, -1, drawn)
    return cast(drawn, dtype)


def _scores(dice: Dice, shape: tuple[int, ...]) -> Array:
    kind, rng = dice.choose(("special", "free", "low", "sure", "whole")), dice.rng
    if kind == "special":
        return np.asarray(rng.choice(SCORES, shape))
    drawn = rng.random(shape)
    if kind == "low":
        return np.asarray(drawn * 0.02)
    if kind == "sure":
        return np.asarray(1 - drawn * rng.choice([0, 1e-3, 1e-8], shape))
    return np.asarray(np.round(drawn) if kind == "whole" else drawn)


def _ious(dice: Dice, shape: tuple[int, ...]) -> Array:
    rng = dice.rng
    drawn = rng.random(shape) * (rng.random(shape) < dice.choose((0.3, 1.0)))
    if dice.chance(0.4):
        drawn = np.round(drawn * 8) / 8
    if drawn.size and dice.chance(0.15):
        drawn[dice.whole(0, len(drawn) - 1)] *= dice.choose((1e-30, 1e-41, 1e-310, 2.0, 1e6))
    return drawn


def _matrices(dice: Dice, with_inside: bool) -> dict[str, Array]:
    images, n, m, classes = _sizes(dice)
    size = 1 if images is None else images
    dtype = real_dtype(dice)
    other = real_dtype(dice) if dice.chance(0.15) else dtype
    arrays = {
        "scores": cast(_scores(dice, (size, n, classes)), dtype),
        "labels": _labels(dice, (size, m), classes),
        "ious": cast(_ious(dice, (size, n, m)), other),
    }
    if with_inside:
        arrays["inside"] = dice.rng.random((size, n, m)) < dice.choose((0.5, 1.0, 0.1))
    return _batched(dice, images, arrays)


def _aligned(dice: Dice) -> Case:
    config = {k: dice.choose(EXPONENTS) for k in ("alpha", "beta") if dice.chance(0.6)}
    return Case(config, _matrices(dice, False))


def _sim_ota(dice: Dice) -> Case:
    options = {
        "iou_weight": (3.0, 1.0, 0.0, 2.6, 1e30),
        "eps": (1e-8, 1e-7, 1e-3, 1.0, 2.0**-126, 1e30),
        "penalty": (1e5, 1e8, 0.0, 10.3, 1e38),
    }
    config = {name: dice.choose(own) for name, own in options.items() if dice.chance(0.4)}
    return Case(config, _matrices(dice, True))


def _detr(dice: Dice) -> Case:
    weights = (1.0, 2.0, 5.0, 0.0, 0.3, -1.0, 1e30)
    options: dict[str, tuple[Any, ...]] = {
        "class_weight": weights,
        "l1_weight": weights,
        "giou_weight": weights,
        "kind": ("softmax", "focal", "focal"),
        "alpha": (0.25, 0.5, 0.3, 0.0, 1.0, 1e-30),
        "gamma": (2.0, 0.0, 1.0, 1.5, 30.0, 1e-30, 1e30),
        "eps": (1e-8, 1e-12, 1e-3, 1e-44, 1.0, 1e30),
    }
    config = {name: dice.choose(own) for name, own in options.items() if dice.chance(0.4)}
    images, n, m, classes = _sizes(dice)
    size, rng = 1 if images is None else images, dice.rng
    logits = rng.normal(0, dice.choose((2.0, 2.0, 30.0, 0.0)), (size, n, classes))
    if dice.chance(0.3):
        logits = rng.choice(LOGITS, logits.shape)
    if logits.size and dice.chance(0.1):
        logits[dice.whole(0, size - 1)] *= dice.choose((1e30, 1e300, 1e-40))
    both = np.clip(centers(boxes(dice, size, n + m)) * dice.choose((1.0, 1 / 64)), -1e308, 1e308)
    dtype = real_dtype(dice)
    other = real_dtype(dice) if dice.chance(0.15) else dtype
    arrays = {
        "logits": cast(logits, dtype),
        "boxes": cast(both[:, :n], other),
        "labels": _labels(dice, (size, m), classes),
        "truths": cast(both[:, n:], other),
    }
    return Case(config, _batched(dice, images, arrays))


def _points(dice: Dice) -> Case:
    config: dict[str, Any] = {}
    if dice.chance(0.4):
        config["fmt"] = dice.choose(("corner", "center"))
    if dice.chance(0.5):
        config["margin"] = dice.choose((0.0, 0.5, 0.01, 0.25, 1e-9, 5e-324, 1e30, 1e308))
    images, n, m = dice.images(), dice.count(), dice.count()
    size, rng = 1 if images is None else images, dice.rng
    both = boxes(dice, size, n + m)
    near, truths = both[:, :n], both[:, n:]
    if 0 < n <= m and dice.chance(0.6):  # points of the boxes that they are compared with
        near = truths[:, :n]
    share = rng.choice([0.0, 0.5, 1.0, 0.25, -0.25, 1.5], (size, n, 2))
    low, high = near[..., :2], near[..., 2:]
    # On a side it is the side's own number, whatever rounding does elsewhere.
    points = np.where(share == 1, high, low * (1 - share) + high * share)
    step = min(config.get("margin", 0.0), 1e30) * rng.choice([0, 1, -1], points.shape)
    if config.get("fmt") == "center":
        truths = centers(truths)
    dtype = real_dtype(dice)
    other = real_dtype(dice) if dice.chance(0.15) else dtype
    points = np.clip(points + step, -1e308, 1e308)
    arrays = {"points": cast(points, dtype), "boxes": cast(truths, other)}
    return Case(config, _batched(dice, images, arrays))


def _batch(own: Letters) -> Callable[[Case], Batch | None]:
    def batch(case: Case) -> Batch | None:
        batched = {k: len(x) for k, x in case.inputs.items() if x.ndim > len(own[k])}
        if not batched:
            return None
        size = next((n for n in batched.values() if n != 1), 1)
        return Batch(size, {k: (0, n == 1 and size != 1) for k, n in batched.items()})

    return batch


def _form(own: Letters, dtype: Callable[[Case], Any]) -> Callable[[Case], Form]:
    """Return the form of a matrix for each image, with a number for each pair."""

    def form(case: Case) -> Form:
        batch, lengths = _batch(own)(case), dict[str, int]()
        for name, x in case.inputs.items():
            lengths.update(zip(own[name], x.shape[-len(own[name]) :], strict=True))
        lead = () if batch is None else (batch.size,)
        return ((np.dtype(dtype(case)), (*lead, lengths["N"], lengths["M"])),)

    return form


def _letters(own: Letters) -> Callable[[Case], Letters]:
    def letters(case: Case) -> Letters:
        lead = {k: "1" if len(x) == 1 else "B" for k, x in case.inputs.items()}
        return {k: (lead[k] + own[k])[-x.ndim :] for k, x in case.inputs.items()}

    return letters


def _most(case: Case, *names: str) -> float:
    return largest(*(case.inputs[name] for name in names))


def _metrics_within(case: Case) -> bool:
    """Whether no power overflows, nor is so small that no one writes it down."""
    alpha, beta = case.config.get("alpha", 1.0), case.config.get("beta", 6.0)
    most = np.log(max(_most(case, "ious"), 1.0)) * beta
    size = max(_dtype(case, ("scores", "ious")).itemsize, 4)
    return bool(most < np.log(BEYOND["linear"][size])) and max(alpha, beta) < 1e3


def _costs_within(case: Case) -> bool:
    return max(case.config.get(name, 0.0) for name in ("iou_weight", "penalty")) < 1e29


def _set_costs_within(case: Case) -> bool:
    """Whether no product overflows, and areas do not vanish beside sums of coordinates."""
    size = max(_dtype(case, ("logits", "boxes", "truths")).itemsize, 4)
    sides = [case.inputs[name].astype("f8")[..., 2:] for name in ("boxes", "truths")]
    least = min(float(np.abs(x)[x != 0].min(initial=np.inf)) for x in sides)
    weights = ("class_weight", "l1_weight", "giou_weight", "gamma")
    most = max(abs(case.config.get(name, 0.0)) for name in weights)
    limit = BEYOND["product"][size]
    return _most(case, "boxes", "truths") < limit and 1 / least < limit and most < 1e29


MATRIX, ROW = Input(ranks=(2, 3)), Input("whole", (1, 2))
PAIRS = {"scores": "NC", "labels": "M", "ious": "NM"}
MASKED = {**PAIRS, "inside": "NM"}
PREDICTIONS = {"logits": "NC", "boxes": "N4", "labels": "M", "truths": "M4"}
PLACES = {"points": "N2", "boxes": "M4"}
CHANCES = (-1.0, -1e-7, 1.0 + 1e-6, 2.0, 1e300)
WRONG = {"scores": CHANCES, "labels": (-2.0, -(2.0**62)), "ious": (-1.0, -1e-30, -1e300)}
NOT_NEGATIVE = real(low=0)
SCORES_AND_IOUS = ("scores", "ious")
PREDICTED = ("logits", "boxes", "truths")

SUBJECTS = (
    Subject(
        "CenterDistance",
        partial(two_sets, ()),
        {"axis": integer(), "fmt": choice()},
        {"a": MATRIX, "b": MATRIX},
        form_of_ious,
        batch_of_two_sets,
        letters=letters_of_two_sets,
    ),
    Subject(
        "InsideMask",
        _points,
        {"margin": NOT_NEGATIVE, "fmt": choice()},
        {"points": MATRIX, "boxes": MATRIX},
        _form(PLACES, lambda case: bool),
        _batch(PLACES),
        letters=_letters(PLACES),
    ),
    Subject(
        "TaskAlignedMetric",
        _aligned,
        {"alpha": NOT_NEGATIVE, "beta": NOT_NEGATIVE},
        {"scores": MATRIX, "labels": ROW, "ious": MATRIX},
        _form(PAIRS, lambda case: _dtype(case, SCORES_AND_IOUS)),
        _batch(PAIRS),
        _metrics_within,
        _wrong(SCORES_AND_IOUS, {"alpha": 1e39, "beta": 1e300}, WRONG),
        _letters(PAIRS),
    ),
    Subject(
        "SimOTACost",
        _sim_ota,
        {"iou_weight": NOT_NEGATIVE, "eps": real(low=5e-324), "penalty": NOT_NEGATIVE},
        {"scores": MATRIX, "labels": ROW, "ious": MATRIX, "inside": Input("mask", (2, 3))},
        _form(MASKED, lambda case: _dtype(case, SCORES_AND_IOUS)),
        _batch(MASKED),
        _costs_within,
        _wrong(SCORES_AND_IOUS, {"iou_weight": 1e39, "eps": 1e-40, "penalty": 1e300}, WRONG),
        _letters(MASKED),
    ),
    Subject(
        "DETRCost",
        _detr,
        {
            **dict.fromkeys(("class_weight", "l1_weight", "giou_weight"), real()),
            "kind": choice(),
            "alpha": real(0, 1),
            "gamma": NOT_NEGATIVE,
            "eps": real(low=5e-324),
        },
        {"logits": MATRIX, "boxes": MATRIX, "labels": ROW, "truths": MATRIX},
        _form(PREDICTIONS, lambda case: _dtype(case, PREDICTED)),
        _batch(PREDICTIONS),
        _set_costs_within,
        _wrong(
            PREDICTED,
            {"class_weight": -1e39, "l1_weight": 1e300, "gamma": 1e39, "eps": 1e-50},
            {"labels": WRONG["labels"]},
        ),
        _letters(PREDICTIONS),
    ),
)
