"""The decoder of centre heat maps: the exact selection, whatever ties there are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import CenterNetDecoder
from refkernels.bounds import coder as bounds
from refkernels.coder.heatmap_decoder import BLOCK
from refkernels.conformance.model.compare import compare_real
from refkernels.conformance.model.operator import Case
from refkernels.definition import coder as definition
from tests.compiled import needs_compiler

DTYPES = [np.float16, np.float32, np.float64]


@st.composite
def heat_maps(draw, longest=4):
    shape = () if draw(st.booleans()) else (draw(st.integers(1, 2)),)
    classes, height, width = (draw(st.integers(1, longest)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([1, 2, 5, 10**6]))
    low = draw(st.sampled_from([0, -levels]))
    x = rng.integers(low, levels + 1, (*shape, classes, height, width)) / levels
    x = np.where(rng.random(x.shape) < 0.5, x, x * draw(st.sampled_from([1, 0, -1])))
    wh, reg = (rng.uniform(-0.5, 9, (*shape, 2, height, width)) for _ in range(2))
    config = {"topk": draw(st.integers(1, classes * height * width))}
    if draw(st.booleans()):
        config["scale"] = draw(st.sampled_from([1.0, 3.7, 0.1]))
    return Case(config, {"x": x, "wh": wh, "reg": reg}).astype(draw(st.sampled_from(DTYPES)))


def ranking(x):
    """Flat indices by descending score, then ascending index (-x is exact, and the sort stable)."""
    return np.argsort(-np.asarray(x, np.float64).ravel(), kind="stable")


def selected(x, topk):
    """The scores and flat indices that the decoder selects of a map (C, H, W)."""
    _, height, width = np.shape(x)
    cells = np.stack(np.meshgrid(np.arange(width), np.arange(height)), 0).astype(np.float64)
    ids, scores, boxes = CenterNetDecoder(topk, scale=1)(x, np.zeros_like(cells), 0 * cells)
    return ids * height * width + boxes[:, 1].astype(int) * width + boxes[:, 0].astype(int), scores


def test_scores_are_ranked_and_become_boxes_around_their_cells():
    x = [[[0.5, 0.25], [1, 0.5]], [[0.5, 0], [0, 0]]]
    wh = [[[2, 0], [4, 6]], [[8, 0], [2, 1]]]
    reg = [[[0.5, 0], [0, 0.25]], [[0, 0], [0.5, 0.75]]]
    ids, scores, boxes = CenterNetDecoder(topk=4, scale=2)(x, wh, reg)
    assert ids.tolist() == [0, 0, 0, 1]
    assert scores.tolist() == [1, 0.5, 0.5, 0.5]
    first = [-1, -8, 3, 8]  # at (y, x) = (0, 0): centre (0.5, 0), size (2, 8)
    assert boxes.tolist() == [[-4, 1, 4, 5], first, [-3.5, 2.5, 8.5, 4.5], first]
    assert ids.dtype == np.int64


@given(heat_maps())
def test_the_decoder_is_its_definition(case):
    ids, scores, boxes = CenterNetDecoder(**case.config)(*case.inputs.values())
    expected = definition.CenterNetDecoder(*case.inputs.values(), **case.config)
    dtype = case.inputs["x"].dtype
    assert ids.tolist() == expected[0].tolist()
    assert scores.dtype == dtype
    assert scores.tolist() == [s.tolist() for s in expected[1].astype(float)]
    bound = bounds.center_net_boxes(**case.inputs, **case.config)
    assert not compare_real("boxes", boxes, expected[2], bound, dtype, both_rounded=False)


@pytest.mark.parametrize("topk", [1, 7, 100, 2500])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["random", "few levels", "constant", "ascending", "negative"])
def test_the_selection_is_exact_over_many_blocks(kind, dtype, topk):
    rng = np.random.default_rng(7)
    shape = (3, 29, 41)
    assert np.prod(shape) > 20 * BLOCK
    x = {
        "random": lambda: rng.standard_normal(shape),
        "few levels": lambda: rng.integers(0, 4, shape) / 4,
        "constant": lambda: np.full(shape, 0.5),
        "ascending": lambda: np.arange(np.prod(shape)).reshape(shape) / 8,
        "negative": lambda: -rng.random(shape),
    }[kind]().astype(dtype)
    indices, scores = selected(x, topk)
    assert indices.tolist() == ranking(x)[:topk].tolist()
    assert scores.tolist() == x.ravel()[ranking(x)[:topk]].tolist()


def test_negative_zero_equals_zero():
    x = np.full((1, 3, BLOCK), -0.0)
    x[0, 0, 5] = x[0, 1, 7] = x[0, 2, 3] = 0.0
    assert selected(x, 4)[0].tolist() == [0, 1, 2, 3]
    x[0, 0] = -1
    assert selected(x, 2)[0].tolist() == [BLOCK, BLOCK + 1]


@needs_compiler
def test_indices_are_exact_beyond_what_float32_counts():
    classes = 2**24 + 100
    x = np.zeros((classes, 1, 1), np.float32)
    x[-1] = x[-2] = x[2**24 + 1] = 1
    nothing = np.zeros((2, 1, 1), np.float32)
    ids, _, _ = CenterNetDecoder(4)(x, nothing, nothing)
    assert ids.tolist() == [2**24 + 1, classes - 2, classes - 1, 0]


def test_one_image_is_a_batch_of_one_and_images_do_not_mix():
    rng = np.random.default_rng(0)
    x, wh, reg = rng.random((2, 3, 4, 5)), rng.random((2, 2, 4, 5)), rng.random((2, 2, 4, 5))
    decoder = CenterNetDecoder(10)
    both = decoder(x, wh, reg)
    for image in range(2):
        for one, batch in zip(decoder(x[image], wh[image], reg[image]), both, strict=True):
            assert one.tolist() == batch[image].tolist()
        mixed = decoder(x[image], wh[image][None], reg[image])
        assert mixed[2].tolist() == both[2][image : image + 1].tolist()


def test_no_images_are_normal_input():
    ids, scores, boxes = CenterNetDecoder(3)(
        np.zeros((0, 1, 2, 2)), np.zeros((0, 2, 2, 2)), np.zeros((0, 2, 2, 2))
    )
    assert (ids.shape, scores.shape, boxes.shape) == ((0, 3), (0, 3), (0, 3, 4))


def test_scores_and_boxes_have_the_common_dtype():
    x, maps = np.ones((1, 2, 2)), np.ones((2, 2, 2))
    for one, other, expected in (
        (np.float16, np.float16, np.float16),
        (np.float16, np.float32, np.float32),
        (np.float32, np.float64, np.float64),
        (np.int8, np.float32, np.float64),
    ):
        _, scores, boxes = CenterNetDecoder(1)(
            x.astype(one), maps.astype(other), maps.astype(other)
        )
        assert scores.dtype == boxes.dtype == expected


def test_any_layout_gives_the_same_and_inputs_stay(layout):
    rng = np.random.default_rng(0)
    inputs = rng.random((2, 3, 4, 5)), rng.random((2, 2, 4, 5)), rng.random((2, 2, 4, 5))
    laid_out = [layout(x) for x in inputs]
    before = [np.array(x) for x in laid_out]
    decoder = CenterNetDecoder(10)
    for one, other in zip(decoder(*laid_out), decoder(*inputs), strict=True):
        assert one.tolist() == other.tolist()
    for x, original in zip(laid_out, before, strict=True):
        assert np.array_equal(x, original)


X, MAPS = np.zeros((1, 2, 3)), np.zeros((2, 2, 3))


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ((X, MAPS, MAPS), ValueError, r"topk: 100 exceeds C \* H \* W = 6"),
        ((X[:, :0], MAPS[:, :0], MAPS[:, :0]), ValueError, "topk: 100 exceeds .* = 0"),
        ((X + np.nan, MAPS, MAPS), ValueError, r"x\[0, 0, 0\] is nan"),
        ((X - np.inf, MAPS, MAPS), ValueError, r"x\[0, 0, 0\] is -inf"),
        ((X, MAPS + np.nan, MAPS), ValueError, r"wh\[0, 0, 0\] is nan"),
        ((X, MAPS, MAPS + np.inf), ValueError, r"reg\[0, 0, 0\] is inf"),
        ((X, MAPS[:1], MAPS), ValueError, r"wh: expected shape \(1, 2, 2, 3\)"),
        ((X, MAPS, MAPS[:, :1]), ValueError, r"reg: expected shape \(1, 2, 2, 3\)"),
        (([X] * 2, [MAPS], [MAPS] * 2), ValueError, r"wh: expected shape \(2, 2, 2, 3\)"),
        ((X[0], MAPS, MAPS), ValueError, r"x: expected \(B, C, H, W\) or \(C, H, W\)"),
        ((1.0, MAPS, MAPS), ValueError, "x: expected"),
        ((X.astype(object), MAPS, MAPS), TypeError, "x: .* object"),
        ((X, MAPS.astype(complex), MAPS), TypeError, "wh: .* complex128"),
    ],
)
def test_bad_input_is_named(inputs, error, message):
    with pytest.raises(error, match=message):
        CenterNetDecoder(100 if "topk" in message else 2)(*inputs)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"topk": 0}, ValueError, "topk: expected an integer of at least 1"),
        ({"topk": 1.0}, TypeError, "topk: expected an integer"),
        ({"scale": 0}, ValueError, "scale: expected a number over 0"),
        ({"scale": math.nan}, ValueError, "scale is nan"),
        ({"scale": "4"}, TypeError, "scale: expected a real number"),
    ],
)
def test_bad_parameters_are_named(options, error, message):
    with pytest.raises(error, match=message):
        CenterNetDecoder(**options)


@pytest.mark.parametrize("scale", [1e-50, 1e50])
def test_scale_must_be_a_number_of_the_computing_dtype(scale):
    x, maps = X.astype(np.float32), MAPS.astype(np.float32)
    with pytest.raises(ValueError, match=r"scale: .* overflows or vanishes in float32"):
        CenterNetDecoder(1, scale)(x, maps, maps)
