"""Calls of the operators that encode targets (SPEC section 4)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case
from tests.fuzz.dice import Dice
from tests.fuzz.draw import BEYOND, boxes, cast, common, is_within, largest, real_dtype, whole_dtype
from tests.fuzz.given import REFUSED, Call, Given
from tests.fuzz.parameters import Parameter, integer, real, reals
from tests.fuzz.spoils import NOT_NUMBERS
from tests.fuzz.subject import Batch, Form, Input, Subject

__all__ = ["SUBJECTS", "normalisation"]

AXES = {"samples": 1, "matches": 1, "anchors": 2, "labels": 1, "refs": 2}


def normalisation(dice: Dice) -> dict[str, Any]:
    """Draw stds and means."""
    config: dict[str, Any] = {}
    if dice.chance(0.4):
        config["stds"] = dice.choose(
            ((1.0, 1.0, 1.0, 1.0), (0.5, 0.25, 2.0, 3.0), (-1.0, 1e-3, 1e3, 0.1), (1e-30,) * 4)
        )
    if dice.chance(0.3):
        config["means"] = dice.choose(
            ((0.5, -0.25, 0.125, 1.0), (0.0,) * 4, (1e30, 0.0, -1e3, -0.0))
        )
    return config


def _assignment(
    options: Callable[[Dice], dict[str, Any]], *names: str, classes: int = 3
) -> Callable[[Dice], Case]:
    """Return what draws samples and matches of anchors, and the inputs that are named."""

    def draw(dice: Dice) -> Case:
        config, rng = options(dice), dice.rng
        images = dice.images()
        size = 1 if images is None else images
        n, m = dice.count(), dice.count()
        both = boxes(dice, size, n + m)
        anchors, refs = both[:, :n], both[:, n:]
        if size > 1 and dice.chance(0.4):
            anchors = anchors[:1]
        samples = rng.choice([1.0, -1.0, 0.0, 1.0, 0.5, -0.5, 0.75], (size, n))
        if m == 0:
            samples = np.minimum(samples, 0.5)
        kind = dice.choose(("f2", "f4", "f8", "f8", "i1", "i8", "i4"))
        samples = cast(np.trunc(samples) if kind[0] == "i" else samples, kind)
        unseen = rng.choice([-1, 0, 99, -7, m], samples.shape)
        matches = np.where(samples > 0.5, rng.integers(0, max(m, 1), samples.shape), unseen)
        matches = cast(matches.astype(np.float64), whole_dtype(dice))
        if matches.dtype.kind == "f" and dice.chance(0.2):  # of what is not looked at
            nothing = dice.choose((np.nan, np.inf, -np.inf, 0.5))
            matches[(samples <= 0.5) & (rng.random(samples.shape) < 0.3)] = nothing
        labels = rng.integers(0, classes, (size, m))
        dtype = real_dtype(dice)
        other = real_dtype(dice) if dice.chance(0.15) else dtype
        arrays = {
            "samples": samples,
            "matches": matches,
            "anchors": cast(anchors, dtype),
            "labels": cast(labels.astype(np.float64), whole_dtype(dice)),
            "refs": cast(refs, other),
        }
        if "anchors" not in names:  # a class encoder, whose refs are the labels
            arrays["refs"] = arrays["labels"]
        elif "labels" in names and dice.chance(0.3):  # of padding
            matched = np.zeros((size, m + 1), bool)
            rows = np.arange(size)[:, None]
            matched[rows, np.where(samples > 0.5, np.nan_to_num(matches), m).astype(int)] = True
            if arrays["labels"].dtype.kind != "u":
                arrays["labels"][~matched[:, :m]] = dice.choose((-1, 100))
        inputs = {name: arrays[name] for name in names}
        if images is None or (size == 1 and dice.chance(0.15)):
            kept = [] if images is None else [dice.choose(names)]  # one with a batch axis is enough
            inputs = {k: v if k in kept or len(v) != 1 else v[0] for k, v in inputs.items()}
        return Case(config, inputs)

    return draw


def _per_class(dice: Dice) -> dict[str, Any]:
    config: dict[str, Any] = {"num_class": dice.choose((3, 3, 4, 7)), **normalisation(dice)}
    if dice.chance(0.6):
        config["max_pos"] = dice.choose((1, 2, 3, 128, 2**31 - 1))
    if dice.chance(0.4):
        config["per_device_batch_size"] = dice.choose((1, 2, 2**31 - 1))
    return config


def _class_options(dice: Dice) -> dict[str, Any]:
    return {"ignore_label": dice.choose((-1, 0, 255, -1.0, 100))} if dice.chance(0.5) else {}


def _signs(dice: Dice) -> Case:
    shape = tuple(dice.count() for _ in range(dice.choose((1, 1, 2, 2, 3))))
    samples = dice.rng.choice([1.0, -1.0, 0.0], shape)
    kind = dice.choose(("f2", "f4", "f8", "f8", "i1", "i8", "i4", "u1", "u8", "?"))
    if kind[0] == "u":
        samples = np.abs(samples)
    if kind[0] == "f" and dice.chance(0.4):  # as a network's arithmetic leaves them
        samples = samples + dice.choose((-1, 1)) * 2.0**-17
    return Case({}, {"samples": cast(samples, kind)})


def _axes_of(case: Case, name: str) -> int:
    return 1 if name == "refs" and "anchors" not in case.inputs else AXES[name]


def _batch(case: Case) -> Batch | None:
    batched = {k: v for k, v in case.inputs.items() if v.ndim > _axes_of(case, k)}
    if not batched:
        return None
    size = len(case.inputs["samples"]) if "samples" in batched else 1
    axes = {k: (0, k == "anchors" and len(v) == 1 and size != 1) for k, v in batched.items()}
    return Batch(size, axes)


def _lead(case: Case) -> tuple[int, ...]:
    batch = _batch(case)
    return () if batch is None else (batch.size,)


def _form(case: Case) -> Form:
    dtype = common(case.inputs["anchors"], case.inputs["refs"])
    shape = (*_lead(case), case.inputs["samples"].shape[-1], 4)
    return ((dtype, shape), (dtype, shape))


def _form_per_class(case: Case) -> Form:
    dtype = common(case.inputs["anchors"], case.inputs["refs"])
    rows = min(case.config.get("max_pos", 128), case.inputs["samples"].shape[-1])
    lead = (*_lead(case), rows)
    full = (*lead, case.config["num_class"], 4)
    return ((dtype, full), (dtype, full), (np.dtype(np.int64), lead))


def _class_dtype(labels: Array) -> np.dtype[Any]:
    return labels.dtype if labels.dtype.kind == "f" else np.dtype(np.int64)


def _form_of_classes(case: Case) -> Form:
    shape = (*_lead(case), case.inputs["samples"].shape[-1])
    return ((_class_dtype(case.inputs["refs"]), shape),)


def _form_of_signs(case: Case) -> Form:
    samples = case.inputs["samples"]
    return ((_class_dtype(samples), samples.shape),) * 2


def _unmatched(dice: Dice, call: Call) -> Call | None:
    """Match a positive sample with what is not there."""
    case = call.case
    positive = np.argwhere(case.inputs["samples"] > 0.5)
    if not len(positive):
        return None
    count = case.inputs["refs"].shape[-1 if "anchors" not in case.inputs else -2]
    matches = case.inputs["matches"].reshape(case.inputs["samples"].shape).astype(np.float64)
    matches[tuple(dice.choose(positive))] = dice.choose((count, count + 1, 1e9, -1, -(2.0**62)))
    matches = matches.astype(dice.choose(("i8", "f8")) if np.isfinite(matches).all() else "f8")
    inputs = {**call.inputs, "matches": Given(matches.reshape(case.inputs["matches"].shape))}
    spoilt = ("samples", "matches", "refs")
    change = replace(call, inputs=inputs, expect=REFUSED, wrong="a match that is not there")
    return replace(change, blamed=("matches",), spoilt=spoilt)


def _is_positive(case: Case, name: str) -> Array:
    return (case.inputs["samples"] > 0.5).reshape(case.inputs[name].shape)


def _within(case: Case) -> bool:
    """Whether nothing overflows, and what is infinite or undefined is so by the formula."""
    arrays = Case({}, {name: case.inputs[name] for name in ("anchors", "refs")})
    numbers = [*case.config.get("stds", ()), *case.config.get("means", ())]
    numbers += [1 / std for std in case.config.get("stds", ())]
    if not is_within(arrays, "product") or max(map(abs, numbers), default=0.0) > 1e4:
        return False
    anchors, refs = (case.inputs[name].astype("f8") for name in ("anchors", "refs"))
    sides = np.abs(anchors[..., 2:] - anchors[..., :2])
    least = float(sides[sides > 0].min(initial=np.inf))
    wide = common(*arrays.inputs.values()).itemsize == 8
    if max(largest(anchors, refs), 1.0) / least > BEYOND["product"][8 if wide else 4]:
        return False
    return bool((sides > 0).all()) or _is_on_grid(anchors, refs)


def _is_on_grid(*arrays: Array) -> bool:
    """Whether centres are exact, so that it is clear which offsets are 0 / 0.

    Elsewhere rounding decides it; and exact arithmetic knows no -0, which it may be, too.
    """
    return (
        all((x * 8 == np.rint(x * 8)).all() and not np.signbit(x[x == 0]).any() for x in arrays)
        and largest(*arrays) < 1e5
    )


IGNORE = Parameter(
    real().disguise, lambda dice: dice.choose((*NOT_NUMBERS, "0.5", "1e30", "2**63"))
)
NORMALISATION = {"stds": reals(divisors=True), "means": reals(divisors=False)}
WHO = {"samples": Input("samples", (1, 2)), "matches": Input("whole", (1, 2), _is_positive)}
BOXES = Input(ranks=(2, 3))
BOX_NAMES = ("samples", "matches", "anchors", "refs")

SUBJECTS = (
    *(
        Subject(
            name,
            _assignment(normalisation, *BOX_NAMES),
            NORMALISATION,
            {**WHO, "anchors": BOXES, "refs": BOXES},
            _form,
            _batch,
            _within,
            spoil=_unmatched,
        )
        for name in ("NormalizedBoxCenterEncoder", "NumPyNormalizedBoxCenterEncoder")
    ),
    Subject(
        "NormalizedPerClassBoxCenterEncoder",
        _assignment(_per_class, "samples", "matches", "anchors", "labels", "refs"),
        {
            "num_class": integer(1),
            "max_pos": integer(1),
            "per_device_batch_size": integer(1),
            **NORMALISATION,
        },
        {**WHO, "anchors": BOXES, "labels": Input("whole", (1, 2)), "refs": BOXES},
        _form_per_class,
        _batch,
        _within,
        spoil=_unmatched,
    ),
    Subject(
        "MultiClassEncoder",
        _assignment(_class_options, "samples", "matches", "refs", classes=256),
        {"ignore_label": IGNORE},
        {**WHO, "refs": Input("labels", (1, 2))},
        _form_of_classes,
        _batch,
        spoil=_unmatched,
    ),
    Subject(
        "SigmoidClassEncoder",
        _signs,
        {},
        {"samples": Input("signs")},
        _form_of_signs,
        lambda case: (
            Batch(len(case.inputs["samples"]), {"samples": (0, False)})
            if case.inputs["samples"].ndim > 1
            else None
        ),
    ),
)
