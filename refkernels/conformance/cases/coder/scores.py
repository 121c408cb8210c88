"""Cases of the decoders of scores: of classes, and of heat maps (SPEC section 4)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.bounds import coder as bounds
from refkernels.conformance.cases.strategies import (
    about_threshold,
    at_threshold,
    configurations,
    mixed_dtypes,
    thresholds,
)
from refkernels.conformance.model.operator import Case, Law, Operator, Output
from refkernels.conformance.model.parameters import Parameters

__all__ = ["CENTER_NET", "CLASS_DECODERS"]

BATCH = st.sampled_from([None, 1, 1, 2, 3])


@st.composite
def _class_scores(draw: DrawFn, per_class: bool, parameters: Parameters) -> Case:
    """Draw scores of few levels, of any rank, with the classes on any axis."""
    own = st.sampled_from([0.01, 0.0, 0.5, 0.3]) | thresholds() | thresholds()
    config = draw(parameters.options(configurations(thresh=own)))
    # MXNet has no arrays without axes, so the result of MultiClassDecoder keeps one.
    rank = draw(st.sampled_from([1, 2, 3, 3, 3, 4] if per_class else [2, 3, 4]))
    axis = config.get("axis", -1)
    if parameters.may_set("axis"):
        axis = draw(st.just(-1) | st.integers(-rank, rank - 1))
        if axis != -1 or draw(st.booleans()):
            config["axis"] = axis
    rank = max(rank, axis + 1, -axis)
    shape = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    # From the 2050th foreground class on float16 does not count one by one.
    many = draw(st.integers(0, 5)) == 5 and not per_class
    classes = draw(st.integers(2051, 2300) if many else st.integers(2, 5) | st.just(21))
    if per_class and parameters.may_set("num_class"):
        config["num_class"] = classes
    classes = config.get("num_class", classes)
    shape = tuple(classes if i == axis % rank else n for i, n in enumerate(shape))
    size = int(np.prod(shape))
    if size > 60:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        x = np.ceil(rng.random(shape) * 10) / 10
        if many:  # the largest is among the last
            x = np.where(np.indices(shape)[axis % rank] < 2049, x / 4, x)
    else:
        level = st.sampled_from([0.01, 0.0, 0.5, 1.0, -1.0]) | st.floats(0, 1)
        x = np.array(draw(st.lists(level, min_size=size, max_size=size))).reshape(shape)
    if parameters.fixed is not None:
        x = draw(about_threshold(x, config.get("thresh", 0.01)))
    if draw(st.booleans()):
        value = draw(at_threshold(config.get("thresh", 0.01)))
        x = np.where(x >= draw(st.sampled_from(x.ravel()[-9:])), value, x)
    return Case(config, {"x": x})


def _fit_scores(case: Case, config: Mapping[str, Any]) -> Case | None:
    """Give scores the axis and the number of classes that a configuration asks for."""
    x = np.moveaxis(case.inputs["x"], case.config.get("axis", -1), -1)
    classes, axis = config.get("num_class", x.shape[-1]), config.get("axis", -1)
    x = np.resize(x.T, (classes, *x.T.shape[1:])).T
    while not -x.ndim <= axis < x.ndim:
        x = x[None]
    return Case(config, {"x": np.ascontiguousarray(np.moveaxis(x, -1, axis))})


def _class_axes(case: Case) -> dict[str, str]:
    x = case.inputs["x"]
    letters = list("PQRS"[: x.ndim])
    letters[case.config.get("axis", -1)] = "1" if "num_class" in case.config else "C"
    return {"x": "".join(letters)}


def _ids_and_scores(case: Case) -> tuple[Output, ...]:
    return (Output("ids", index=True), Output("scores"))


@st.composite
def _heat_maps(draw: DrawFn, parameters: Parameters) -> Case:
    """Draw score maps with ties; beyond 2048 cells float16 does not count them one by one."""
    scales = configurations(scale=st.sampled_from([4.0, 1.0, 0.3]))
    config = draw(parameters.options(scales))
    images = draw(BATCH)
    classes, height, width = (draw(st.integers(1, 3)) for _ in range(3))
    if draw(st.integers(0, 7)) == 7:
        images, height, width = draw(st.integers(257, 300)), 1, 1
    elif draw(st.booleans()):
        height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    if not parameters.may_set("topk"):  # there are to be so many cells, or just so many
        least = -(-config.get("topk", 100) // (classes * height))
        width = max(width, least) if draw(st.booleans()) else least
    levels = draw(st.sampled_from([2, 10, 0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batch = () if images is None else (images,)
    x = rng.random((*batch, classes, height, width))
    if levels:
        x = np.ceil(x * levels) / levels
    if parameters.may_set("topk"):
        config["topk"] = draw(st.integers(1, min(40, classes * height * width)))
    inputs = {
        "x": x,
        "wh": rng.integers(0, 80, (*batch, 2, height, width)) / 8,
        "reg": rng.integers(0, 9, (*batch, 2, height, width)) / 8,
    }
    return Case(config, draw(mixed_dtypes(inputs, *inputs)))


def _cells_are_counted(
    run: Callable[[Case], tuple[Array, ...]], parameters: Parameters
) -> str | None:
    """Look for the peak of maps with more cells than float32 numbers one by one."""
    config = parameters.of_law({"topk": 1, "scale": 1.0})
    classes, side, place = 4, 2049, 2**24 + 1
    x = np.zeros((1, classes, side, side), np.float32)
    x.flat[place] = 1
    maps = np.zeros((1, 2, side, side), np.float32)
    ids, _, boxes = run(Case(config, {"x": x, "wh": maps, "reg": maps}))
    category, row, column = (int(i) for i in np.unravel_index(place, x.shape[1:]))
    scale = np.float32(config.get("scale", 4.0))
    expected = category, float(np.float32(column) * scale), float(np.float32(row) * scale)
    found = int(ids[0, 0]), *(float(z) for z in boxes[0, 0, :2])
    return None if found == expected else f"class, x and y are {found}, expected {expected}"


def _heat_map_axes(case: Case) -> dict[str, str]:
    axes = {"x": "BCHW", "wh": "B2HW", "reg": "B2HW"}
    return {name: letters[-case.inputs[name].ndim :] for name, letters in axes.items()}


def _heat_map_outputs(case: Case) -> tuple[Output, ...]:
    return (
        Output("ids", index=True),
        Output("scores"),
        Output.bounded("boxes", bounds.center_net_boxes),
    )


CLASS_DECODERS = tuple(
    Operator(
        name,
        "coder",
        partial(_class_scores, name == "MultiPerClassDecoder"),
        _ids_and_scores,
        _class_axes,
        fit=_fit_scores,
    )
    for name in ("MultiClassDecoder", "MultiPerClassDecoder")
)

CENTER_NET = Operator(
    "CenterNetDecoder",
    "coder",
    _heat_maps,
    _heat_map_outputs,
    _heat_map_axes,
    laws=(Law("cells are told apart however many there are", _cells_are_counted),),
)
