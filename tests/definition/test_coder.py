"""What the definitions of the coders say, by cases worked by hand."""

import math
from fractions import Fraction as F

import mpmath
import numpy as np
import pytest

from refkernels.definition import coder as definition

UNIT = {"stds": (1, 1, 1, 1)}
ANCHORS = [[0, 0, 10, 20], [10, 10, 20, 20]]
REFS = [[10, 0, 30, 20], [11, 12, 16, 22]]


def values(array):
    return np.asarray(array).tolist()


def test_the_encoder_measures_offsets_in_anchors():
    targets, masks = definition.NormalizedBoxCenterEncoder([1, 1], [0, 1], ANCHORS, REFS, **UNIT)
    # (5, 10, 10, 20) to (20, 10, 20, 20), and (15, 15, 10, 10) to (13.5, 17, 5, 10)
    assert values(targets[:, :2]) == [[F(3, 2), 0], [F(-3, 20), F(1, 5)]]
    assert [float(t) for t in targets[:, 2:].ravel()] == [math.log(2), 0, -math.log(2), 0]
    assert values(masks) == [[1] * 4, [1] * 4]
    assert masks.dtype == np.int64


def test_the_encoder_subtracts_means_before_it_divides_by_stds():
    (target,), _ = definition.NormalizedBoxCenterEncoder(
        [1], [0], ANCHORS[:1], REFS, means=(0.5, -1, 1, 2), stds=(0.5, 2, 4, -1)
    )
    assert values(target[:2]) == [2, F(1, 2)]
    assert [float(t) for t in target[2:]] == [pytest.approx((math.log(2) - 1) / 4), 2]


def test_parameters_are_rounded_to_the_computing_dtype():
    for dtype, computing in ((np.float16, np.float32), (np.float32, np.float32), (int, float)):
        boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2]], dtype)
        ((x, *_),), _ = definition.NormalizedBoxCenterEncoder([1], [1], boxes[:1], boxes)
        assert x == F(1, 2) / F(float(computing(0.1)))


def test_logarithms_have_far_more_bits_than_a_float():
    ((*_, width, _),), _ = definition.NormalizedBoxCenterEncoder(
        [1], [0], ANCHORS[:1], REFS, **UNIT
    )
    with mpmath.workprec(200):
        assert abs(width - mpmath.log(2)) < mpmath.mpf(2) ** -190


def test_only_positive_samples_are_encoded_and_no_other_match_is_looked_at():
    targets, masks = definition.NormalizedBoxCenterEncoder(
        [0.5, -1, 0.75], [99, -7, 1], [*ANCHORS, [11, 12, 16, 22]], REFS
    )
    assert values(targets) == [[0] * 4] * 3
    assert values(masks) == [[0] * 4, [0] * 4, [1] * 4]


def test_the_encoder_gives_what_ieee_arithmetic_gives_for_degenerate_boxes():
    flat, inverted, proper = [0, 0, 4, 0], [4, 0, 0, 4], [0, 0, 4, 4]

    def encode(anchor, ref):
        ((*target,),), _ = definition.NormalizedBoxCenterEncoder([1], [0], [anchor], [ref], **UNIT)
        return [repr(float(t)) for t in target]

    assert encode(proper, flat) == ["0.0", "-0.5", "0.0", "-inf"]
    assert encode(flat, proper) == ["0.0", "inf", "0.0", "inf"]
    assert encode(flat, flat) == ["0.0", "nan", "0.0", "nan"]
    assert encode(proper, inverted) == ["0.0", "0.0", "nan", "0.0"]
    assert encode(inverted, inverted) == ["0.0", "0.0", "0.0", "0.0"]


def test_anchors_of_one_image_serve_a_batch():
    samples, matches = [[1, -1], [-1, 1]], [[0, 0], [0, 1]]
    both = definition.NormalizedBoxCenterEncoder(samples, matches, [ANCHORS], [REFS, REFS])
    repeated = definition.NormalizedBoxCenterEncoder(
        samples, matches, [ANCHORS, ANCHORS], [REFS, REFS]
    )
    assert values(both[0]) == values(repeated[0])
    assert values(both[1]) == [[[1] * 4, [0] * 4], [[0] * 4, [1] * 4]]


def test_the_per_class_encoder_lists_positives_first_and_masks_one_class():
    targets, masks, indices = definition.NormalizedPerClassBoxCenterEncoder(
        [0, 1, -1, 1],
        [9, 0, 9, 1],
        [*ANCHORS, [0, 0, 1, 1], REFS[1]],
        [2, 0],
        REFS,
        num_class=3,
        max_pos=3,
        **UNIT,
    )
    assert values(indices) == [1, 3, 0]
    assert targets.shape == masks.shape == (3, 3, 4)
    assert values(masks) == [
        [[0] * 4, [0] * 4, [1] * 4],
        [[1] * 4, [0] * 4, [0] * 4],
        [[0] * 4] * 3,
    ]
    assert values(targets[0, :, 0]) == [F(1, 2)] * 3
    assert values(targets[1:]) == [[[0] * 4] * 3] * 2


def test_the_decoder_undoes_the_encoder():
    offsets = [[1.5, 0, 0, 0], [-0.25, 0.5, 0, 0]]
    boxes = definition.NormalizedBoxCenterDecoder(offsets, ANCHORS, convert_anchor=True, **UNIT)
    assert values(boxes) == [[15, 0, 25, 20], [7.5, 15, 17.5, 25]]
    centers = [[5, 10, 10, 20], [15, 15, 10, 10]]
    assert values(boxes) == values(definition.NormalizedBoxCenterDecoder(offsets, centers, **UNIT))


