"""Whatever a box operator is called with: the layout, the batch, and what it refuses."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from refkernels import bbox as bbox_module
from refkernels.bbox import (
    BBoxArea,
    BBoxBatchCIOU,
    BBoxBatchDIOU,
    BBoxBatchGIOU,
    BBoxBatchIOA,
    BBoxBatchIOU,
    BBoxCenterToCorner,
    BBoxClipToImage,
    BBoxCornerToCenter,
    BBoxSplit,
    NumPyBBoxCornerToCenter,
)
from tests.test_bbox import DTYPES, IMAGE, assert_equal, grid, parts

UNARY = [
    BBoxCornerToCenter(),
    BBoxCenterToCorner(),
    NumPyBBoxCornerToCenter(split=True),
    BBoxSplit(axis=-1),
    BBoxSplit(axis=-1, squeeze_axis=True),
    BBoxArea(),
    BBoxArea(fmt="center"),
    lambda x: BBoxClipToImage()(x, IMAGE),
    lambda x: BBoxBatchIOU()(x, x),
    lambda x: BBoxBatchIOA()(x, x),
    lambda x: BBoxBatchGIOU()(x, x),
    lambda x: BBoxBatchDIOU()(x, x),
    lambda x: BBoxBatchCIOU()(x, x),
]
NAMES = ["to center", "to corner", "split center", "split", "squeezed", "area", "center area"]
NAMES += ["clip", "iou", "ioa", "giou", "diou", "ciou"]
every_operator = pytest.mark.parametrize("operator", UNARY, ids=NAMES)


@every_operator
@pytest.mark.parametrize("dtype", DTYPES)
class TestEveryOperator:
    def test_the_layout_makes_no_difference_and_the_input_stays_as_it_is(self, operator, dtype):
        x = grid(2, 6).astype(dtype)
        expected = operator(x)
        read_only = x.copy()
        read_only.flags.writeable = False
        layouts = [
            read_only,
            np.asfortranarray(x),
            np.repeat(x, 2, axis=1)[:, ::2],
            x[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
            x.astype(x.dtype.newbyteorder(">")),
            np.broadcast_to(x, (3, 2, 6, 4))[1],
        ]
        for layout in layouts:
            before = layout.copy()
            assert_equal(operator(layout), expected)
            assert np.array_equal(layout, before)

    def test_an_image_has_the_same_result_alone_and_in_a_batch(self, operator, dtype):
        x = grid(3, 5).astype(dtype)
        for i, image in enumerate(x):
            alone, batch = parts(operator(image)), parts(operator(x))
            for one, all_of_them in zip(alone, batch, strict=True):
                assert np.array_equal(one, all_of_them[i])

    def test_the_result_is_an_array_of_its_own(self, operator, dtype):
        x = grid(2, 5).astype(dtype)
        for part in parts(operator(x)):
            assert part.flags.writeable
            assert not np.shares_memory(part, x)

    @pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
    def test_no_boxes_are_fine(self, operator, dtype, shape):
        for part in parts(operator(np.zeros((*shape, 4), dtype))):
            assert part.dtype == dtype
            assert part.size == 0

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_what_is_not_finite_is_named_with_its_place(self, operator, dtype, bad):
        x = np.zeros((2, 20, 4), dtype)
        x[0, 17, 3] = bad
        with pytest.raises(ValueError, match=rf"^[xa]\[0, 17, 3\] is {bad}, expected finite"):
            operator(x)


@every_operator
class TestEveryOperatorRefuses:
    @pytest.mark.parametrize("x", [[["a"] * 4], [[1j] * 4], np.zeros((2, 4), object), None])
    def test_what_is_not_real(self, operator, x):
        with pytest.raises(TypeError, match=r"^[xa]: expected float16, .*, got dtype "):
            operator(x)

    @pytest.mark.parametrize("shape", [(3, 5), (2, 3, 3), (0,), (4, 0)])
    def test_an_axis_that_is_not_4_long(self, operator, shape):
        with pytest.raises(ValueError, match=r"^[xa]: expected axis -1 to have length 4, got "):
            operator(np.zeros(shape))

    def test_a_number(self, operator):
        with pytest.raises(ValueError, match=r"^[xa]: axis -1 is out of range for shape \(\)"):
            operator(3.0)


@pytest.mark.parametrize("build", [BBoxCornerToCenter, BBoxCenterToCorner, BBoxSplit, BBoxArea])
def test_an_axis_out_of_range_is_an_error(build):
    with pytest.raises(ValueError, match=r"^x: axis 2 is out of range for shape \(3, 4\)$"):
        build(axis=2)(np.zeros((3, 4)))
    with pytest.raises(TypeError, match=r"^axis: expected an integer, got 1.0$"):
        build(axis=1.0)


@pytest.mark.parametrize("build", [BBoxArea, BBoxBatchIOU, BBoxBatchIOA, BBoxBatchCIOU])
def test_an_unknown_form_is_an_error_that_lists_the_known_ones(build):
    with pytest.raises(ValueError, match=r"^fmt: expected 'corner' or 'center', got 'xywh'$"):
        build(fmt="xywh")
    assert build(fmt="CENTER") == build(fmt="center")


@pytest.mark.parametrize(
    ("build", "options", "error", "message"),
    [
        (BBoxCornerToCenter, {"split": 1}, TypeError, "split: expected True or False, got 1"),
        (BBoxCenterToCorner, {"split": None}, TypeError, "split: expected True or False, got None"),
        (BBoxSplit, {"axis": 1, "squeeze_axis": 0}, TypeError, "squeeze_axis: expected True or "),
        (BBoxBatchIOU, {"eps": -1e-9}, ValueError, "eps: expected a number of at least 0, got -1e"),
        (BBoxBatchIOU, {"eps": np.inf}, ValueError, "eps is inf, expected a finite number"),
        (BBoxBatchIOU, {"offset": np.nan}, ValueError, "offset is nan, expected a finite number"),
        (BBoxBatchIOU, {"offset": "1"}, TypeError, "offset: expected a real number, got '1'"),
        (BBoxBatchIOA, {"offset": np.inf}, ValueError, "offset is inf, expected a finite number"),
        (BBoxBatchGIOU, {"axis": "1"}, TypeError, "axis: expected an integer, got '1'"),
    ],
)
def test_a_bad_parameter_is_an_error_that_names_it(build, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        build(**options)


def test_an_offset_that_the_data_cannot_hold_is_an_error():
    box = np.array([[0, 0, 1, 1]], np.float32)
    for build in (BBoxBatchIOU, BBoxBatchIOA):
        with pytest.raises(ValueError, match=r"^offset: 1e\+39 does not fit float32$"):
            build(offset=1e39)(box, box)


def test_iou_takes_sets_or_batches_of_one_size():
    with pytest.raises(ValueError, match=r"^batch sizes differ: a has 2, b has 3; expected"):
        BBoxBatchIOU()(np.zeros((2, 5, 4)), np.zeros((3, 6, 4)))
    with pytest.raises(ValueError, match=r"^a: expected a set of boxes, \(N, 4\), or a batch .* 1"):
        BBoxBatchIOU()(np.zeros(4), np.zeros((6, 4)))
    with pytest.raises(ValueError, match=r"^b: expected a set of boxes, \(N, 4\), or a batch .* 4"):
        BBoxBatchIOU()(np.zeros((6, 4)), np.zeros((1, 1, 6, 4)))
    with pytest.raises(ValueError, match=r"^b\[1, 2\] is inf, expected finite numbers$"):
        BBoxBatchIOU()(np.zeros((6, 4)), [[0, 0, 0, 0], [0, 0, np.inf, 0]])


def test_clip_refuses_images_and_sizes_that_do_not_fit():
    x = np.zeros((2, 3, 4))
    with pytest.raises(ValueError, match=r"^x: expected a set of boxes, .* got 1 axes$"):
        BBoxClipToImage()(np.zeros(4), IMAGE)
    with pytest.raises(ValueError, match=r"^img: expected \(..., H, W\), got shape \(3,\)$"):
        BBoxClipToImage()(x, np.zeros(3))
    with pytest.raises(ValueError, match=r"^img: expected an array, got a ragged sequence$"):
        BBoxClipToImage()(x, [[1, 2], [3]])
    with pytest.raises(
        ValueError, match=r"^sizes: expected \(B, 2\) or \(2,\), got shape \(2, 3\)$"
    ):
        BBoxClipToImage()(x, IMAGE, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"^sizes: expected one row for each of 2 images, got 3$"):
        BBoxClipToImage()(x, IMAGE, np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"^sizes: expected heights and widths of at least 0$"):
        BBoxClipToImage()(x, IMAGE, [[1, 1], [1, -1]])
    with pytest.raises(ValueError, match=r"^sizes\[1, 0\] is nan, expected finite numbers$"):
        BBoxClipToImage()(x, IMAGE, [[1, 1], [np.nan, 1]])


@every_operator
def test_threads_get_what_one_thread_gets(operator):
    images = [grid(50, seed=seed).astype(np.float32) for seed in range(24)]
    expected = [operator(x) for x in images]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(pool.map(operator, images), expected, strict=True):
            assert_equal(one, other)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_iou_needs_no_memory_but_that_of_its_result(dtype):
    a, b = grid(2000).astype(dtype), grid(50, seed=1).astype(dtype)
    BBoxBatchIOU()(a, b)
    tracemalloc.start()
    ious = BBoxBatchIOU()(a, b)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.1 * ious.nbytes


def test_warmup_compiles_every_kernel():
    bbox_module.warmup()


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("operand", ["a", "b"])
def test_what_is_not_finite_is_named_by_the_caller_s_own_index_whatever_the_axis(axis, operand):
    boxes = {name: np.moveaxis(grid(2, 3, seed=1), -1, axis) for name in "ab"}
    broken = boxes[operand] = boxes[operand].copy()
    where = tuple(length - 1 for length in broken.shape)
    broken[where] = np.nan
    place = ", ".join(map(str, where))
    with pytest.raises(ValueError, match=rf"^{operand}\[{place}\] is nan, expected finite"):
        BBoxBatchIOU(axis=axis)(**boxes)
    for build in (BBoxCornerToCenter, BBoxCenterToCorner, BBoxSplit, BBoxArea):
        with pytest.raises(ValueError, match=rf"^x\[{place}\] is nan, expected finite numbers$"):
            build(axis=axis)(broken)


@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_boxes_that_are_scaled_are_so_along_any_axis(scale):
    a, b = ((grid(5, seed=seed) * scale).astype(np.float32) for seed in (0, 1))
    assert_equal(BBoxBatchIOU(axis=0)(a.T, b.T), BBoxBatchIOU()(a, b))
