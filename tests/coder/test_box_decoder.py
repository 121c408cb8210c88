"""The decoder of boxes: its definition within the derived bound, and the encoder's inverse."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import (
    BBoxCornerToCenter,
    NormalizedBoxCenterDecoder,
    NormalizedBoxCenterEncoder,
)
from refkernels.bounds import coder as bounds
from refkernels.conformance.model.compare import compare_real
from refkernels.conformance.model.operator import Case
from refkernels.definition import coder as definition
from refkernels.definition.bbox import exact

DTYPES = [np.float16, np.float32, np.float64]

UNIT = {"stds": (1, 1, 1, 1)}
ANCHORS = np.array([[5.0, 10, 10, 20], [15, 15, 10, 10]])
OFFSETS = np.array([[1.5, 0, 0, 0], [-0.25, 0.5, 0, 0]])

NUMBERS = st.sampled_from([0.1, 0.2, 1.0, -0.5, 3.0])
NORMALISATIONS = st.fixed_dictionaries(
    {},
    optional={
        "stds": st.tuples(*[NUMBERS] * 4),
        "means": st.tuples(*[NUMBERS | st.just(0.0)] * 4),
    },
)
COORDINATES = st.floats(-100, 100, width=16)
SIDES = st.floats(1, 100, width=16)


@st.composite
def corner_boxes(draw, count):
    boxes = [(draw(COORDINATES), draw(COORDINATES), draw(SIDES), draw(SIDES)) for _ in range(count)]
    return np.array([[x, y, x + w, y + h] for x, y, w, h in boxes])


@st.composite
def predictions(draw):
    config = draw(NORMALISATIONS)
    if draw(st.booleans()):
        config["convert_anchor"] = draw(st.booleans())
    if draw(st.booleans()):
        config["clip"] = draw(st.sampled_from([None, -1.0, 0, 0.5, math.log(1000 / 16)]))
    if draw(st.booleans()):
        config["clip_low"] = draw(st.sampled_from([None, -1.0, 0, 0.5, -math.log(1000 / 16)]))
    count, images = draw(st.integers(1, 4)), draw(st.none() | st.integers(1, 3))
    x = np.array(draw(st.lists(st.floats(-4, 4), min_size=4 * count, max_size=4 * count)))
    x, anchors = x.reshape(count, 4), draw(corner_boxes(count))
    if images is not None:
        x, anchors = np.stack([x + image for image in range(images)]), anchors[None]
        if draw(st.booleans()):
            anchors = np.concatenate([anchors + image for image in range(images)])
    inputs = {"x": x, "anchors": anchors}
    return Case(config, inputs).astype(draw(st.sampled_from(DTYPES)))


def decode(x=OFFSETS, anchors=ANCHORS, **options):
    return NormalizedBoxCenterDecoder(**options)(x, anchors)


def test_offsets_are_measured_in_anchors_of_centre_form():
    assert decode(**UNIT).tolist() == [[15, 0, 25, 20], [7.5, 15, 17.5, 25]]


def test_anchors_in_corner_form_are_converted():
    corners = [[0, 0, 10, 20], [10, 10, 20, 20]]
    assert decode(anchors=corners, convert_anchor=True).tolist() == decode().tolist()


def test_offsets_are_scaled_and_shifted():
    x, anchor = [[1.0, 1, 0, 0]], [[0.0, 0, 2, 4]]
    assert decode(x, anchor, stds=(2, 3, 1, 1), means=(1, 0, 0, 0)).tolist() == [[5, 10, 7, 14]]
    box = decode(x, anchor, stds=(1, 1, 1, 1), means=(-1, -1, 1, -1))
    wide = [-math.e, -2 / math.e, math.e, 2 / math.e]
    assert box[0].tolist() == pytest.approx(wide, rel=1e-15)


@pytest.mark.parametrize("clip", [None, 0, -1.0, -7])
def test_without_a_positive_clip_nothing_is_limited(clip):
    x = [[0.0, 0, 30, 30]]
    limited = decode(x, [[0.0, 0, 2, 2]], clip=clip)
    assert limited[0].tolist() == pytest.approx([-math.exp(6)] * 2 + [math.exp(6)] * 2, rel=1e-14)


def test_clip_limits_what_exp_is_taken_of_after_the_mean():
    (box,) = decode([[0.0, 0, 2, -2]], [[0.0, 0, 2, 2]], stds=(1, 1, 0.5, 0.5), clip=0.5)
    high, wide = math.exp(-1), math.exp(0.5)
    assert box.tolist() == pytest.approx([-wide, -high, wide, high], rel=1e-15)
    (box,) = decode([[0.0] * 4], [[0.0, 0, 2, 2]], means=(0, 0, 3, 0), clip=0.5)
    assert box.tolist() == pytest.approx([-wide, -1, wide, 1], rel=1e-15)


def test_clip_low_limits_it_below_whatever_its_sign():
    (box,) = decode([[0.0, 0, -8, 2]], [[0.0, 0, 2, 2]], **UNIT, clip_low=-0.5)
    wide, high = math.exp(-0.5), math.exp(2)
    assert box.tolist() == pytest.approx([-wide, -high, wide, high], rel=1e-15)
    (box,) = decode([[0.0, 0, 0.1, -9]], [[0.0, 0, 2, 2]], **UNIT, clip=0.5, clip_low=0.25)
    assert box.tolist() == pytest.approx([-math.exp(0.25)] * 2 + [math.exp(0.25)] * 2, rel=1e-15)
    (box,) = decode([[0.0, 0, 9, -9]], [[0.0, 0, 2, 2]], **UNIT, clip=0.5, clip_low=0.5)
    assert box.tolist() == pytest.approx([-math.exp(0.5)] * 2 + [math.exp(0.5)] * 2, rel=1e-15)
    # Without an upper limit it may be as high as it likes; the mean comes before it.
    (box,) = decode([[0.0] * 4], [[0.0, 0, 2, 2]], means=(0, 0, -9, 0), clip=-1, clip_low=0)
    assert box.tolist() == [-1, -1, 1, 1]


def test_a_box_too_wide_for_the_dtype_ends_at_infinity_without_a_warning():
    for dtype, exponent in ((np.float16, 12), (np.float32, 89), (np.float64, 710)):
        x = np.array([[0, 0, exponent, 0]], dtype)
        box = decode(x, np.array([[0, 0, 1, 1]], dtype), **UNIT)
        assert box.tolist() == [[-math.inf, -0.5, math.inf, 0.5]]


@given(predictions())
def test_the_decoder_is_its_definition_within_the_bound(case):
    boxes = NormalizedBoxCenterDecoder(**case.config)(*case.inputs.values())
    truth = definition.NormalizedBoxCenterDecoder(*case.inputs.values(), **case.config)
    bound = bounds.box_center_decoder(**case.inputs, **case.config)
    dtype = case.inputs["x"].dtype
    assert not compare_real("boxes", boxes, truth, bound, dtype, both_rounded=False)


@given(corner_boxes(3), corner_boxes(3), NORMALISATIONS, st.sampled_from(DTYPES))
def test_decoding_what_was_encoded_gives_the_box_back(anchors, refs, config, dtype):
    # With E the encoder's bound, a target that is off by E moves a centre by |std| E aw, and
    # stretches half a side g / 2 by exp(|std| E) - 1. The decoder's own bound comes on top.
    encoding = {"samples": np.ones(3, int), "matches": np.arange(3)}
    encoding = Case(config, {**encoding, "anchors": anchors, "refs": refs}).astype(dtype)
    targets, _ = NormalizedBoxCenterEncoder(**config)(*encoding.inputs.values())
    decoding = Case(
        {**config, "convert_anchor": True}, {"x": targets, "anchors": encoding.inputs["anchors"]}
    )
    boxes = NormalizedBoxCenterDecoder(**decoding.config)(*decoding.inputs.values())
    _, _, *anchor_sides = np.moveaxis(
        BBoxCornerToCenter()(encoding.inputs["anchors"].astype(np.float64)), -1, 0
    )
    _, _, *sides = np.moveaxis(
        BBoxCornerToCenter()(encoding.inputs["refs"].astype(np.float64)), -1, 0
    )
    error = bounds.box_center_encoder(**encoding.inputs, **encoding.config) * np.abs(
        config.get("stds", (0.1, 0.1, 0.2, 0.2))
    )
    along = [
        error[:, k] * anchor_sides[k] + sides[k] / 2 * np.expm1(error[:, k + 2]) for k in range(2)
    ]
    bound = bounds.box_center_decoder(**decoding.inputs, **decoding.config) + 1.001 * np.stack(
        along * 2, -1
    )
    truth = exact(encoding.inputs["refs"])
    assert not compare_real("boxes", boxes, truth, bound, np.dtype(dtype), both_rounded=False)


def test_one_image_is_a_batch_of_one_and_anchors_of_one_serve_a_batch():
    one = decode().tolist()
    assert decode(OFFSETS[None], ANCHORS[None]).tolist() == [one]
    assert decode(OFFSETS, ANCHORS[None]).tolist() == [one]
    assert decode(OFFSETS[None], ANCHORS).tolist() == [one]
    batch = np.stack([OFFSETS, -OFFSETS])
    expected = [one, decode(-OFFSETS).tolist()]
    assert decode(batch, ANCHORS[None]).tolist() == expected
    assert decode(batch, ANCHORS).tolist() == expected
    assert decode(batch, np.stack([ANCHORS] * 2)).tolist() == expected


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4), (0, 3, 4)])
def test_empty_sets_are_normal_input(shape):
    anchors = np.ones((1, *shape[-2:]))
    assert decode(np.zeros(shape), anchors[0] if len(shape) == 2 else anchors).shape == shape


@pytest.mark.parametrize(
    ("x", "anchors", "expected"),
    [
        (np.float16, np.float16, np.float16),
        (np.float32, np.float64, np.float64),
        (np.float16, np.float32, np.float32),
        (np.int64, np.float32, np.float64),
    ],
)
def test_boxes_have_the_common_dtype(x, anchors, expected):
    assert decode(OFFSETS.astype(x), ANCHORS.astype(anchors)).dtype == expected


def test_any_layout_gives_the_same_and_inputs_stay(layout):
    x, anchors = np.stack([OFFSETS, -OFFSETS]), np.stack([ANCHORS, ANCHORS + 1])
    laid_out = [layout(x), layout(anchors)]
    before = [np.array(array) for array in laid_out]
    assert decode(*laid_out).tolist() == decode(x, anchors).tolist()
    for array, original in zip(laid_out, before, strict=True):
        assert np.array_equal(array, original)


@pytest.mark.parametrize(
    ("x", "anchors", "error", "message"),
    [
        ([[0, 0, math.nan, 0]] * 2, ANCHORS, ValueError, r"x\[0, 2\] is nan"),
        (OFFSETS, [[0, 0, 1, -math.inf]] * 2, ValueError, r"anchors\[0, 3\] is -inf"),
        (OFFSETS[:, :3], ANCHORS, ValueError, "x: expected axis -1 to have length 4"),
        (OFFSETS, ANCHORS[:1], ValueError, r"anchors: expected 2 boxes for .* \(1, 1, 4\)"),
        ([OFFSETS] * 2, [ANCHORS] * 3, ValueError, r"anchors: .* got shape \(3, 2, 4\)"),
        (OFFSETS, [ANCHORS] * 2, ValueError, r"anchors: .* got shape \(2, 2, 4\)"),
        (OFFSETS[0], ANCHORS, ValueError, r"x: expected \(B, N, 4\) or \(N, 4\)"),
        (1.0, ANCHORS, ValueError, "x: axis -1 is out of range"),
        (OFFSETS.astype(complex), ANCHORS, TypeError, "x: .* complex128"),
        (OFFSETS, ANCHORS.astype(object), TypeError, "anchors: .* object"),
    ],
)
def test_bad_input_is_named(x, anchors, error, message):
    with pytest.raises(error, match=message):
        decode(x, anchors)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"stds": (1, 1, 1)}, ValueError, "stds: expected 4 numbers"),
        ({"stds": (1, 1, 0.0, 1)}, ValueError, r"stds\[2\] is 0"),
        ({"means": (0, 0, 0)}, ValueError, "means: expected 4 numbers"),
        ({"convert_anchor": 1}, TypeError, "convert_anchor: expected True or False"),
        ({"clip": math.nan}, ValueError, "clip is nan"),
        ({"clip": "4"}, TypeError, "clip: expected a real number"),
        ({"clip_low": math.inf}, ValueError, "clip_low is inf"),
        ({"clip_low": "4"}, TypeError, "clip_low: expected a real number"),
        ({"clip": 1, "clip_low": 2}, ValueError, "clip_low: expected at most clip, 1.0, got 2.0"),
    ],
)
def test_bad_parameters_are_named(options, error, message):
    with pytest.raises(error, match=message):
        NormalizedBoxCenterDecoder(**options)


def test_means_and_clip_low_are_keywords_only():
    with pytest.raises(TypeError):
        NormalizedBoxCenterDecoder((1, 1, 1, 1), False, -1, (0, 0, 0, 0))
    assert NormalizedBoxCenterDecoder(clip_low=-1) == NormalizedBoxCenterDecoder(clip_low=-1.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_anchor_without_extent_stays_a_point_whatever_its_exponential(dtype):
    x, anchor = np.array([[0, 0, 5000, 4000]], dtype), np.array([[3, 4, 0, 0]], dtype)
    assert NormalizedBoxCenterDecoder()(x, anchor).tolist() == [[3, 4, 3, 4]]
