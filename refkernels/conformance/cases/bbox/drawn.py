"""Cases of the operators on boxes (SPEC section 1)."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from refkernels.arrays import Array, computing_dtype
from refkernels.bounds import bbox as bounds
from refkernels.conformance.cases.strategies import (
    box_sets,
    configurations,
    mixed_dtypes,
    seeded_box_sets,
)
from refkernels.conformance.model.operator import Case, Image, Law, Operator, Output
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["OPERATORS", "axes_of", "fit", "law_boxes", "pairs_of_image", "two_sets"]

Run = Callable[[Case], tuple[Array, ...]]

FORMATS = st.sampled_from(["corner", "center"])
# No integer overflows a convolution of small sets; 0 is tried by the tests, since MXNet has no
# zero-size arrays.
SMALL = st.integers(1, 4)
LARGE = st.integers(1, 40)
BATCH = st.sampled_from([None, 1, 2, 3])
PADDING = st.sampled_from([-1.0, 0.0])


def _images_for(axis: int) -> SearchStrategy[int | None]:
    """Draw how many images a batch has, or that there is none, such that there is this axis."""
    return BATCH if -2 <= axis < 2 else st.sampled_from([1, 2, 3])


@st.composite
def _one_set(draw: DrawFn, options: SearchStrategy[dict[str, Any]], parameters: Parameters) -> Case:
    """Draw a configuration and one set of boxes that fits its `axis`."""
    config = draw(parameters.options(options))
    axis = config.get("axis", -1)
    images = draw(_images_for(axis))
    batch = None if images is None else st.just(images)
    (x,) = draw(box_sets((SMALL,), batch) | seeded_box_sets((LARGE,), batch))
    if config.get("fmt") == "center":
        x = _centers(x)
    return Case(config, {"x": _moved(x, -1, axis)})


def _moved(x: Array, axis: int, to: int) -> Array:
    """Move an axis; where there is none of that number, the boxes become a batch of one."""
    if not -x.ndim <= to < x.ndim:
        x, axis = x[None], axis if axis < 0 else axis + 1
    if not -x.ndim <= to < x.ndim:
        return x
    return np.ascontiguousarray(np.moveaxis(x, axis, to))


TWO_SETS = configurations(
    fmt=FORMATS,
    offset=st.sampled_from([0, 1, 0.5]),
    eps=st.sampled_from([0, 0, 1e-15, 1e-3]),
    axis=st.sampled_from([-1, -2, 0, 1, 2]),
)


@st.composite
def two_sets(
    draw: DrawFn,
    parameters: Parameters,
    options: SearchStrategy[dict[str, Any]] = TWO_SETS,
) -> Case:
    """Draw two sets of boxes; the batch of one side may be 1."""
    config = draw(parameters.options(options))
    axis = config.get("axis", -1)
    images = draw(_images_for(axis))
    batch = None if images is None else st.just(images)
    a, b = draw(box_sets((SMALL, SMALL), batch) | seeded_box_sets((LARGE, LARGE), batch))
    offset, eps = config.get("offset", 0), config.get("eps", 1e-15)
    # Where areas are about as large as eps, and sides as the offset, both count.
    unit = draw(st.sampled_from([1.0, 1.0, 1.0, *{math.sqrt(eps), abs(offset)} - {0.0, 1.0}]))
    if unit != 1 and parameters.fixed is not None:
        size = float(np.abs(a[..., 2:] - a[..., :2]).max(initial=0)) or 1.0
        a, b = a * (unit / size), b * (unit / size)
    if draw(st.integers(0, 3)) == 3:  # both are padded
        a[..., -1, :], b[..., -1, :] = draw(PADDING), draw(PADDING)
    if images is not None and images > 1:
        single = draw(st.sampled_from(["neither", "a", "b"]))
        a, b = (a[:1] if single == "a" else a), (b[:1] if single == "b" else b)
    if config.get("fmt") == "center":
        a, b = _centers(a), _centers(b)
    return Case(
        config, draw(mixed_dtypes({"a": _moved(a, -1, axis), "b": _moved(b, -1, axis)}, "a", "b"))
    )


def fit(case: Case, config: Mapping[str, Any]) -> Case | None:
    """Give boxes the form and the axis that a configuration asks for."""
    own, axis = case.config.get("axis", -1), config.get("axis", -1)
    inputs = {}
    for name, array in case.inputs.items():
        boxes = np.moveaxis(array, own, -1)
        form = config.get("fmt", "corner")
        if form == "center" and case.config.get("fmt", "corner") == "corner":
            boxes = _centers(boxes)
        inputs[name] = _moved(boxes, -1, axis)
    return Case(config, inputs)


@st.composite
def _boxes_in_images(draw: DrawFn, parameters: Parameters) -> Case:
    """Draw boxes in and around an image, and sometimes the images' true sizes."""
    images = draw(BATCH)
    batch = None if images is None else st.just(images)
    (x,) = draw(box_sets((SMALL,), batch) | seeded_box_sets((LARGE,), batch))
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    shape = (1, height, width) if images is None else (images, 1, height, width)
    inputs: dict[str, Array] = {"x": x, "img": np.zeros(shape)}
    if draw(st.booleans()):
        side = st.integers(1, 60) | st.integers(1, 240).map(lambda n: n / 4)
        count = 1 if images is None else images
        sizes = np.array([[draw(side), draw(side)] for _ in range(count)], np.float64)
        inputs["sizes"] = sizes[0] if images is None else sizes
    return Case({}, draw(mixed_dtypes(inputs, "x", "img")))


