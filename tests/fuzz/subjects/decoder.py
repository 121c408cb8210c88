"""Calls of the operators that decode predictions (SPEC section 4)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from refkernels.conformance.model.operator import Case
from tests.fuzz.calls import misfit
from tests.fuzz.dice import Dice
from tests.fuzz.draw import (
    BEYOND,
    axis_of,
    boxes,
    cast,
    centers,
    common,
    is_within,
    largest,
    levels,
    number,
    real_dtype,
    threshold,
)
from tests.fuzz.given import Call
from tests.fuzz.parameters import flag, integer, optional, real, reals
from tests.fuzz.subject import Batch, Form, Input, Subject
from tests.fuzz.subjects.bbox import axis_without, first_other_axis
from tests.fuzz.subjects.encoder import normalisation

__all__ = ["SUBJECTS"]


def _offsets(dice: Dice) -> Case:
    config: dict[str, Any] = normalisation(dice)
    if dice.chance(0.5):
        config["convert_anchor"] = dice.chance(0.5)
    if dice.chance(0.5):
        config["clip"] = dice.choose((-1.0, None, 0.0, 0.5, 4.0, 1e308, -1e308, 5e-324))
    if dice.chance(0.4):
        limit = config.get("clip", -1.0)
        low = dice.choose((None, -0.5, -4.0, 0.0, 0.25, 3.0, -1e308, -1e39, 5e-324))
        over = low is not None and limit is not None and 0 < limit < low
        config["clip_low"] = limit if over else low
    images = dice.images()
    size, n = 1 if images is None else images, dice.count()
    anchors = boxes(dice, size, n)
    if not config.get("convert_anchor", False):
        anchors = centers(anchors)
    x = dice.rng.normal(0, dice.choose((1.0, 3.0, 0.0, 1e3)), (size, n, 4))
    if dice.chance(0.4):
        x = np.round(x)
    if x.size and dice.chance(0.2):
        x[dice.whole(0, size - 1)] *= dice.choose((1e30, 1e300, 1e-40, 1e5))
    if images is None:
        x, anchors = x[0], anchors[0]
    elif size > 1 and dice.chance(0.4):
        anchors = anchors[:1]
    elif size == 1 and dice.chance(0.2):
        x, anchors = dice.choose(((x[0], anchors), (x, anchors[0])))
    dtype = real_dtype(dice)
    other = real_dtype(dice) if dice.chance(0.15) else dtype
    return Case(config, {"x": cast(x, dtype), "anchors": cast(anchors, other)})


def _scores(per_class: bool) -> Callable[[Dice], Case]:
    def draw(dice: Dice) -> Case:
        config: dict[str, Any] = {}
        if dice.chance(0.6):
            config["thresh"] = number(dice) if dice.chance(0.2) else threshold(dice)
        rank = dice.choose((1, 2, 2, 3, 3, 4))
        classes = dice.choose((2, 2, 3, 4, 5, 21))
        shape = [dice.count() for _ in range(rank)]
        axis = dice.whole(-rank, rank - 1) if dice.chance(0.5) else -1
        shape[axis] = classes
        if axis != -1 or dice.chance(0.5):
            config["axis"] = axis
        if per_class:
            config["num_class"] = classes
        kind = dice.choose(("levels", "edge", "distances", "free"))
        x = dice.rng.random(shape)
        if kind != "free":
            x = dice.rng.choice(levels(kind, config.get("thresh", 0.01)), shape)
        if x.size and rank > 1 and dice.chance(0.2):
            x[dice.whole(0, len(x) - 1)] *= dice.choose((1e30, 1e300, 1e-40, -1.0))
        return Case(config, {"x": cast(x, real_dtype(dice))})

    return draw


def _heat_maps(dice: Dice) -> Case:
    images = dice.images()
    lead = () if images is None else (images,)
    classes, height, width = dice.whole(1, 3), dice.whole(1, 5), dice.whole(1, 5)
    if dice.chance(0.05):
        height, width = dice.whole(1, 20), dice.whole(7, 20)
    most = classes * height * width
    config: dict[str, Any] = {"topk": dice.whole(1, min(most, 40))}
    if dice.chance(0.1):
        config["topk"] = most
    if dice.chance(0.4):
        config["scale"] = dice.choose((4.0, 1.0, 0.3, 1e-30, 1e30, 1e3))
    rng = dice.rng
    x = rng.random((*lead, classes, height, width))
    many = dice.choose((1, 2, 10, 0))
    if many:
        x = np.ceil(x * many) / many
    if dice.chance(0.3):
        x = -x * (rng.random(x.shape) < 0.7)  # with 0 of both signs
    maps = [rng.integers(0, 80, (*lead, 2, height, width)) / 8 for _ in range(2)]
    for drawn in (x, *maps):
        if len(lead) and drawn.size and dice.chance(0.15):
            drawn[dice.whole(0, len(drawn) - 1)] *= dice.choose((1e30, 1e300, 1e-41, 1e-310))
    names, dtype = ("x", "wh", "reg"), real_dtype(dice)
    inputs = {
        name: cast(drawn, real_dtype(dice) if dice.chance(0.1) else dtype)
        for name, drawn in zip(names, (x, *maps), strict=True)
    }
    if images == 1 and dice.chance(0.3):
        name = dice.choose(names)
        inputs[name] = inputs[name][0]
    return Case(config, inputs)


def _batch_of_offsets(case: Case) -> Batch | None:
    batched = {k: v for k, v in case.inputs.items() if v.ndim == 3}
    if not batched:
        return None
    size = len(case.inputs["x"]) if "x" in batched else 1
    axes = {k: (0, k == "anchors" and len(v) == 1 and size != 1) for k, v in batched.items()}
    return Batch(size, axes)


def _form_of_offsets(case: Case) -> Form:
    x, batch = case.inputs["x"], _batch_of_offsets(case)
    shape = x.shape[-2:] if batch is None else (batch.size, *x.shape[-2:])
    return ((common(*case.inputs.values()), shape),)


def _letters_of_scores(case: Case) -> dict[str, str]:
    letters = list("PQRS"[: case.inputs["x"].ndim])
    letters[axis_of(case)] = "#" if "num_class" in case.config else "C"
    return {"x": "".join(letters)}


def _batch_of_scores(squeezed: bool) -> Callable[[Case], Batch | None]:
    def batch(case: Case) -> Batch | None:
        x, axis = case.inputs["x"], axis_of(case)
        if x.ndim < 2:
            return None
        images = first_other_axis(x.ndim, axis)
        single = {**case.config, "axis": axis_without(axis, x.ndim, images)}
        drops = squeezed and axis % x.ndim < images
        return Batch(x.shape[images], {"x": (images, False)}, images - drops, single)

    return batch


def _form_of_scores(per_class: bool) -> Callable[[Case], Form]:
    def form(case: Case) -> Form:
        x, axis = case.inputs["x"], axis_of(case)
        shape = list(x.shape)
        if per_class:
            shape[axis] -= 1
        else:
            del shape[axis]
        return ((np.dtype(np.int64), tuple(shape)), (common(x), tuple(shape)))

    return form


def _batch_of_maps(case: Case) -> Batch | None:
    batched = {k: v for k, v in case.inputs.items() if v.ndim == 4}
    size = max((len(v) for v in batched.values()), default=0)
    return Batch(size, dict.fromkeys(batched, (0, False))) if batched else None


def _form_of_maps(case: Case) -> Form:
    batch = _batch_of_maps(case)
    shape = (*(() if batch is None else (batch.size,)), case.config["topk"])
    dtype = common(*case.inputs.values())
    return ((np.dtype(np.int64), shape), (dtype, shape), (dtype, (*shape, 4)))


def _decodes_within(case: Case) -> bool:
    """Whether nothing overflows, an exponential included, whose result is then IEEE's."""
    config = case.config
    stds, means = config.get("stds", (0.2,) * 4), config.get("means", (0.0,) * 4)
    exponents = case.inputs["x"].astype("f8")[..., 2:] * stds[2:] + means[2:]
    clip = config.get("clip")
    if clip is not None and clip > 0:
        exponents = np.minimum(exponents, clip)
    if config.get("clip_low") is not None:
        exponents = np.maximum(exponents, config["clip_low"])
    wide = common(*case.inputs.values()).itemsize == 8
    most = np.log(BEYOND["linear"][8 if wide else 4] / max(largest(case.inputs["anchors"]), 1.0))
    return (
        is_within(case, "product")
        and max(map(abs, (*stds, *means))) < 1e4
        and bool((exponents < most).all())
        and max(clip or 0, abs(config.get("clip_low") or 0)) <= 1e38
    )


