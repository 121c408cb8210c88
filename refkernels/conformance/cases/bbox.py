"""Cases of the operators on boxes (SPEC section 1)."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from refkernels.arrays import Array
from refkernels.conformance import bounds
from refkernels.conformance.spec import Case, Image, Law, Operator, Output
from refkernels.conformance.strategies import (
    box_sets,
    configurations,
    mixed_dtypes,
    seeded_box_sets,
)

__all__ = ["OPERATORS"]

Run = Callable[[Case], tuple[Array, ...]]

FORMATS = st.sampled_from(["corner", "center"])
# No integer overflows a convolution of small sets; 0 is tried by the tests, since MXNet has no
# zero-size arrays.
SMALL = st.integers(1, 4)
LARGE = st.integers(1, 40)
BATCH = st.sampled_from([None, 1, 2, 3])
PADDING = st.sampled_from([-1.0, 0.0])


@st.composite
def _one_set(draw: DrawFn, options: SearchStrategy[dict[str, Any]]) -> Case:
    """Draw a configuration and one set of boxes that fits its `axis`."""
    config = draw(options)
    images = draw(BATCH)
    batch = None if images is None else st.just(images)
    (x,) = draw(box_sets((SMALL,), batch) | seeded_box_sets((LARGE,), batch))
    if config.get("fmt") == "center":
        x = _centers(x)
    axis = config.get("axis", -1)
    if not -x.ndim <= axis < x.ndim:
        config["axis"] = axis = x.ndim - 1
    return Case(config, {"x": np.ascontiguousarray(np.moveaxis(x, -1, axis))})


@st.composite
def _two_sets(draw: DrawFn) -> Case:
    """Draw two sets of boxes; the batch of one side may be 1."""
    config = draw(
        configurations(
            fmt=FORMATS,
            offset=st.sampled_from([0, 1, 0.5]),
            eps=st.sampled_from([0, 0, 1e-15, 1e-3]),
            axis=st.sampled_from([-1, -2, 0, 1, 2]),
        )
    )
    images = draw(BATCH)
    batch = None if images is None else st.just(images)
    a, b = draw(box_sets((SMALL, SMALL), batch) | seeded_box_sets((LARGE, LARGE), batch))
    if draw(st.integers(0, 3)) == 3:  # both are padded
        a[..., -1, :], b[..., -1, :] = draw(PADDING), draw(PADDING)
    if images is not None and images > 1:
        single = draw(st.sampled_from(["neither", "a", "b"]))
        a, b = (a[:1] if single == "a" else a), (b[:1] if single == "b" else b)
    if config.get("fmt") == "center":
        a, b = _centers(a), _centers(b)
    axis = config.get("axis", -1)
    if not -a.ndim <= axis < a.ndim:
        config["axis"] = axis = a.ndim - 1
    a, b = (np.ascontiguousarray(np.moveaxis(x, -1, axis)) for x in (a, b))
    return Case(config, draw(mixed_dtypes({"a": a, "b": b}, "a", "b")))


@st.composite
def _boxes_in_images(draw: DrawFn) -> Case:
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
    return np.concatenate([(x[..., :2] + x[..., 2:]) / 2, x[..., 2:] - x[..., :2]], -1)


def _axes_of(*letters: str) -> Any:
    """Return the axis letters of box inputs: batch, boxes, and a digit for the box axis."""

    def axes(case: Case) -> dict[str, str]:
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
        "img": "B1HW" if batched else "1HW",
        "sizes": "B2" if batched else "2",
    }


def _whole(name: str, bound: Any) -> Any:
    return lambda case: (Output(name, lambda case, exact: bound(case)),)


def _whole_or_split(names: tuple[str, ...], bound: Any) -> Any:
    """Describe the outputs of an operator with `split`: one array, or one of each column."""

    def outputs(case: Case) -> tuple[Output, ...]:
        if not case.config.get("split", False):
            return (Output("boxes", lambda case, exact: bound(case)),)

        def column(i: int) -> Any:
            return lambda case, exact: bound(case, i)

        return tuple(Output(name, column(i)) for i, name in enumerate(names))

    return outputs


def _iou_of_image(image: Image) -> Iterator[Case]:
    if len(image.boxes):
        yield Case({}, {"a": image.anchors, "b": image.boxes})


def _boxes_of_image(image: Image) -> Iterator[Case]:
    if len(image.boxes):
        yield Case({}, {"x": image.boxes})


def _clip_of_image(image: Image) -> Iterator[Case]:
    side = max(1, int(image.boxes.max(initial=1) / 2))
    if len(image.boxes):
        yield Case({}, {"x": image.boxes, "img": np.zeros((1, side, side))})


def _law_boxes() -> tuple[Array, Array]:
    """Return boxes of two images on a grid so coarse that sides and moves are exact in float32."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 400, (2, 32, 2)) / 8
    boxes = np.concatenate([corners, corners + rng.integers(1, 200, (2, 32, 2)) / 8], -1)
    return boxes[:, :20].astype(np.float32), boxes[:, 20:].astype(np.float32)