def _centers(x: Array) -> Array:
    with np.errstate(over="ignore"):  # such are no boxes, and are refused
        return np.concatenate([(x[..., :2] + x[..., 2:]) / 2, x[..., 2:] - x[..., :2]], -1)


def axes_of(*letters: str) -> Any:
    """Return the axis letters of box inputs: batch, boxes, and a digit for the box axis."""

    def axes(case: Case) -> dict[str, str]:
        """Return the axis letters of a case's inputs by their names."""
        named = {}
        for (name, array), letter in zip(case.inputs.items(), letters, strict=False):
            order = [letter] if array.ndim == 2 else ["B", letter]
            axis = case.config.get("axis", -1) % array.ndim
            order.insert(axis, "4")
            named[name] = "".join(order)
        sizes = [a.shape[0] for a in case.inputs.values() if a.ndim == 3]
        if len(set(sizes)) > 1:  # a batch of 1 that broadcasts is not shrunk with the others
            named = {name: axes.replace("B", "1") for name, axes in named.items()}
        return named

    return axes


def _axes_in_images(case: Case) -> dict[str, str]:
    batched = case.inputs["x"].ndim == 3
    return {
        "x": "BN4" if batched else "N4",
        "img": "BcHW" if batched else "cHW",  # a channel is no image
        "sizes": "B2" if batched else "2",
    }


def _whole(name: str, bound: Any) -> Any:
    return lambda case: (Output.bounded(name, bound),)


def _whole_or_split(names: tuple[str, ...], bound: Any) -> Any:
    """Describe the outputs of an operator with `split`: one array, or one of each column."""

    def outputs(case: Case) -> tuple[Output, ...]:
        """Describe the outputs of a case: the boxes, or each of their columns."""
        if not case.config.get("split", False):
            return (Output.bounded("boxes", bound),)
        axis = case.config.get("axis", -1)

        def column(i: int) -> Any:
            """Return a function that bounds this one column."""
            return lambda case, exact: np.take(bound(case.inputs["x"], axis=axis), [i], axis)

        return tuple(Output(name, column(i)) for i, name in enumerate(names))

    return outputs


def pairs_of_image(image: Image) -> Iterator[Case]:
    """Yield an image's anchors and boxes."""
    if len(image.boxes):
        yield Case({}, {"a": image.anchors, "b": image.boxes})


def _boxes_of_image(image: Image) -> Iterator[Case]:
    if len(image.boxes):
        yield Case({}, {"x": image.boxes})


def _clip_of_image(image: Image) -> Iterator[Case]:
    side = max(1, int(image.boxes.max(initial=1) / 2))
    if len(image.boxes):
        yield Case({}, {"x": image.boxes, "img": np.zeros((1, side, side))})


