"""Calls of the coders of points: of distances from them, and of centres (SPEC section 6)."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case
from tests.fuzz.calls import misfit
from tests.fuzz.dice import Dice
from tests.fuzz.draw import BEYOND, boxes, cast, common, is_within, largest, real_dtype, whole_dtype
from tests.fuzz.given import Call
from tests.fuzz.parameters import flag, integer, pair, real
from tests.fuzz.subject import Batch, Form, Input, Subject
from tests.fuzz.subjects.cost import with_wrong_number

__all__ = ["SUBJECTS"]

SIZES = np.array([1.0, 8.0, 16.0, 0.5, 100.0, 3.0, 1 / 3])


def _distances(name: str) -> Callable[[Dice], Case]:
    """Return what draws points, and boxes or distances for them."""

    def draw(dice: Dice) -> Case:
        config: dict[str, Any] = {}
        if dice.chance(0.6):
            config["normalize"] = dice.chance(0.6)
        images, n, rng = dice.images(), dice.count(), dice.rng
        drawn = boxes(dice, (1 if images is None else images) + 1, n)
        share = rng.choice([0.5, 0.25, 0.0, 1.0, -0.5, 1.5], (n, 2))
        points = drawn[0, :, :2] * (1 - share) + drawn[0, :, 2:] * share
        dtype = real_dtype(dice)
        given = {
            "points": np.clip(points, -1e308, 1e308),
            name: drawn[1] if images is None else drawn[1:],
        }
        if config.get("normalize", False):
            sizes = rng.choice(SIZES, (n, 2))
            if sizes.size and dice.chance(0.15):
                sizes[dice.whole(0, n - 1)] *= dice.choose((1e30, 1e300, 1e-30, 1e-300))
            given["sizes"] = sizes
        inputs = {}
        for own, array in given.items():
            inputs[own] = cast(array, real_dtype(dice) if dice.chance(0.1) else dtype)
        if "sizes" in inputs:  # what is rounded to 0 is no size
            sizes = inputs["sizes"]
            inputs["sizes"] = np.where(sizes > 0, sizes, sizes.dtype.type(1))
        return Case(config, inputs)

    return draw


def _batch_of(name: str) -> Callable[[Case], Batch | None]:
    def batch(case: Case) -> Batch | None:
        rows = case.inputs[name]
        return Batch(len(rows), {name: (0, False)}) if rows.ndim == 3 else None

    return batch


def _form_of(name: str) -> Callable[[Case], Form]:
    return lambda case: ((common(*case.inputs.values()), case.inputs[name].shape),)


def _distances_within(case: Case) -> bool:
    """Whether no product and no quotient overflows."""
    wide = common(*case.inputs.values()).itemsize == 8
    sizes: Array = case.inputs.get("sizes", np.ones(1))
    least = float(sizes.astype("f8").min(initial=1.0))
    most = max(largest(*case.inputs.values()), 1.0)
    return is_within(case, "product") and most / least < BEYOND["product"][8 if wide else 4]


def _wrong_sizes(dice: Dice, call: Call) -> Call | None:
    """Let sizes be there or not, against what is asked for, or one of them not over 0."""
    sizes = call.case.inputs.get("sizes")
    if sizes is None:
        return misfit(call, "no sizes", ("sizes",), normalize=True)
    if dice.chance(0.3) or not sizes.size:
        return misfit(call, "sizes that are not asked for", ("sizes",), normalize=False)
    place = dice.whole(0, len(sizes) - 1), dice.whole(0, 1)
    number = dice.choose((0.0, -0.0, -1.0, -5e-324, -1e300))
    return with_wrong_number(call, "sizes", place, number, "a number that is not over 0")


def _center_maps(dice: Dice) -> Case:
    config: dict[str, Any] = {"num_class": dice.whole(1, 3), "size": _sides(dice)}
    if dice.chance(0.5):
        config["scale"] = dice.choose((4.0, 1.0, 0.5, 3.0, 0.3, 1e-30, 1e30))
    if dice.chance(0.5):
        config["min_overlap"] = dice.choose((0.7, 0.5, 0.3, 0.25, 0.9, 1.0, 1e-30, 0.01))
    if dice.chance(0.5):
        config["ceil"] = dice.chance(0.7)
    images, m, rng = dice.images(), dice.count(), dice.rng
    shape = (1 if images is None else images, m)
    drawn = boxes(dice, *shape)
    if dice.chance(0.7):  # on the map and around it
        span = np.array(config["size"][::-1])
        middle = (rng.uniform(-0.6, 0.6, (*shape, 2)) + 0.5) * span
        sides = np.exp(rng.normal(dice.choose((0.0, 2.0, 4.0)), 1, (*shape, 2)))
        sides *= rng.choice([1, 1, 1, 1, 1, 1, 1, 0, -1], sides.shape)
        parts = dice.choose((1, 2, 4, 64, 0))
        if parts:
            middle, sides = np.round(middle * parts) / parts, np.round(sides * parts) / parts
        drawn = np.concatenate([middle - sides / 2, middle + sides / 2], -1)
        drawn *= config.get("scale", 4.0)
    rows = cast(drawn, real_dtype(dice))
    # Whether a centre is on the map is for rounding to say; extent is not.
    extended = (rows[..., 2:] > rows[..., :2]).all(-1)
    labels, dtype = rng.integers(0, config["num_class"], shape), whole_dtype(dice)
    other = 0 if np.dtype(dtype).kind == "u" else -1
    labels = np.where(extended, labels, rng.choice([other, 99], shape)).astype(np.float64)
    inputs = {"boxes": rows, "labels": cast(labels, dtype)}
    if images is None or (images == 1 and dice.chance(0.2)):
        dropped = list(inputs) if images is None else [dice.choose(list(inputs))]
        inputs = {name: x[0] if name in dropped else x for name, x in inputs.items()}
    return Case(config, inputs)


def _sides(dice: Dice) -> tuple[int, int]:
    if dice.chance(0.05):
        return dice.whole(1, 70), dice.whole(1, 70)
    return dice.whole(1, 6), dice.whole(1, 6)


def _batch_of_maps(case: Case) -> Batch | None:
    own = {"boxes": 2, "labels": 1}
    batched = {k: len(x) for k, x in case.inputs.items() if x.ndim > own[k]}
    return Batch(max(batched.values()), dict.fromkeys(batched, (0, False))) if batched else None


def _form_of_maps(case: Case) -> Form:
    batch, dtype = _batch_of_maps(case), common(case.inputs["boxes"])
    lead = () if batch is None else (batch.size,)
    channels = ((case.config["num_class"],), (2,), (2,), ())
    return tuple((dtype, (*lead, *own, *case.config["size"])) for own in channels)


def _letters_of_maps(case: Case) -> Mapping[str, str]:
    letters = {"boxes": "BM4", "labels": "BM"}
    return {name: letters[name][-x.ndim :] for name, x in case.inputs.items()}


def _maps_within(case: Case) -> bool:
    """Whether nothing overflows, also not where cells are small."""
    scale = case.config.get("scale", 4.0)
    boxes = Case({}, {"boxes": case.inputs["boxes"]})
    return is_within(boxes, "product", scale, 1 / scale) and case.config.get("min_overlap", 1) > 0.1


def _wrong_maps(dice: Dice, call: Call) -> Call | None:
    """Give a box with a peak a label that is no class, or a parameter that float32 has not."""
    rows, config = call.case.inputs["boxes"], call.case.config
    if dice.chance(0.4):
        name = dice.choose(("scale", "min_overlap"))
        wide = common(rows).itemsize == 8
        numbers = {"scale": (0, -1.0) if wide else (1e39, 1e-46), "min_overlap": (0.0,)}
        if name == "min_overlap" and not wide:
            numbers[name] = (1e-46,)
        return misfit(call, f"{name} out of range", (name,), **{name: dice.choose(numbers[name])})
    x, scale = rows.astype("f8"), config.get("scale", 4.0)
    middle = (x[..., :2] / 2 + x[..., 2:] / 2) / scale
    sure = (middle > 0.01) & (middle < np.array(config["size"][::-1]) - 0.01)
    places = np.argwhere(sure.all(-1) & (x[..., 2:] > x[..., :2]).all(-1))
    if not len(places):
        return None
    place = tuple(int(i) for i in dice.choose(places))
    place = place[-call.case.inputs["labels"].ndim :]
    if len(place) < call.case.inputs["labels"].ndim:
        place = (0, *place)
    number = dice.choose((config["num_class"], -1, 2.0**62, -(2.0**62)))
    return with_wrong_number(call, "labels", place, number, "no class")


ROWS, PLACES = Input(ranks=(2, 3)), Input(ranks=(2,))

SUBJECTS = (
    *(
        Subject(
            operator,
            _distances(name),
            {"normalize": flag()},
            {"points": PLACES, name: ROWS, "sizes": PLACES},
            _form_of(name),
            _batch_of(name),
            _distances_within,
            spoil=_wrong_sizes,
        )
        for operator, name in (("DistanceEncoder", "boxes"), ("DistanceDecoder", "distances"))
    ),
    Subject(
        "CenterHeatmapEncoder",
        _center_maps,
        {
            "num_class": integer(1),
            "size": pair(1),
            "scale": real(low=5e-324),
            "min_overlap": real(low=5e-324, high=1),
            "ceil": flag(),
        },
        {"boxes": ROWS, "labels": Input("whole", (1, 2))},
        _form_of_maps,
        _batch_of_maps,
        _maps_within,
        spoil=_wrong_maps,
        letters=_letters_of_maps,
    ),
)