def _ious(run: Run, a: Array, b: Array) -> Array:
    # Without eps, which does not grow with the boxes.
    return run(Case({"eps": 0}, {"a": a, "b": b}))[0]


def _is_symmetric(run: Run) -> str | None:
    a, b = _law_boxes()
    ious, swapped = _ious(run, a, b), np.swapaxes(_ious(run, b, a), 1, 2)
    bound = bounds.box_batch_iou(Case({"eps": 0}, {"a": a, "b": b}))
    return _first_change(ious, swapped, 2 * bound)


def _keeps_ious(change: Callable[[Array], Array]) -> Callable[[Run], str | None]:
    def check(run: Run) -> str | None:
        a, b = _law_boxes()
        return _first_change(_ious(run, a, b), _ious(run, change(a), change(b)))

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
    Law("boxes that move together keep their IoU", _keeps_ious(lambda x: x - np.float32(777.5))),
)

AXIS = st.sampled_from([-1, 0, 1, -2, 2])
TRANSFORM = configurations(axis=AXIS, split=st.booleans())
ONE_SET = _axes_of("N")

OPERATORS = (
    *(
        Operator(
            name,
            "bbox",
            lambda: _one_set(TRANSFORM),
            _whole_or_split(("cx", "cy", "w", "h"), bounds.corner_to_center),
            ONE_SET,
            _boxes_of_image,
        )
        for name in ("BBoxCornerToCenter", "NumPyBBoxCornerToCenter")
    ),
    Operator(
        "BBoxCenterToCorner",
        "bbox",
        lambda: _one_set(TRANSFORM),
        _whole_or_split(("xmin", "ymin", "xmax", "ymax"), bounds.center_to_corner),
        ONE_SET,
        _boxes_of_image,
    ),
    Operator(
        "BBoxSplit",
        "bbox",
        lambda: _one_set(
            st.fixed_dictionaries({"axis": AXIS}, optional={"squeeze_axis": st.booleans()})
        ),
        lambda case: tuple(Output(f"column {i}") for i in range(4)),
        ONE_SET,
    ),
    Operator(
        "BBoxArea",
        "bbox",
        lambda: _one_set(configurations(axis=AXIS, fmt=FORMATS)),
        _whole("areas", bounds.box_area),
        ONE_SET,
        _boxes_of_image,
    ),
    Operator(
        "BBoxBatchIOU",
        "bbox",
        _two_sets,
        _whole("ious", bounds.box_batch_iou),
        _axes_of("N", "M"),
        _iou_of_image,
        laws=IOU_LAWS,
    ),
    Operator(
        "BBoxClipToImage",
        "bbox",
        _boxes_in_images,
        lambda case: (Output("boxes"),),
        _axes_in_images,
        _clip_of_image,
    ),
)
