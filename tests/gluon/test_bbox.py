"""The box blocks compute what the operators compute."""

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkernels
from refkernels import gluon

NAMES = ("BBoxCornerToCenter", "NumPyBBoxCornerToCenter", "BBoxCenterToCorner", "BBoxArea")
DTYPES = ("float16", "float32", "float64")


def some_boxes(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray[Any, Any]:
    """Return corner boxes (*shape, 4), a few of them empty, inverted, equal or padding."""
    scale = {"pixels": 300.0, "huge": 1e5, "normalised": 1.0, "tiny": 1e-4}[kind]
    corners = rng.random((*shape, 4)) * scale
    low = np.minimum(corners[..., :2], corners[..., 2:])
    boxes = np.concatenate([low, np.maximum(corners[..., :2], corners[..., 2:])], -1)
    boxes[rng.random(shape) < 0.1] = boxes[(0,) * len(shape)]
    boxes[rng.random(shape) < 0.1, 2] = 0
    boxes[rng.random(shape) < 0.1] = -1
    boxes[rng.random(shape) < 0.1] = 0
    return boxes


@st.composite
def box_sets(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], ...]:
    """Draw two sets or batches of sets of boxes, of any dtypes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["pixels", "huge", "normalised", "tiny"]))
    leads: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((), ()), ((1,), (1,)), ((3,), (3,)), ((1,), (3,)), ((3,), (1,)), ((), (3,)), ((3,), ()),
    ]  # fmt: skip
    arrays = []
    for lead in draw(st.sampled_from(leads)):
        dtype = draw(st.sampled_from(DTYPES[1:] if kind == "huge" else DTYPES))
        arrays.append(some_boxes(rng, (*lead, draw(st.integers(1, 9))), kind).astype(dtype))
    return tuple(arrays)


def assert_close(actual: Any, expected: Any, ulps: int) -> None:
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    np.testing.assert_array_max_ulp(actual, expected, ulps)


def along(axis: int, boxes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(np.moveaxis(boxes, -1, axis))


@pytest.fixture(scope="module")
def blocks(run: Any) -> dict[Any, Any]:
    """Return blocks that live as long as the mode they run in, by name and parameters."""
    return {}


def pair(blocks: dict[Any, Any], name: str, **parameters: Any) -> tuple[Any, Any]:
    key = (name, *parameters.items())
    if key not in blocks:
        blocks[key] = getattr(gluon, name)(**parameters)
    return blocks[key], getattr(refkernels, name)(**parameters)


@given(sets=box_sets(), name=st.sampled_from(NAMES), axis=st.sampled_from([-1, 0]))
def test_conversions_and_areas_are_bit_for_bit_those_of_the_operator(
    run: Any, blocks: Any, sets: Any, name: str, axis: int
) -> None:
    block, operator = pair(blocks, name, axis=axis)
    for boxes in sets:
        x = along(axis, boxes)
        assert_close(run(block, x), operator(x), 0)


@given(sets=box_sets(), name=st.sampled_from(NAMES[:3]), axis=st.sampled_from([-1, 0]))
def test_split_columns_keep_their_axis(
    run: Any, blocks: Any, sets: Any, name: str, axis: int
) -> None:
    block, operator = pair(blocks, name, axis=axis, split=True)
    x = along(axis, sets[0])
    columns = run(block, x)
    assert len(columns) == 4
    for actual, expected in zip(columns, operator(x), strict=True):
        assert actual.shape[axis] == 1
        assert_close(actual, expected, 0)


@given(sets=box_sets(), axis=st.sampled_from([-1, 0]), squeeze=st.booleans())
def test_a_split_is_exact(run: Any, blocks: Any, sets: Any, axis: int, squeeze: bool) -> None:
    block, operator = pair(blocks, "BBoxSplit", axis=axis, squeeze_axis=squeeze)
    x = along(axis, sets[0])
    for actual, expected in zip(run(block, x), operator(x), strict=True):
        assert_close(actual, expected, 0)


@given(
    sets=box_sets(),
    axis=st.sampled_from([-1, -2]),
    fmt=st.sampled_from(["corner", "center"]),
    offset=st.sampled_from([0, 1, 0.3]),
)
def test_ious_are_those_of_the_operator(
    run: Any, blocks: Any, sets: Any, axis: int, fmt: str, offset: float
) -> None:
    block, operator = pair(blocks, "BBoxBatchIOU", axis=axis, fmt=fmt, offset=offset)
    a, b = (along(axis, boxes) for boxes in sets)
    ious = run(block, a, b)
    assert_close(ious, operator(a, b), 2)
    assert ious.min() >= 0
    assert ious.max() <= 1


def test_the_area_of_a_centre_box_looks_at_its_sides_only(run: Any, dtype: Any) -> None:
    x = np.array([[5, 5, 2, 3], [5, 5, -2, 3], [5, 5, 2, 0]], dtype)
    np.testing.assert_array_equal(run(gluon.BBoxArea(fmt="center"), x), [[6], [0], [0]])


def test_ious_along_axis_1_are_those_of_the_last_axis(run: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = some_boxes(rng, (2, 7), "pixels"), some_boxes(rng, (2, 3), "pixels")
    transposed = run(gluon.BBoxBatchIOU(axis=1), along(1, a), along(1, b))
    np.testing.assert_array_equal(transposed, run(gluon.BBoxBatchIOU(), a, b))


def test_a_box_of_300_pixels_has_iou_1_with_itself_in_float16(run: Any) -> None:
    box = np.array([[0, 0, 300, 300]], np.float16)
    np.testing.assert_array_equal(run(gluon.BBoxBatchIOU(), box, box), [[1]])


def test_empty_and_inverted_boxes_have_iou_0_with_everything(run: Any, dtype: Any) -> None:
    empty = np.array([[0, 0, 0, 0], [-1, -1, -1, -1], [9, 9, 1, 1], [1, 1, 1, 5]], dtype)
    boxes = np.concatenate([empty, np.array([[0, 0, 10, 10], [-2, -2, 0.5, 0.5]], dtype)])
    np.testing.assert_array_equal(run(gluon.BBoxBatchIOU(), empty, boxes), 0)
    np.testing.assert_array_equal(run(gluon.BBoxBatchIOU(eps=0), boxes, empty), 0)


def test_one_graph_serves_every_dtype_and_shape(run: Any) -> None:
    block, operator = gluon.BBoxBatchIOU(), refkernels.BBoxBatchIOU()
    rng = np.random.default_rng(0)
    for first, second in [((2, 5), (2, 3)), ((4,), (6,)), ((1, 9), (3, 1))]:
        for dtype_a in DTYPES:
            for dtype_b in DTYPES:
                a = some_boxes(rng, first, "pixels").astype(dtype_a)
                b = some_boxes(rng, second, "pixels").astype(dtype_b)
                assert_close(run(block, a, b), operator(a, b), 2)


def test_boxes_are_clipped_to_the_image(run: Any, dtype: Any) -> None:
    x = np.array([[[-5, 10, 250, 120], [3, -1, 4, 5], [300, 300, 400, 400]]] * 2, dtype)
    image = np.zeros((2, 3, 100, 200), np.float32)
    clipped = run(gluon.BBoxClipToImage(), x, image)
    assert clipped.dtype == dtype
    row = [[0, 10, 200, 100], [3, 0, 4, 5], [200, 100, 200, 100]]
    np.testing.assert_array_equal(clipped, [row, row])
    np.testing.assert_array_equal(run(gluon.BBoxClipToImage(), x[0], image[0]), row)


def test_boxes_are_clipped_to_the_true_size_of_a_padded_image(run: Any, dtype: Any) -> None:
    x = np.array([[[-5, 10, 250, 120]]] * 2, dtype)
    image = np.zeros((2, 3, 100, 200), np.float32)
    for integer in (np.int32, np.float32, np.float64):
        sizes = np.array([[80, 150], [100, 200]], integer)
        clipped = run(gluon.BBoxClipToImage(), x, image, sizes)
        np.testing.assert_array_equal(clipped, [[[0, 10, 150, 80]], [[0, 10, 200, 100]]])


def blocks_of_one_array() -> list[Any]:
    return [
        gluon.BBoxCornerToCenter(),
        gluon.BBoxCornerToCenter(split=True),
        gluon.BBoxCenterToCorner(),
        gluon.BBoxArea(),
        gluon.BBoxArea(fmt="center"),
    ]


def blocks_of_two_arrays() -> list[Any]:
    return [
        gluon.BBoxBatchIOU(),
        gluon.BBoxBatchIOU(fmt="center", offset=0.5),
        gluon.BBoxClipToImage(),
    ]


@pytest.mark.parametrize("length", [3, 5, 8])
@pytest.mark.parametrize("hybridise", [False, True])
def test_an_axis_that_has_not_length_4_is_an_error(length: int, hybridise: bool) -> None:
    blocks = [
        *((block, 1) for block in [*blocks_of_one_array(), gluon.BBoxSplit(-1)]),
        *((block, 2) for block in blocks_of_two_arrays()[:2]),
    ]
    for block, number in blocks:
        block.hybridize(hybridise)
        with pytest.raises(mx.MXNetError):
            block(*[mx.nd.ones((2, length))] * number)


@pytest.mark.parametrize("hybridise", [False, True])
def test_no_gradient_flows_through_a_box_block(assert_no_gradient: Any, hybridise: bool) -> None:
    x = mx.nd.array([[1.0, 2, 3, 5], [0, 0, 7, 7]])
    for number, blocks in enumerate([blocks_of_one_array(), blocks_of_two_arrays()], 1):
        for block in blocks:
            block.hybridize(hybridise)
            assert_no_gradient(block, *[x] * number)


@pytest.mark.parametrize("hybridise", [False, True])
def test_a_gradient_may_end_behind_a_split(hybridise: bool) -> None:
    block = gluon.BBoxSplit(axis=-1, squeeze_axis=True)  # with MXNet's split a crash
    block.hybridize(hybridise)
    for _ in range(20):
        x = mx.nd.ones((2, 4))
        x.attach_grad()
        with mx.autograd.record():
            xmin, ymin, _, _ = block(x)
            loss = mx.nd.BlockGrad(xmin + ymin)
        loss.backward()
        np.testing.assert_array_equal(x.grad.asnumpy(), 0)


def test_gradients_flow_through_a_split() -> None:
    x = mx.nd.array([[1.0, 2, 3, 5], [0, 0, 7, 7]])
    x.attach_grad()
    with mx.autograd.record():
        xmin, _, xmax, _ = gluon.BBoxSplit(axis=-1)(x)
        loss = (xmax - 2 * xmin).sum() + gluon.BBoxBatchIOU()(x, x).sum()
    loss.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), [[-2, 0, 1, 0]] * 2)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: gluon.BBoxArea(fmt="corners"), ValueError, "fmt: expected 'corner' or 'center'"),
        (lambda: gluon.BBoxBatchIOU(fmt=1), TypeError, "fmt: expected 'corner' or 'center', got"),
        (lambda: gluon.BBoxBatchIOU(eps=-1e-9), ValueError, "eps: expected a number of at least 0"),
        (lambda: gluon.BBoxBatchIOU(offset="1"), TypeError, "offset: expected a real number"),
        (lambda: gluon.BBoxSplit(axis=0.5), TypeError, "axis: expected an integer, got 0.5"),
        (lambda: gluon.BBoxCornerToCenter(split=2), TypeError, "split: expected True or False"),
        (lambda: gluon.BBoxCenterToCorner(axis=None), TypeError, "axis: expected an integer"),
    ],
)
def test_a_bad_parameter_is_named(build: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build()