def law_boxes() -> tuple[Array, Array]:
    """Return boxes of two images on a grid so coarse that sides and moves are exact in float32."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 400, (2, 32, 2)) / 8
    boxes = np.concatenate([corners, corners + rng.integers(1, 200, (2, 32, 2)) / 8], -1)
    return boxes[:, :20].astype(np.float32), boxes[:, 20:].astype(np.float32)


def _law_ious(run: Run, config: dict[str, Any], a: Array, b: Array) -> Array:
    fitted = fit(Case({}, {"a": a, "b": b}), config)
    assert fitted is not None
    return run(fitted)[0]


def _bound(config: dict[str, Any], a: Array, b: Array) -> Array:
    fitted = fit(Case({}, {"a": a, "b": b}), config)
    assert fitted is not None
    return bounds.box_batch_iou(*fitted.inputs.values(), **fitted.config)


def _without_eps(parameters: Parameters) -> dict[str, Any]:
    """Return a configuration without eps, which does not grow with the boxes, if there is one."""
    try:
        return parameters.of_law({"eps": 0})
    except Untried:
        return parameters.of_law({})


def _is_symmetric(run: Run, parameters: Parameters) -> str | None:
    config = _without_eps(parameters)
    a, b = law_boxes()
    ious, swapped = _law_ious(run, config, a, b), _law_ious(run, config, b, a)
    return _first_change(ious, np.swapaxes(swapped, 1, 2), 2 * _bound(config, a, b))


def _keeps_ious(
    change: Callable[[Array], Array], scales: bool = True
) -> Callable[[Run, Parameters], str | None]:
    def check(run: Run, parameters: Parameters) -> str | None:
        """Tell of the first IoU that the change makes another one, beyond what rounding allows."""
        config = _without_eps(parameters)
        if scales and config.get("offset", 0) != 0:
            raise Untried("it does not hold with an offset")
        if scales and config.get("eps", 1e-15) > 1e-12:
            raise Untried("it does not hold with so large an eps")
        a, b = law_boxes()
        before = _law_ious(run, config, a, b)
        changed = change(a), change(b)
        after = _law_ious(run, config, *changed)
        # On a grid all is exact but for eps, and for what a fixed configuration brings in.
        exact = config == {"eps": 0}
        allowed = 0 if exact else _bound(config, a, b) + _bound(config, *changed)
        return _first_change(before, after, allowed)

    return check


def _first_change(before: Array, after: Array, allowed: Any = 0) -> str | None:
    wrong = ~(np.abs(before - after) <= allowed)
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"ious{list(place)} goes from {before[place]} to {after[place]}"


IOU_LAWS = (
    Law("the IoU of a and b is that of b and a", _is_symmetric),
    Law("boxes 1024 times as large have the same IoU", _keeps_ious(lambda x: x * 1024)),
    Law("boxes 1024 times as small have the same IoU", _keeps_ious(lambda x: x / 1024)),
    Law(
        "boxes that move together keep their IoU",
        _keeps_ious(lambda x: x - np.float32(777.5), scales=False),
    ),
)


def _endless(case: Case) -> Array:
    """Mark areas of which a side overflows."""
    x, axis = case.inputs["x"], case.config.get("axis", -1)
    low, high = np.split(x.astype(computing_dtype(x.dtype)), 2, axis)
    with np.errstate(over="ignore"):
        sides = high if case.config.get("fmt") == "center" else high - low
    return np.asarray(~np.isfinite(sides).all(axis, keepdims=True))


AXIS = st.sampled_from([-1, 0, 1, -2, 2])
TRANSFORM = configurations(axis=AXIS, split=st.booleans())
ONE_SET = axes_of("N")

OPERATORS = (
    *(
        Operator(
            name,
            "bbox",
            lambda parameters: _one_set(TRANSFORM, parameters),
            _whole_or_split(("cx", "cy", "w", "h"), bounds.corner_to_center),
            ONE_SET,
            _boxes_of_image,
            fit=fit,
        )
        for name in ("BBoxCornerToCenter", "NumPyBBoxCornerToCenter")
    ),
    Operator(
        "BBoxCenterToCorner",
        "bbox",
        lambda parameters: _one_set(TRANSFORM, parameters),
        _whole_or_split(("xmin", "ymin", "xmax", "ymax"), bounds.center_to_corner),
        ONE_SET,
        _boxes_of_image,
        fit=fit,
    ),
    Operator(
        "BBoxSplit",
        "bbox",
        lambda parameters: _one_set(
            st.fixed_dictionaries({"axis": AXIS}, optional={"squeeze_axis": st.booleans()}),
            parameters,
        ),
        lambda case: tuple(Output(f"column {i}") for i in range(4)),
        ONE_SET,
        fit=fit,
    ),
    Operator(
        "BBoxArea",
        "bbox",
        lambda parameters: _one_set(configurations(axis=AXIS, fmt=FORMATS), parameters),
        lambda case: (Output.bounded("areas", bounds.box_area, _endless),),
        ONE_SET,
        _boxes_of_image,
        fit=fit,
    ),
    Operator(
        "BBoxBatchIOU",
        "bbox",
        two_sets,
        _whole("ious", bounds.box_batch_iou),
        axes_of("N", "M"),
        pairs_of_image,
        laws=IOU_LAWS,
        fit=fit,
    ),
    Operator(
        "BBoxClipToImage",
        "bbox",
        _boxes_in_images,
        lambda case: (Output("boxes"),),
        _axes_in_images,
        _clip_of_image,
        optional=("sizes",),
    ),
)
