"""Whatever form an input has, it is the same input; what is none is refused in one clear error."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import refkernels
from refkernels.arrays import Array
from refkernels.assign import ImageAnnotations, TargetAssigner
from tests.calls import ANCHORS, STYLES, TRUTHS, Call, Inputs, parts
from tests.detector_calls import ALL_CALLS
from tests.test_neighbours import DTYPES, same_bits

each_call = pytest.mark.parametrize("call", ALL_CALLS, ids=[call.name for call in ALL_CALLS])
each_dtype = pytest.mark.parametrize("dtype", DTYPES)

SIGNALLING = {2: 0x7D00, 4: 0x7FA00000, 8: 0x7FF4000000000000}


def placed(array: Array, offset: int) -> Array:
    """Return a copy that begins so many bytes after a cache line."""
    memory = np.zeros(array.nbytes + 256, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64 + offset
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def layouts(array: Array) -> Iterator[Array]:
    """The same array in other layouts."""
    for offset in (1, 2, 4, 8, 16, 32, array.itemsize):
        yield placed(array, offset)
    yield np.asfortranarray(array)
    yield array[::-1].copy()[::-1]
    yield np.flip(np.flip(array).copy())
    yield np.repeat(array, 2, axis=-1)[..., ::2]
    yield array.astype(array.dtype.newbyteorder())
    yield np.frombuffer(b"?" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)
    read_only = array.copy()
    read_only.flags.writeable = False
    yield read_only


@each_call
@each_dtype
def test_the_layout_makes_no_difference_in_any_bit(call: Call, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for style in ("usual", "huge", "many"):
        inputs = call.batch(rng, [style, "usual"], dtype)
        expected = parts(call.operator(**inputs))
        for name, array in inputs.items():
            for layout in layouts(array):
                before = layout.tobytes()
                found = parts(call.operator(**{**inputs, name: layout}))
                assert all(map(same_bits, found, expected))
                assert layout.tobytes() == before


def test_predictors_have_the_same_bits_wherever_their_inputs_lie() -> None:
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for _ in range(60):
            batch, taps, count = rng.integers(1, (5, 200, 30))
            side = int(rng.integers(1, 4))
            rows = rng.normal(size=(batch, taps)).astype(dtype)
            images = rng.normal(size=(batch, taps, side, side)).astype(dtype)
            matrix = rng.normal(size=(count, taps)).astype(dtype)
            dense = refkernels.FCPredictor(int(count), use_bias=False)
            convolve = refkernels.ConvPredictor(int(count), 1, 0, use_bias=False)
            for operator, x, weight in (
                (dense, rows, matrix),
                (convolve, images, matrix[..., None, None]),
            ):
                expected = operator(placed(x, 0), placed(weight, 0))
                for offset in (1, 4, 8, 16, 32):
                    assert same_bits(operator(placed(x, offset), weight), expected)
                    assert same_bits(operator(x, placed(weight, offset)), expected)


@each_call
@each_dtype
@pytest.mark.filterwarnings("error")
def test_valid_input_warns_of_nothing_whatever_numpy_is_to_raise(call: Call, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for style in STYLES:
        for _ in range(3):
            inputs = call.batch(rng, [style, "usual"], dtype)
            with np.errstate(all="raise"):
                call.operator(**inputs)


@each_call
@each_dtype
@pytest.mark.filterwarnings("error")
def test_a_signalling_nan_is_a_nan_and_named_with_its_place(call: Call, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    inputs = call.batch(rng, ["usual"] * 3, dtype)
    for name, array in inputs.items():
        if array.dtype != dtype:
            continue
        broken = array.copy()
        broken.view(f"u{array.itemsize}").reshape(-1)[-1] = SIGNALLING[array.itemsize]
        where = r", ".join(str(length - 1) for length in array.shape)
        for given in (broken, broken.astype(broken.dtype.newbyteorder())):
            with pytest.raises(ValueError, match=rf"{name}\S*\[{where}\] is nan"):
                call.operator(**{**inputs, name: given})


@each_call
def test_a_masked_array_is_refused_and_not_taken_for_its_data(call: Call) -> None:
    rng = np.random.default_rng(0)
    inputs = call.batch(rng, ["usual"] * 2, np.float32)
    for name, array in inputs.items():
        masked = np.ma.masked_array(array, mask=np.zeros(array.shape, bool))
        forms = [masked, np.ma.masked_array(array)]
        if array.ndim > 1 and call.name != "network":  # whose parameters are arrays
            forms += [list(masked), [[*masked[0]], *masked[1:]]]
        for given in forms:
            with pytest.raises(TypeError, match=rf"{name}\S*: expected an array without a mask"):
                call.operator(**{**inputs, name: given})


@each_call
@pytest.mark.parametrize("given", [{1.0, 2.0}, {0: 1.0}, "text", None, object(), iter([1.0])])
def test_what_is_no_array_is_a_type_error_that_names_it(call: Call, given: Any) -> None:
    inputs = call.batch(np.random.default_rng(0), ["usual"], np.float32)
    for name in inputs:
        if given is None and name in ("sizes", "valid"):
            continue  # which are optional
        if given is None and name == "bias":
            with pytest.raises(ValueError, match="bias: expected shape"):
                call.operator(**{**inputs, name: given})
            continue
        with pytest.raises(TypeError, match=rf"^{name}|^params\['{name}'\]"):
            call.operator(**{**inputs, name: given})


class TestNothingIsNormal:
    """An axis of length 0, for an image and for a batch of one alike."""

    @pytest.mark.parametrize("call", [c for c in ALL_CALLS if not c.batched], ids=lambda c: c.name)
    @pytest.mark.parametrize("lengths", [{ANCHORS}, {TRUTHS}, {ANCHORS, TRUTHS}, {3}, {4}, {2}])
    def test_an_image_has_the_result_of_a_batch_of_one(self, call: Call, lengths: set[int]) -> None:
        rng = np.random.default_rng(0)
        shared = call.shared(rng, np.float32)
        for style in ("none", "usual"):
            image = call.image(rng, style, np.float32)
            image = {name: cut(array, lengths) for name, array in image.items()}
            batch = {name: array[None] for name, array in image.items()}
            alone = result_of(call.operator, {**image, **shared})
            together = result_of(call.operator, {**batch, **shared})
            if isinstance(alone, Exception) or isinstance(together, Exception):
                assert type(alone) is type(together) is ValueError
                continue
            for one, other in zip(alone, together, strict=True):
                assert same_bits(one, other[0])

    @each_call
    def test_no_images_are_a_batch(self, call: Call) -> None:
        rng = np.random.default_rng(0)
        shared = call.shared(rng, np.float32)
        images: Inputs = {
            name: np.stack([array])[:0]
            for name, array in call.image(rng, "usual", np.float32).items()
        }
        for part in parts(call.operator(**images, **shared)):
            assert part.shape[0] == 0

    @pytest.mark.parametrize("shape", [(3, 4, 0), (3, 0, 4), (3, 0, 0), (0, 4, 4)])
    def test_a_convolution_of_no_pixels_or_no_channels(self, shape: tuple[int, ...]) -> None:
        weight = np.ones((2, shape[0], 2, 2))
        operator = refkernels.ConvPredictor(2, kernel=2, pad=1, use_bias=False)
        alone = operator(np.ones(shape), weight)
        assert alone.shape == (2, shape[1] + 1, shape[2] + 1)
        assert same_bits(alone, operator(np.ones((1, *shape)), weight)[0])
        assert not alone.any()

    @pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0, 0), (2, 0, 7)])
    def test_a_fully_connected_layer_of_nothing(self, shape: tuple[int, ...]) -> None:
        x = np.ones(shape)
        weight, bias = np.ones((2, int(np.prod(shape[1:])))), np.array([1.0, 2.0])
        expected = np.broadcast_to(bias, (shape[0], 2))
        np.testing.assert_array_equal(refkernels.FCPredictor(2)(x, weight, bias), expected)


def cut(array: Array, lengths: set[int]) -> Array:
    return array[tuple(slice(0 if n in lengths else None) for n in array.shape)].copy()


def result_of(operator: Callable[..., Any], inputs: Inputs) -> Any:
    try:
        return parts(operator(**inputs))
    except Exception as error:
        return error


class TestAssigners:
    assigner = None

    def setup_method(self) -> None:
        boxes = np.array([[0, 0, 10, 10], [5, 5, 15, 15], [20, 20, 30, 30]], np.float32)
        self.boxes, self.labels = boxes[1:], np.array([1, 2])
        self.regions, self.assigner = boxes[:1], TargetAssigner(boxes)

    def test_the_layout_makes_no_difference(self) -> None:
        given = [self.boxes, self.labels, self.regions]
        expected = self.assigner(*given)
        for k, array in enumerate(given):
            for layout in layouts(array):
                found = self.assigner(*given[:k], layout, *given[k + 1 :])
                batch = self.assigner(*([own] for own in (*given[:k], layout, *given[k + 1 :])))
                for field in ("cls_targets", "box_targets", "matches", "samples"):
                    assert same_bits(getattr(found, field), getattr(expected, field))
                    assert same_bits(getattr(batch, field)[0], getattr(expected, field))

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_a_signalling_nan_is_named(self, dtype: Any) -> None:
        broken = self.boxes.astype(dtype)
        broken.view(f"u{broken.itemsize}")[1, 2] = SIGNALLING[broken.itemsize]
        with pytest.raises(ValueError, match=r"^boxes\[1, 2\] is nan"):
            self.assigner(broken, self.labels)
        with pytest.raises(ValueError, match=r"^ignore\[1\]\[1, 2\] is nan"):
            self.assigner([self.boxes] * 2, [self.labels] * 2, [self.boxes, broken])
        with pytest.raises(ValueError, match=r"^anchors\[1, 2\] is nan"):
            TargetAssigner(broken)

    def test_masked_arrays_are_refused(self) -> None:
        masked = np.ma.masked_array(self.boxes)
        with pytest.raises(TypeError, match=r"^anchors: expected an array without a mask"):
            TargetAssigner(masked)
        with pytest.raises(TypeError, match=r"^boxes: expected an array without a mask"):
            self.assigner(masked, self.labels)
        with pytest.raises(TypeError, match=r"^boxes\[1\]: expected an array without a mask"):
            self.assigner([self.boxes, masked], [self.labels] * 2)
        with pytest.raises(TypeError, match=r"^boxes\S*: expected an array without a mask"):
            self.assigner(np.ma.masked_array([self.boxes] * 2), [self.labels] * 2)
        with pytest.raises(TypeError, match=r"^labels: expected an array without a mask"):
            self.assigner(self.boxes, np.ma.masked_array(self.labels))
        with pytest.raises(TypeError, match=r"^ignore: expected an array without a mask"):
            self.assigner(self.boxes, self.labels, masked)
        with pytest.raises(TypeError, match=r"^image_ids: expected an array without a mask"):
            self.assigner([self.boxes], [self.labels], image_ids=np.ma.masked_array([1]))

    @pytest.mark.parametrize("given", [{1, 2}, {0: 1, 1: 2}, "ab", iter([1, 2]), object()])
    def test_what_has_no_order_is_refused(self, given: Any) -> None:
        many = [self.boxes] * 2
        with pytest.raises(TypeError, match=r"^boxes: expected "):
            self.assigner(given, self.labels)
        with pytest.raises(TypeError, match=r"^labels: expected those of 2 images"):
            self.assigner(many, given)
        with pytest.raises(TypeError, match=r"^ignore: expected those of 2 images"):
            self.assigner(many, [self.labels] * 2, given)
        with pytest.raises(TypeError, match=r"^image_ids: expected those of 2 images"):
            self.assigner(many, [self.labels] * 2, image_ids=given)

    def test_arrays_of_no_image_are_held_to_their_dtypes(self) -> None:
        boxes, labels = np.zeros((0, 0, 4)), np.zeros((0, 0), np.int64)
        assert len(self.assigner(boxes, labels).samples) == 0
        for wrong in (boxes.astype("S8"), np.ma.masked_array(boxes), boxes.astype("m8[s]")):
            with pytest.raises(TypeError, match=r"^boxes: expected "):
                self.assigner(wrong, labels)
            with pytest.raises(TypeError, match=r"^ignore: expected "):
                self.assigner(boxes, labels, wrong)
        with pytest.raises(TypeError, match=r"^labels: expected "):
            self.assigner(boxes, labels.astype("m8[s]"))

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_valid_boxes_warn_of_nothing(self, dtype: Any) -> None:
        top = float(np.finfo(dtype).max)
        extreme = np.array(
            [[-top, -top, top, top], [0, 0, top, 1e-30], [top, top, -top, -top], [0, 0, 1, 0]]
        )
        for anchors in (extreme, self.boxes.astype(np.float64), extreme * 1e-30):
            with np.errstate(all="raise"):
                assigner = TargetAssigner(anchors, dtype=dtype)
                assigner(extreme, [1, 2, 3, 4], extreme)
                assigner.sparse(extreme, [1, 2, 3, 4], extreme)


def test_annotations_are_checked_and_left_as_they_are() -> None:
    boxes, labels, crowd = np.zeros((2, 4)), np.zeros(2, int), np.zeros(2, bool)
    image = ImageAnnotations(1, 10, 10, boxes, labels, crowd)
    assert not any(a.flags.writeable for a in (image.boxes, image.labels, image.iscrowd))
    assert boxes.flags.writeable
    boxes[:] = 7
    assert not image.boxes.any()
    for k, name in enumerate(("boxes", "labels", "iscrowd")):
        given = [np.zeros((2, 4)), np.zeros(2, int), np.zeros(2, bool)]
        given[k] = np.ma.masked_array(given[k])
        with pytest.raises(TypeError, match=f"^{name}: expected an array without a mask"):
            ImageAnnotations(1, 10, 10, *given)
        given[k] = np.zeros(3)
        with pytest.raises(ValueError, match=f"^{name}: expected "):
            ImageAnnotations(1, 10, 10, *given)
    with pytest.raises(ValueError, match=r"^boxes\[0, 1\] is nan"):
        ImageAnnotations(1, 10, 10, [[0, np.nan, 1, 1]], [0], [False])
