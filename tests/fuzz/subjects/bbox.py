"""Calls of the operators on boxes (SPEC sections 1 and 6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.bounds import bbox as bounds
from refkernels.bounds import overlaps
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Output, Reference
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
    real_dtype,
)
from tests.fuzz.parameters import Parameter, choice, flag, integer, real
from tests.fuzz.subject import Batch, Form, Input, Subject

__all__ = [
    "SUBJECTS",
    "axis_without",
    "batch_of_two_sets",
    "first_other_axis",
    "form_of_ious",
    "letters_of_two_sets",
    "two_sets",
]

FORMATS = ("corner", "center")
LENGTHS = {"offset": real(), "eps": real(low=0)}


def _one_set(**options: Callable[[Dice], Any]) -> Callable[[Dice], Case]:
    """Return what draws one array of boxes, of any rank."""

    def draw(dice: Dice) -> Case:
        config = {name: option(dice) for name, option in options.items() if dice.chance(0.7)}
        rank = dice.choose((1, 2, 2, 3, 3, 3, 4))
        shape = [dice.count() for _ in range(rank - 1)]
        images = shape[0] if rank > 2 else 1
        drawn = boxes(dice, images, int(np.prod(shape[rank > 2 :])) if shape else 1)
        x = drawn.reshape(*shape, 4)
        if config.get("fmt") == "center":
            x = centers(x)
        x = cast(x, real_dtype(dice))
        axis = dice.whole(-rank, rank - 1) if dice.chance(0.6) else -1
        if axis != -1 or "squeeze_axis" in options or dice.chance(0.5):
            config["axis"] = axis
        return Case(config, {"x": np.ascontiguousarray(np.moveaxis(x, -1, axis))})

    return draw


def two_sets(parameters: tuple[str, ...], dice: Dice) -> Case:
    """Draw two sets, and some of the parameters that there are beside form and axis."""
    config: dict[str, Any] = {}
    if dice.chance(0.4):
        config["fmt"] = dice.choose(FORMATS)
    if "offset" in parameters and dice.chance(0.3):
        config["offset"] = dice.choose((0, 1, 0.5, -1.0, 1e-3, 1e10, 1e30))
    if "eps" in parameters and dice.chance(0.3):
        config["eps"] = dice.choose((0, 1e-15, 1e-3, 5e-324, 1e30, 1.0))
    images = dice.images()
    n, m = dice.count(), dice.count()
    both = boxes(dice, 1 if images is None else images, n + m)
    if config.get("fmt") == "center":
        both = centers(both)
    a, b = both[:, :n], both[:, n:]
    if images is None:
        a, b = a[0], b[0]
    elif images > 1:
        one = dice.choose(("neither", "neither", "a", "b"))
        a, b = (a[:1] if one == "a" else a), (b[:1] if one == "b" else b)
    axis = -1
    if dice.chance(0.4):
        config["axis"] = axis = dice.whole(-a.ndim, a.ndim - 1)
    a, b = (np.ascontiguousarray(np.moveaxis(x, -1, axis)) for x in (a, b))
    if axis < 0 and images is not None and dice.chance(0.1):  # no batch axis goes with any batch
        a = a[0] if len(a) == 1 and axis != -3 else a
    dtype = real_dtype(dice)
    other = real_dtype(dice) if dice.chance(0.15) else dtype
    return Case(config, {"a": cast(a, dtype), "b": cast(b, other)})


def _clip(dice: Dice) -> Case:
    images = dice.images()
    size = 1 if images is None else images
    x = boxes(dice, size, dice.count()) * dice.choose((1, 1, 10))
    height, width = dice.whole(0, 40), dice.whole(0, 40)
    lead = dice.choose(((), (1,), (3,), (size, 3)))
    inputs = {
        "x": cast(np.clip(x, -1e308, 1e308), real_dtype(dice)),
        "img": np.zeros((*lead, height, width), "f4"),
    }
    if dice.chance(0.5):
        rows = dice.choose((1, size))
        sizes = dice.choose((1.0, 0.25, 1e3)) * dice.rng.integers(0, 60, (rows, 2))
        if sizes.size and dice.chance(0.1):
            sizes[0, 0] = dice.choose((1e300, 1e39, 7e4, 5e-324))
        inputs["sizes"] = cast(sizes, dice.choose(("f4", "f8", "i8", "i4", "f2", "u1")))
        if rows == 1 and dice.chance(0.4):
            inputs["sizes"] = inputs["sizes"][0]
    if images is None:
        inputs["x"] = inputs["x"][0]
        if "sizes" in inputs and dice.chance(0.7):
            inputs["sizes"] = inputs["sizes"].reshape(2)
    return Case({}, inputs)


def first_other_axis(rank: int, axis: int) -> int:
    """Return the first axis of `rank` that is not `axis`."""
    return 1 if axis % rank == 0 else 0


def axis_without(axis: int, rank: int, dropped: int) -> int:
    """Return what `axis` is called where another axis is dropped."""
    place = axis % rank
    place -= place > dropped
    return place if axis >= 0 else place - (rank - 1)


def _letters_of_one_set(case: Case) -> dict[str, str]:
    letters = list("PQRS"[: case.inputs["x"].ndim])
    letters[axis_of(case)] = "#"
    return {"x": "".join(letters)}


def letters_of_two_sets(case: Case) -> dict[str, str]:
    """Return a letter for each axis of both sets."""
    letters = {}
    for (name, x), own in zip(case.inputs.items(), "NM", strict=True):
        one = x.ndim == 2 or x.shape[first_other_axis(3, axis_of(case))] == 1
        named = ["1" if one else "B", own][-(x.ndim - 1) :]
        named.insert(axis_of(case) % x.ndim, "#")
        letters[name] = "".join(named)
    return letters


def _letters_of_clip(case: Case) -> dict[str, str]:
    letters = {"x": "BN#"[-case.inputs["x"].ndim :]}
    if "sizes" in case.inputs:
        sizes = case.inputs["sizes"]
        letters["sizes"] = "#" if sizes.ndim == 1 else "1#" if len(sizes) == 1 else "B#"
    return letters


def _batch_of_one_set(squeezed: bool = False) -> Callable[[Case], Batch | None]:
    def batch(case: Case) -> Batch | None:
        x, axis = case.inputs["x"], axis_of(case)
        if x.ndim < 2:
            return None
        images = first_other_axis(x.ndim, axis)
        drops = squeezed and case.config.get("squeeze_axis", False) and images > 0
        single = {**case.config, "axis": axis_without(axis, x.ndim, images)}
        return Batch(x.shape[images], {"x": (images, False)}, images - drops, single)

    return batch


def batch_of_two_sets(case: Case) -> Batch | None:
    """Return where the images of both sets are."""
    axis = axis_of(case)
    three = {name: x for name, x in case.inputs.items() if x.ndim == 3}
    if not three:
        return None
    images = first_other_axis(3, axis)
    sizes = {name: x.shape[images] for name, x in three.items()}
    size = next((n for n in sizes.values() if n != 1), 1)
    axes = {name: (images, n == 1 and size != 1) for name, n in sizes.items()}
    return Batch(size, axes, 0, {**case.config, "axis": axis_without(axis, 3, images)})


def _batch_of_clip(case: Case) -> Batch | None:
    x = case.inputs["x"]
    if x.ndim == 2:
        return None
    axes = {"x": (0, False)}
    sizes = case.inputs.get("sizes")
    if sizes is not None and sizes.ndim == 2:
        axes["sizes"] = (0, len(sizes) == 1 and len(x) != 1)
    return Batch(len(x), axes)


def _form_of_set(columns: str = "", kept: int = 4) -> Callable[[Case], Form]:
    """Say what comes of one array; `columns` is the flag by which four come of it."""

    def form(case: Case) -> Form:
        x, axis = case.inputs["x"], axis_of(case)
        dtype, shape = common(x), list(x.shape)
        if columns and (columns == "always" or case.config.get(columns, False)):
            shape[axis] = 1
            if case.config.get("squeeze_axis", False):
                del shape[axis]
            return ((dtype, tuple(shape)),) * 4
        shape[axis] = kept
        return ((dtype, tuple(shape)),)

    return form


def form_of_ious(case: Case) -> Form:
    """Return the form of a real number for each pair."""
    axis, counts, sizes = axis_of(case), [], [1]
    for x in case.inputs.values():
        shape = list(x.shape)
        del shape[axis]
        counts.append(shape[-1])
        sizes += shape[:-1]
    size = next((n for n in sizes if n != 1), 1)
    batched = any(x.ndim == 3 for x in case.inputs.values())
    return ((common(*case.inputs.values()), ((size,) if batched else ()) + tuple(counts)),)


def _axes(*names: str) -> Mapping[str, Input]:
    return {name: Input(ranks=(2, 3)) for name in names}


def _is_linear(case: Case) -> bool:
    return is_within(case, "linear")


def _is_product(case: Case) -> bool:
    return is_within(case, "product")


@dataclass(frozen=True)
class Overlaps(Subject):
    """Overlaps, which are what they are at any scale."""

    bound: Callable[..., Array] = bounds.box_batch_iou

    def dissent(self, case: Case, outputs: tuple[Array, ...]) -> Disagreement | None:
        """Hold overlaps to the definition, within the bound that they have at a usual scale."""
        dtype, most = common(*case.inputs.values()), largest(*case.inputs.values())
        usual = BEYOND["product"][max(dtype.itemsize, 4)]
        scale = 1.0 if 1 / usual < most < usual else 2.0 ** -np.frexp(max(most, 5e-324))[1]
        lengths = {"offset": (0.0, scale), "eps": (1e-15, scale * scale)}
        config = dict(case.config)
        for name in lengths.keys() & self.parameters:
            default, factor = lengths[name]
            config[name] = config.get(name, default) * factor
        inputs = {name: x.astype("f8") * scale for name, x in case.inputs.items()}
        scaled = Case(config, {name: x.astype(dtype) for name, x in inputs.items()})
        bound = self.bound(**scaled.inputs, **scaled.config)
        own = Output("overlaps", lambda case, exact: np.where(np.isfinite(bound), bound, 1.0))
        operator = replace(self.operator, outputs=lambda case: (own,))
        exact = operator.define(case)
        return operator.judge(case, Reference(exact, outputs), outputs)


def _is_of_one_scale(case: Case) -> bool:
    """Whether no box is so small beside the largest coordinate that it counts as empty."""
    arrays = list(case.inputs.values())
    moved = [np.moveaxis(x, axis_of(case), -1).astype("f8") for x in arrays]
    center = case.config.get("fmt") == "center"
    sides = [x[..., 2:] if center else x[..., 2:] - x[..., :2] for x in moved]
    most, least = largest(*arrays), min((_least(side) for side in sides), default=np.inf)
    wide = common(*arrays).itemsize == 8
    parameters = [abs(float(case.config.get(name, 0))) for name in ("offset", "eps")]
    return max(parameters) <= min(most, 1e30) and most / least < 2.0 ** (900 if wide else 100)


def _least(sides: Array) -> float:
    sides = np.abs(sides)
    return float(sides[sides > 0].min(initial=np.inf))


def _clip_within(case: Case) -> bool:
    # Limits beyond the dtype of x stand for no limit, which exact arithmetic does not know.
    dtype = common(case.inputs["x"])
    sizes: Array = case.inputs.get("sizes", np.zeros(1))
    with np.errstate(over="ignore"):
        return bool((sizes.astype(dtype).astype("f8") == sizes).all())


AXIS, FLAG, FORMAT = integer(), flag(), choice()
TRANSFORM: dict[str, Parameter] = {"axis": AXIS, "split": FLAG}
ANY = {"x": Input()}
SPLIT = {"split": lambda dice: dice.chance(0.5)}

SUBJECTS = (
    *(
        Subject(
            name,
            _one_set(**SPLIT),
            TRANSFORM,
            ANY,
            _form_of_set("split"),
            _batch_of_one_set(),
            _is_linear,
            letters=_letters_of_one_set,
        )
        for name in ("BBoxCornerToCenter", "NumPyBBoxCornerToCenter", "BBoxCenterToCorner")
    ),
    Subject(
        "BBoxSplit",
        _one_set(squeeze_axis=lambda dice: dice.chance(0.5)),
        {"axis": AXIS, "squeeze_axis": FLAG},
        ANY,
        _form_of_set("always"),
        _batch_of_one_set(squeezed=True),
        letters=_letters_of_one_set,
    ),
    Subject(
        "BBoxArea",
        _one_set(fmt=lambda dice: dice.choose(FORMATS)),
        {"axis": AXIS, "fmt": FORMAT},
        ANY,
        _form_of_set(kept=1),
        _batch_of_one_set(),
        _is_product,
        letters=_letters_of_one_set,
    ),
    *(
        Overlaps(
            name,
            partial(two_sets, parameters),
            {"axis": AXIS, "fmt": FORMAT, **{key: LENGTHS[key] for key in parameters}},
            _axes("a", "b"),
            form_of_ious,
            batch_of_two_sets,
            _is_of_one_scale,
            letters=letters_of_two_sets,
            bound=bound,
        )
        for name, parameters, bound in (
            ("BBoxBatchIOU", ("offset", "eps"), bounds.box_batch_iou),
            ("BBoxBatchIOA", ("offset",), overlaps.box_batch_ioa),
            ("BBoxBatchGIOU", (), overlaps.box_batch_giou),
            ("BBoxBatchDIOU", (), overlaps.box_batch_diou),
            ("BBoxBatchCIOU", (), overlaps.box_batch_ciou),
        )
    ),
    Subject(
        "BBoxClipToImage",
        _clip,
        {},
        {
            "x": Input(ranks=(2, 3)),
            "img": Input("shape"),
            "sizes": Input(ranks=(1, 2), optional=True),
        },
        lambda case: ((common(case.inputs["x"]), case.inputs["x"].shape),),
        _batch_of_clip,
        _clip_within,
        letters=_letters_of_clip,
    ),
)
