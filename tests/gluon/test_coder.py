"""The coder blocks compute what the operators compute."""

import inspect
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkernels
from refkernels import gluon

Array = np.ndarray[Any, Any]

REAL = ("float16", "float32", "float64")
ENCODERS = [{}, {"stds": (0.1, 0.2, 0.3, 0.4), "means": (0.1, -0.3, 0.0, 1 / 3)}]
DECODERS = [
    {},
    {"convert_anchor": True, "clip": 0.3},
    {"clip": None, "stds": (1, -2, 0.5, 1 / 3), "means": (0.1, 0.0, -0.7, 0.2)},
    {"clip": 1 / 3, "means": (0.0, 0.0, 0.3, 0.0)},
    {"clip": 0.5, "clip_low": -1 / 3},
    {"clip_low": 0.0},
]
# How far exp and log of two libraries may be apart, and what comes after them.
ULPS = 4
# The largest mean in units of its std, which is subtracted after log: what is left may be small.
SUBTRACTED = 1.5


@pytest.fixture(scope="module")
def blocks(run: Any) -> dict[Any, Any]:
    """Return blocks that live as long as the mode they run in, by name and parameters."""
    return {}


def pair(blocks: dict[Any, Any], name: str, **parameters: Any) -> tuple[Any, Any]:
    """Return a block and the operator of the same meaning."""
    key = (name, *parameters.items())
    if key not in blocks:
        blocks[key] = getattr(gluon, name)(**parameters)
    return blocks[key], getattr(refkernels, name)(**parameters)


def assert_same(actual: Any, expected: Any, ulps: int = 0, subtracted: float = 0) -> None:
    """Compare outputs: integers by value, reals by dtype and value."""
    if isinstance(expected, tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other, ulps, subtracted)
        return
    assert actual.shape == expected.shape
    if expected.dtype.kind == "i":
        assert actual.dtype == np.float32
        np.testing.assert_array_equal(actual, expected)
        return
    assert actual.dtype == expected.dtype
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite])
    distance = np.abs(actual[finite].astype(np.float64) - expected[finite].astype(np.float64))
    size = np.abs(expected[finite]) + expected.dtype.type(subtracted)
    assert (distance <= ulps * np.spacing(size).astype(np.float64)).all()