def test_the_decoder_scales_and_shifts_offsets_and_limits_what_exp_is_taken_of():
    anchor = [[0, 0, 2, 4]]

    def decode(offsets, **options):
        ((*box,),) = definition.NormalizedBoxCenterDecoder([offsets], anchor, **options)
        return [float(edge) for edge in box]

    assert decode([1, 1, 0, 0], stds=(2, 3, 1, 1), means=(1, 0, 0, 0)) == [5, 10, 7, 14]
    wide = [-math.e, -2 / math.e, math.e, 2 / math.e]
    assert decode([0, 0, 2, -2], stds=(1, 1, 0.5, 0.5)) == pytest.approx(wide)
    assert decode([0, 0, 2, -2], stds=(1, 1, 0.5, 0.5), clip=None) == pytest.approx(wide)
    root = math.exp(0.5)
    assert decode([0, 0, 2, -2], stds=(1, 1, 0.5, 0.5), clip=0.5) == pytest.approx(
        [-root, wide[1], root, wide[3]]
    )
    assert decode([0, 0, 0, 0], means=(0, 0, 1, -1)) == pytest.approx(wide)


def test_the_decoder_goes_to_infinity_where_exp_does():
    def decode(side):
        options = {"stds": (1, 1, 1, 1), "convert_anchor": False}
        ((*box,),) = definition.NormalizedBoxCenterDecoder(
            [[0, 0, 4000, 0]], [[1, 2, side, 4]], **options
        )
        return [float(edge) for edge in box]

    assert decode(2) == [-math.inf, 0, math.inf, 4]
    assert decode(-2) == [math.inf, 0, -math.inf, 4]
    left, _, right, _ = decode(0)
    assert math.isnan(left)
    assert math.isnan(right)


def test_the_class_encoder():
    targets = definition.MultiClassEncoder([1, -1, 0, 0.5], [1, 0, 0, 7], [4, 6], ignore_label=-5)
    assert values(targets) == [7, 0, -5, -5]
    assert targets.dtype == np.int64


def test_the_class_decoder_takes_the_first_of_the_highest_above_the_threshold():
    x = [[0.9, 0.5, 0.25, 0.5], [0, 0.1, 0, 0], [1, 0.25, 0, 0]]
    ids, scores = definition.MultiClassDecoder(x, thresh=0.25)
    assert values(ids) == [0, -1, -1]
    assert values(scores) == [F(1, 2), 0, 0]
    ids, _ = definition.MultiClassDecoder(np.transpose(x), axis=0, thresh=0.2)
    assert values(ids) == [0, -1, 0]


def test_thresholds_are_rounded_to_the_dtype_of_the_scores():
    x = np.array([[0, 0.1]], np.float16)
    assert values(definition.MultiClassDecoder(x, thresh=0.1)[0]) == [-1]
    assert values(definition.MultiPerClassDecoder(x, num_class=2, thresh=0.1)[0]) == [[-1]]


def test_the_per_class_decoder_decides_for_each_class():
    x = [[0.9, 0.5, 0.25, 0.5], [0, 0.1, 0, 0.3]]
    ids, scores = definition.MultiPerClassDecoder(x, num_class=4, thresh=0.25)
    assert values(ids) == [[0, -1, 2], [-1, -1, 2]]
    assert [[float(s) for s in row] for row in scores] == [[0.5, 0, 0.5], [0, 0, 0.3]]
    other, _ = definition.MultiPerClassDecoder(np.transpose(x), num_class=4, axis=0, thresh=0.25)
    assert values(other) == np.transpose(ids).tolist()


def test_the_sigmoid_encoder():
    targets, masks = definition.SigmoidClassEncoder([1, -1, 0, 1 - 5e-6, -5e-6])
    assert values(targets) == [1, 0, -1, 1, -1]
    assert values(masks) == [1, 1, 0, 1, 0]


def test_the_center_net_decoder_ranks_by_score_and_then_by_index():
    x = [[[0.5, 0.25], [1, 0.5]], [[0.5, 0], [0, 0]]]
    wh = [[[2, 0], [4, 6]], [[8, 0], [2, 1]]]
    reg = [[[0.5, 0], [0, 0.25]], [[0, 0], [0.5, 0.75]]]
    ids, scores, boxes = definition.CenterNetDecoder(x, wh, reg, topk=4, scale=2)
    assert values(ids) == [0, 0, 0, 1]
    assert values(scores) == [1, F(1, 2), F(1, 2), F(1, 2)]
    first = [-1, -8, 3, 8]  # at (y, x) = (0, 0): centre (0.5, 0), size (2, 8)
    assert values(boxes) == [[-4, 1, 4, 5], first, [-3.5, 2.5, 8.5, 4.5], first]


def test_a_heat_map_of_one_size_is_square_and_larger_gaussians_stay():
    boxes, labels = [[0, 0, 16, 16], [4, 4, 20, 20]], [0, 0]
    whole = definition.CenterHeatmapEncoder(boxes, labels, num_class=1, size=6)
    sides = definition.CenterHeatmapEncoder(boxes, labels, num_class=1, size=(6, 6))
    for one, other in zip(whole, sides, strict=True):
        assert (one == other).all()
    heat = whole[0].astype(float)
    assert heat[0, 2, 2] == heat[0, 3, 3] == 1