def _maps_within(case: Case) -> bool:
    return is_within(case, "product", case.config.get("scale", 1.0)) and (
        case.config.get("scale", 1.0) > 1e-20
    )


def _crossed_limits(dice: Dice, call: Call) -> Call | None:
    """Let the lower limit be over the upper one."""
    low = dice.choose((0.5 + 1e-9, 1.0, 1e308))
    return misfit(call, "clip_low over clip", ("clip_low",), clip=0.5, clip_low=low)


def _too_many(dice: Dice, call: Call) -> Call | None:
    """Ask for more peaks than there are cells."""
    cells = int(np.prod(call.case.inputs["x"].shape[-3:]))
    topk = dice.choose((cells + 1, 2**31, 2**63, 2**64, 10**400))
    return misfit(call, "too many peaks", ("topk",), topk=topk)


def _other_count(dice: Dice, call: Call) -> Call | None:
    """Give another number of classes than there are."""
    classes = call.case.config["num_class"] + dice.choose((1, 5, 2**63, 10**400))
    return misfit(call, "too few classes", ("x", "num_class"), num_class=classes)


MAP = Input(ranks=(3, 4))

SUBJECTS = (
    Subject(
        "NormalizedBoxCenterDecoder",
        _offsets,
        {
            "stds": reals(divisors=True),
            "convert_anchor": flag(),
            "clip": optional(real()),
            "means": reals(divisors=False),
            "clip_low": optional(real()),
        },
        {"x": Input(ranks=(2, 3)), "anchors": Input(ranks=(2, 3))},
        _form_of_offsets,
        _batch_of_offsets,
        _decodes_within,
        spoil=_crossed_limits,
    ),
    Subject(
        "MultiClassDecoder",
        _scores(per_class=False),
        {"axis": integer(), "thresh": real()},
        {"x": Input()},
        _form_of_scores(per_class=False),
        _batch_of_scores(squeezed=True),
        letters=_letters_of_scores,
    ),
    Subject(
        "MultiPerClassDecoder",
        _scores(per_class=True),
        {"num_class": integer(2), "axis": integer(), "thresh": real()},
        {"x": Input()},
        _form_of_scores(per_class=True),
        _batch_of_scores(squeezed=False),
        letters=_letters_of_scores,
        spoil=_other_count,
    ),
    Subject(
        "CenterNetDecoder",
        _heat_maps,
        {"topk": integer(1), "scale": real(low=5e-324)},
        {"x": MAP, "wh": MAP, "reg": MAP},
        _form_of_maps,
        _batch_of_maps,
        _maps_within,
        spoil=_too_many,
    ),
)