def some_boxes(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
    corners = rng.random((*shape, 4)) * 300
    low = np.minimum(corners[..., :2], corners[..., 2:])
    return np.concatenate([low, low + 1 + corners[..., 2:]], -1).astype(dtype)


@st.composite
def assignments(draw: st.DrawFn) -> tuple[Array, ...]:
    """Draw samples, matches, anchors, labels and refs, of any dtypes, batched or not."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, count, objects = draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    any_dtype = st.sampled_from([*REAL, "int32", "int64"])
    samples = rng.integers(-1, 2, (size, count)).astype(draw(any_dtype))
    matches = rng.integers(0, objects, (size, count))
    matches[samples <= 0] = draw(st.sampled_from([-1, 0, 1000]))
    shared = draw(st.booleans())
    anchors = some_boxes(rng, (1 if shared else size, count), draw(st.sampled_from(REAL)))
    refs = some_boxes(rng, (size, objects), draw(st.sampled_from(REAL)))
    labels = rng.integers(0, 5, (size, objects)).astype(draw(any_dtype))
    arrays = samples, matches.astype(draw(any_dtype)), anchors, labels, refs
    if size == 1 and draw(st.booleans()):
        return tuple(array[0] for array in arrays)
    return (*arrays[:2], anchors[0], *arrays[3:]) if shared and draw(st.booleans()) else arrays


@given(arrays=assignments(), parameters=st.sampled_from(ENCODERS))
def test_box_targets_are_those_of_the_operator(
    run: Any, blocks: Any, arrays: Any, parameters: Any
) -> None:
    block, operator = pair(blocks, "NormalizedBoxCenterEncoder", **parameters)
    samples, matches, anchors, _, refs = arrays
    inputs = samples, matches, anchors, refs
    assert_same(run(block, *inputs), operator(*inputs), ULPS, SUBTRACTED)


@given(arrays=assignments(), parameters=st.sampled_from(ENCODERS), rows=st.sampled_from([1, 4, 99]))
def test_targets_per_class_are_those_of_the_operator(
    run: Any, blocks: Any, arrays: Any, parameters: Any, rows: int
) -> None:
    name = "NormalizedPerClassBoxCenterEncoder"
    block, operator = pair(blocks, name, num_class=5, max_pos=rows, **parameters)
    assert_same(run(block, *arrays), operator(*arrays), ULPS, SUBTRACTED)


@given(arrays=assignments())
def test_class_targets_are_those_of_the_operator(run: Any, blocks: Any, arrays: Any) -> None:
    block, operator = pair(blocks, "MultiClassEncoder")
    samples, matches, _, labels, _ = arrays
    assert_same(run(block, samples, matches, labels), operator(samples, matches, labels))


def test_the_alias_is_the_same_block(run: Any) -> None:
    arrays = [[1, -1]], [[0, -1]], [[[0, 0, 2, 2], [1, 1, 2, 2]]], [[[1, 0, 3, 2]]]
    inputs = [np.array(array, np.float32) for array in arrays]
    targets, masks = run(gluon.NumPyNormalizedBoxCenterEncoder(), *inputs)
    np.testing.assert_allclose(targets, [[[5, 0, 0, 0], [0, 0, 0, 0]]], rtol=1e-6)
    np.testing.assert_array_equal(masks, [[[1] * 4, [0] * 4]])


def test_boxes_without_extent_give_what_ieee_arithmetic_gives(run: Any) -> None:
    boxes = np.array([[0, 0, 4, 4], [2, 2, 2, 2], [3, 3, 1, 1], [-1, -1, -1, -1], [0, 0, 0, 0]])
    anchors = np.repeat(boxes, len(boxes), 0).astype(np.float32)[None]
    matches = np.tile(np.arange(len(boxes)), len(boxes))[None].astype(np.float32)
    refs = boxes.astype(np.float32)[None]
    samples = np.ones_like(matches)
    block = gluon.NormalizedBoxCenterEncoder()
    with np.errstate(all="ignore"):
        expected = refkernels.NormalizedBoxCenterEncoder()(samples, matches, anchors, refs)
    assert not np.isfinite(expected[0]).all()
    assert_same(run(block, samples, matches, anchors, refs), expected, ULPS)
    for sample in (0, -1, 0.5):
        for targets in run(block, samples * sample, matches, anchors, refs):
            np.testing.assert_array_equal(targets, 0)


def test_rows_that_are_not_positive_are_0_whatever_their_match(run: Any, dtype: Any) -> None:
    anchors, refs = np.zeros((1, 4, 4), dtype), np.zeros((2, 1, 4), dtype)
    samples = np.array([[0, -1, 0.5, 0]] * 2, dtype)
    matches = np.array([[-1, 5000, 1, -5000]] * 2, dtype)
    for block in (gluon.NormalizedBoxCenterEncoder(), gluon.MultiClassEncoder(ignore_label=7)):
        if isinstance(block, gluon.MultiClassEncoder):
            classes = run(block, samples, matches, np.zeros((2, 1), dtype))
            np.testing.assert_array_equal(classes, [[7, 0, 7, 7]] * 2)
        else:
            for outputs in run(block, samples, matches, anchors, refs):
                np.testing.assert_array_equal(outputs, 0)
    per_class = gluon.NormalizedPerClassBoxCenterEncoder(2)
    labels = np.zeros((2, 1), dtype)
    targets, masks, indices = run(per_class, samples, matches, anchors, labels, refs)
    np.testing.assert_array_equal(targets, 0)
    np.testing.assert_array_equal(masks, 0)
    np.testing.assert_array_equal(indices, [[0, 1, 2, 3]] * 2)


def test_each_image_looks_at_its_own_ground_truth(run: Any) -> None:
    labels = np.arange(12, dtype=np.float32).reshape(4, 3)
    matches = np.array([[0, 1], [1, 2], [2, 0], [0, 2]], np.float32)
    targets = run(gluon.MultiClassEncoder(), np.ones_like(matches), matches, labels)
    np.testing.assert_array_equal(targets, [[1, 2], [5, 6], [9, 7], [10, 12]])


def test_indices_past_2048_survive_float16(run: Any) -> None:
    count = 3000
    samples = np.full((1, count), -1, np.float16)
    samples[0, [2049, 2999]] = 1
    matches = np.where(samples > 0, 0, -1).astype(np.float16)
    anchors = np.broadcast_to(np.array([0, 0, 1, 1], np.float16), (1, count, 4))
    refs, labels = np.array([[[0, 0, 1, 1]]], np.float16), np.zeros((1, 1), np.float16)
    block = gluon.NormalizedPerClassBoxCenterEncoder(1, max_pos=3)
    indices = run(block, samples, matches, anchors, labels, refs)[2]
    np.testing.assert_array_equal(indices, [[2049, 2999, 0]])


@st.composite
def offsets(draw: st.DrawFn) -> tuple[Array, Array]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, count = draw(st.integers(1, 3)), draw(st.integers(1, 9))
    x = rng.normal(size=(size, count, 4)).astype(draw(st.sampled_from(REAL)))
    anchors = some_boxes(rng, (draw(st.sampled_from([1, size])), count))
    anchors = anchors.astype(draw(st.sampled_from(REAL)))
    if size == 1 and draw(st.booleans()):
        x = x[0]
    return x, anchors[0] if len(anchors) == 1 and draw(st.booleans()) else anchors


@given(inputs=offsets(), parameters=st.sampled_from(DECODERS))
def test_decoded_boxes_are_those_of_the_operator(
    run: Any, blocks: Any, inputs: Any, parameters: Any
) -> None:
    block, operator = pair(blocks, "NormalizedBoxCenterDecoder", **parameters)
    expected = operator(*inputs)
    boxes = run(block, *inputs)
    assert boxes.dtype == expected.dtype
    assert boxes.shape == expected.shape
    # Where a centre and a half side cancel, an ulp of theirs is many of the corner.
    scale = np.abs(expected.astype(np.float64)).max(-1, keepdims=True)
    error = np.abs(boxes.astype(np.float64) - expected.astype(np.float64))
    assert (error <= ULPS * np.finfo(expected.dtype).eps * scale).all()


def test_decoding_undoes_encoding(run: Any) -> None:
    rng = np.random.default_rng(0)
    anchors, refs = some_boxes(rng, (1, 20)), some_boxes(rng, (2, 20))
    matches = np.tile(np.arange(20.0), (2, 1))
    for parameters in ENCODERS:
        encode = gluon.NormalizedBoxCenterEncoder(**parameters)
        targets, _ = run(encode, np.ones_like(matches), matches, anchors, refs)
        decode = gluon.NormalizedBoxCenterDecoder(convert_anchor=True, **parameters)
        np.testing.assert_allclose(run(decode, targets, anchors), refs, rtol=0, atol=1e-10)


EIGHTHS = np.arange(9) / 8


@given(
    seed=st.integers(0, 2**32 - 1),
    axis=st.integers(-4, 3),
    dtype=st.sampled_from(REAL),
    thresh=st.sampled_from([0.01, 0.5, 0.7, -1.0, 0.500244140625 + 2.0**-40]),
)
def test_class_scores_are_decoded_as_the_operators_do(
    run: Any, blocks: Any, seed: int, axis: int, dtype: str, thresh: float
) -> None:
    x = np.random.default_rng(seed).choice([*EIGHTHS, 0.50048828125], (2, 3, 5, 4)).astype(dtype)
    block, operator = pair(blocks, "MultiClassDecoder", axis=axis, thresh=thresh)
    assert_same(run(block, x), operator(x))
    parameters = {"num_class": x.shape[axis], "axis": axis, "thresh": thresh}
    block, operator = pair(blocks, "MultiPerClassDecoder", **parameters)
    assert_same(run(block, x), operator(x))


def test_the_lowest_of_equal_classes_wins(run: Any, dtype: Any) -> None:
    x = np.full((2, 40), 0.5, dtype)
    x[1, 20:30] = 0.75
    ids, scores = run(gluon.MultiClassDecoder(), x)
    np.testing.assert_array_equal(ids, [0, 19])
    np.testing.assert_array_equal(scores, [0.5, 0.75])


def test_class_ids_past_2048_survive_float16(run: Any) -> None:
    x = np.zeros((1, 3000), np.float16)
    x[0, 2999] = 1
    np.testing.assert_array_equal(run(gluon.MultiClassDecoder(), x)[0], [2998])
    np.testing.assert_array_equal(run(gluon.MultiPerClassDecoder(3000), x)[0][0, -1], 2998)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_the_axis_must_have_the_length_num_class(length: int) -> None:
    block = gluon.MultiPerClassDecoder(num_class=4, axis=1)
    with pytest.raises(mx.MXNetError):
        [output.wait_to_read() for output in block(mx.nd.ones((2, length, 3)))]


def test_labels_come_back_from_their_one_hot_scores(run: Any) -> None:
    labels = np.array([[0, 4, 2]], np.float32)
    ones = np.ones_like(labels)
    classes = run(gluon.MultiClassEncoder(), ones, np.arange(3.0)[None], labels)
    scores = np.eye(6, dtype=np.float32)[classes.astype(int)]
    np.testing.assert_array_equal(run(gluon.MultiClassDecoder(), scores)[0], labels)


def test_samples_become_sigmoid_targets(run: Any) -> None:
    block, operator = gluon.SigmoidClassEncoder(), refkernels.SigmoidClassEncoder()
    for dtype in (*REAL, "int32"):
        samples = np.array([[1, -1, 0], [0, 0, 1]], dtype)
        assert_same(run(block, samples), operator(samples))
    near = np.array([1 + 9e-6, 1 - 9e-6, -1 - 9e-6, -1 + 9e-6, 9e-6, -9e-6])
    assert_same(run(block, near), operator(near))


@st.composite
def heat_maps(draw: st.DrawFn) -> tuple[Array, ...]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, classes = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    plane = draw(st.sampled_from([(3, 9), (8, 5), (7, 7)]))
    choices = EIGHTHS[: draw(st.integers(1, 9))] - draw(st.sampled_from([0, 0.5]))
    arrays = [
        rng.choice(choices, (size, classes, *plane)),
        rng.random((size, 2, *plane)) * 9,
        rng.random((size, 2, *plane)),
    ]
    arrays = [array.astype(draw(st.sampled_from(REAL))) for array in arrays]
    return tuple(a[0] for a in arrays) if size == 1 and draw(st.booleans()) else tuple(arrays)


@given(maps=heat_maps(), topk=st.sampled_from([1, 2, 20, 27]), scale=st.sampled_from([4.0, 1 / 3]))
def test_heat_maps_are_decoded_as_the_operator_does(
    run: Any, blocks: Any, maps: Any, topk: int, scale: float
) -> None:
    block, operator = pair(blocks, "CenterNetDecoder", topk=topk, scale=scale)
    assert_same(run(block, *maps), operator(*maps))


def test_equal_scores_come_by_their_flat_index(run: Any, dtype: Any) -> None:
    heat = np.zeros((1, 3, 60, 50), dtype)
    heat[0, 1, 40, 7] = heat[0, 2, 59, 49] = 1
    maps = np.zeros((1, 2, 60, 50), dtype)
    ids, scores, boxes = run(gluon.CenterNetDecoder(topk=200, scale=1.0), heat, maps, maps)
    np.testing.assert_array_equal(ids[0], [1, 2, *[0] * 198])
    np.testing.assert_array_equal(scores[0], [1, 1, *[0] * 198])
    flat = np.arange(198)
    np.testing.assert_array_equal(boxes[0, :, 0], [7, 49, *flat % 50])
    np.testing.assert_array_equal(boxes[0, :, 1], [40, 59, *flat // 50])


def test_flat_indices_past_what_float32_counts_are_exact() -> None:
    side = 4100  # more than 2^24 cells
    heat = mx.nd.zeros((1, side, side))
    heat[0, side - 1, side - 2 :] = 1
    maps = mx.nd.zeros((2, side, side))
    _, scores, boxes = gluon.CenterNetDecoder(topk=3, scale=1.0)(heat, maps, maps)
    np.testing.assert_array_equal(scores.asnumpy(), [1, 1, 0])
    cells = [[side - 2, side - 1], [side - 1, side - 1], [0, 0]]
    np.testing.assert_array_equal(boxes.asnumpy()[:, :2], cells)


def test_more_peaks_than_cells_are_an_error() -> None:
    maps = mx.nd.ones((1, 2, 3, 3))
    with pytest.raises(mx.MXNetError, match="k must be smaller"):
        [output.wait_to_read() for output in gluon.CenterNetDecoder(19)(maps, maps, maps)]


@pytest.mark.parametrize("hybridise", [False, True])
def test_no_gradient_flows_through_a_coder(assert_no_gradient: Any, hybridise: bool) -> None:
    boxes = mx.nd.array(some_boxes(np.random.default_rng(0), (2, 6)))
    ones, maps = mx.nd.ones((2, 6)), mx.nd.random.uniform(shape=(2, 2, 5, 5))
    calls = [
        (gluon.NormalizedBoxCenterEncoder(), (ones, ones, boxes, boxes)),
        (gluon.NormalizedPerClassBoxCenterEncoder(3), (ones, ones, boxes, ones, boxes)),
        (gluon.NormalizedBoxCenterDecoder(means=(1, 1, 1, 1)), (boxes, boxes)),
        (gluon.NormalizedBoxCenterDecoder(convert_anchor=True, clip=4), (boxes, boxes)),
        (gluon.MultiClassEncoder(), (ones, ones, ones)),
        (gluon.MultiClassDecoder(), (maps,)),
        (gluon.MultiPerClassDecoder(2, axis=1), (maps,)),
        (gluon.SigmoidClassEncoder(), (ones,)),
        (gluon.CenterNetDecoder(4), (maps, maps, maps)),
    ]
    for block, inputs in calls:
        block.hybridize(hybridise)
        assert_no_gradient(block, *inputs)


@pytest.mark.parametrize(
    "name",
    [
        "NormalizedBoxCenterEncoder",
        "NumPyNormalizedBoxCenterEncoder",
        "NormalizedPerClassBoxCenterEncoder",
        "NormalizedBoxCenterDecoder",
        "MultiClassEncoder",
        "MultiClassDecoder",
        "MultiPerClassDecoder",
        "SigmoidClassEncoder",
        "CenterNetDecoder",
    ],
)
def test_parameters_and_their_defaults_are_those_of_the_operator(name: str) -> None:
    def parameters(kind: type) -> dict[str, Any]:
        found = inspect.signature(kind).parameters.values()
        return {p.name: p.default for p in found if p.name not in ("kwargs", "minimal_opset")}

    assert parameters(getattr(gluon, name)) == parameters(getattr(refkernels, name))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: gluon.NormalizedBoxCenterEncoder(stds=(1, 2)), ValueError, "stds: expected 4"),
        (lambda: gluon.NormalizedBoxCenterDecoder(stds=(1, 0, 1, 1)), ValueError, r"stds\[1\]"),
        (lambda: gluon.NormalizedBoxCenterDecoder(clip="1"), TypeError, "clip: expected a"),
        (lambda: gluon.NormalizedPerClassBoxCenterEncoder(0), ValueError, "num_class: expected"),
        (lambda: gluon.MultiClassEncoder(0.5), ValueError, "ignore_label: expected a whole"),
        (lambda: gluon.MultiClassDecoder(axis="a"), TypeError, "axis: expected an integer"),
        (lambda: gluon.MultiPerClassDecoder(1), ValueError, "num_class: expected an integer"),
        (lambda: gluon.CenterNetDecoder(0), ValueError, "topk: expected an integer"),
        (lambda: gluon.CenterNetDecoder(scale=0), ValueError, "scale: expected a number over 0"),
    ],
)
def test_a_bad_parameter_is_named(build: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build()
