"""Suppression: who stays, decided exactly, however many boxes there are and however large."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from refkernels import NMS, BatchedNMS
from refkernels.conformance.cases import find
from refkernels.definition import suppression as definition
from refkernels.suppression.cells import reach

DTYPES = ["float16", "float32", "float64"]

# With the first: IoUs of 3/4, 1/2 and 0.
BOXES = np.array([[0, 0, 4, 4], [0, 0, 4, 3], [0, 0, 4, 2], [8, 8, 9, 9]], np.float64)


def brute(boxes, scores, threshold, labels=None):
    """The definition in the boxes' own arithmetic, without a grid."""
    threshold = boxes.dtype.type(threshold)
    labels = np.zeros(len(boxes)) if labels is None else labels
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    staying = []
    for i in np.argsort(-scores, kind="stable"):
        rivals = np.array(staying, int)
        rivals = rivals[labels[rivals] == labels[i]]
        sides = np.minimum(boxes[rivals, 2:], boxes[i, 2:]) - np.maximum(
            boxes[rivals, :2], boxes[i, :2]
        )
        inter = np.maximum(sides, 0).prod(1)
        with np.errstate(invalid="ignore"):  # boxes without extent
            ious = inter / (area[rivals] + area[i] - inter)
        if not (ious > threshold).any():
            staying.append(i)
    return staying


def photographed(rng, count, dtype=np.float32):
    """Boxes of the sizes of COCO's, in its commonest image."""
    extent = np.array([640.0, 480.0])
    sides = np.exp(rng.normal(3.99, 1.02, count))[:, None] * np.exp(rng.normal(0, 0.4, (count, 2)))
    sides = np.clip(sides, 1, extent)
    corners = rng.random((count, 2)) * (extent - sides)
    return np.concatenate([corners, corners + sides], 1).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_box_stays_unless_one_that_stays_overlaps_it_by_more_than_the_threshold(dtype):
    boxes = BOXES.astype(dtype)
    # 1 overlaps 0 by 3/4, 2 by 2/3; 0 and 2 overlap by just 1/2.
    assert NMS(0.5)(boxes, [0.9, 0.8, 0.7, 0.6]).tolist() == [0, 2, 3]
    assert NMS(0.5)(boxes, [0.8, 0.9, 0.7, 0.6]).tolist() == [1, 3]
    assert NMS(0.49)(boxes, [0.9, 0.8, 0.7, 0.6]).tolist() == [0, 3]
    assert NMS(0.75)(boxes, [0.9, 0.8, 0.7, 0.6]).tolist() == [0, 1, 2, 3]
    assert NMS(0)(boxes, [0.9, 0.8, 0.7, 0.6]).tolist() == [0, 3]
    assert NMS(1)(boxes[[0, 0, 0]], [1, 2, 3]).tolist() == [2, 1, 0]
    assert NMS(0.5)(boxes, [0.9, 0.8, 0.7, 0.6]).dtype == np.int64


def test_what_is_suppressed_suppresses_nothing():
    # Each overlaps the next by 3/5, and the one after that by 1/3.
    chain = np.array([0.0, 0, 4, 1]) + np.arange(5.0)[:, None] * [1, 0, 1, 0]
    assert NMS(0.5)(chain, [5, 4, 3, 2, 1]).tolist() == [0, 2, 4]
    assert NMS(0.5)(chain, [4, 5, 3, 2, 1]).tolist() == [1, 3]


def test_indices_come_in_order_of_score_and_of_equal_ones_by_index():
    apart = np.array([0.0, 0, 1, 1]) + 2 * np.arange(60.0)[:, None]
    scores = np.arange(60) % 3 / 4
    expected = sorted(range(60), key=lambda i: (-scores[i], i))
    assert NMS(0.5)(apart, scores).tolist() == expected
    assert NMS(0.5)(apart, np.tile([0.0, -0.0], 30)).tolist() == list(range(60))
    same = np.tile(BOXES[:1], (60, 1))
    assert NMS(0.5)(same, np.ones(60)).tolist() == [0]
    assert NMS(0.5)(same, -(np.arange(60) % 7 == 0).astype(float)).tolist() == [1]


def test_boxes_without_extent_neither_suppress_nor_are_suppressed():
    flat, point, inverted = [0, 0, 4, 0], [1, 1, 1, 1], [4, 4, 0, 0]
    boxes = np.array([flat, flat, point, point, inverted, inverted, *BOXES[:2].tolist()], float)
    for threshold in (0, 0.5, 1):
        staying = NMS(threshold)(boxes, np.arange(8.0)[::-1])
        assert staying.tolist() == [0, 1, 2, 3, 4, 5, 6] + [7] * (threshold == 1)
    padding = np.array([[-1.0] * 4, [0.0] * 4] * 3)
    assert NMS(0.5)(padding, np.ones(6)).tolist() == list(range(6))


def test_boxes_of_other_labels_are_left_alone():
    labels = [7, 7, -1, 7]
    assert BatchedNMS(0.5)(BOXES, [0.9, 0.8, 0.7, 0.6], labels).tolist() == [0, 2, 3]
    assert BatchedNMS(0.5)(BOXES, [0.8, 0.9, 0.7, 0.6], labels).tolist() == [1, 2, 3]
    assert BatchedNMS(0.5)(BOXES[[0] * 4], [1, 2, 3, 4], [0, 1, 0, 1]).tolist() == [3, 2]
    huge = np.array([0, 2**53, 2**53 + 1, -(2**63)])
    assert BatchedNMS(0.5)(BOXES[[0] * 4], [1, 2, 3, 4], huge).tolist() == [3, 2, 1, 0]


def test_coordinates_are_not_moved_apart_by_label():
    # Moved by 90 images, they would be multiples of 64.
    corners = np.random.default_rng(0).integers(0, 30, (60, 2)) + 2.0**23
    boxes = np.concatenate([corners, corners + 20], 1).astype(np.float32)
    labels, scores = np.arange(60) % 20 + 70, np.arange(60.0)[::-1]
    staying = BatchedNMS(0.5)(boxes, scores, labels)
    assert staying.tolist() == brute(boxes, scores, 0.5, labels)
    assert staying.tolist() == BatchedNMS(0.5)(boxes - np.float32(2**23), scores, labels).tolist()


@pytest.mark.parametrize("name", ["NMS", "BatchedNMS"])
def test_the_operator_is_its_definition(name):
    operator = find(name)

    @settings(max_examples=80)
    @given(operator.cases())
    def check(case):
        for dtype in DTYPES:
            cast = case.astype(np.dtype(dtype))
            reference = operator.refer(cast)
            assert operator.judge_kernel(cast, reference) is None
            assert operator.judge(cast, reference, reference.kernel) is None

    check()


SHAPES = np.array(
    [[0, 0, 4, 4], [0, 0, 4, 2], [0, 0, 4, 3], [0, 2, 4, 4], [2, 0, 6, 4], [1, 1, 1, 3]], float
)
# All orders of three scores, with ties.
ORDERS = sorted({tuple(np.unique(o, return_inverse=True)[1]) for o in product(range(3), repeat=3)})


def test_the_operators_are_their_definition_on_all_small_sets_of_boxes():
    # No step to an IoU is rounded but the last; thresholds lie on the IoUs and between.
    ious = {
        (i, j): float(definition.overlap(*(tuple(map(Fraction, SHAPES[k])) for k in (i, j))))
        for i, j in product(range(len(SHAPES)), repeat=2)
    }
    tried = 0
    for threshold in (0.0, 0.25, 1 / 3, 0.5, 0.6, 0.75, 1.0):
        single, batched = NMS(threshold), BatchedNMS(threshold)
        for rows in product(range(len(SHAPES)), repeat=3):
            boxes = SHAPES[list(rows)]
            for scores in ORDERS:
                for labels in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 1, 2)):
                    staying = []
                    for i in sorted(range(3), key=lambda i: -scores[i]):
                        rivals = [j for j in staying if labels[i] == labels[j]]
                        if all(ious[rows[i], rows[j]] <= threshold for j in rivals):
                            staying.append(i)
                    assert batched(boxes, scores, labels).tolist() == staying
                    if max(labels) == 0:
                        assert single(boxes, scores).tolist() == staying
                    tried += 1
    assert tried == 7 * 6**3 * 13 * 5


def test_the_definition_decides_exactly():
    third = np.array([[0, 0, 3, 1], [0, 0, 1, 1]], float)
    scores = [1, 0]
    below = float(np.nextafter(1 / 3, 0))
    assert definition.NMS(third, scores, threshold=1 / 3).tolist() == [0]  # which is below a third
    assert definition.NMS(third, scores, threshold=below).tolist() == [0]
    assert definition.NMS(third, scores, threshold=np.nextafter(1 / 3, 1)).tolist() == [0, 1]
    assert definition.BatchedNMS(third, scores, [1, 2], threshold=0).tolist() == [0, 1]
    assert definition.NMS(np.zeros((0, 4)), [], threshold=0.5).tolist() == []


@pytest.mark.parametrize("threshold", [0.0, 0.001, 0.1, 0.3, 0.5, 0.7, 0.95])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_box_is_out_of_reach_of_one_that_suppresses_it(threshold, dtype):
    rng = np.random.default_rng(1)
    boxes, scores = photographed(rng, 1500, dtype), rng.random(1500)
    assert NMS(threshold)(boxes, scores).tolist() == brute(boxes, scores, threshold)
    labels = rng.integers(0, 3, 1500)
    staying = BatchedNMS(threshold)(boxes, scores, labels).tolist()
    assert staying == brute(boxes, scores, threshold, labels)


@pytest.mark.parametrize("place", ["far away", "one heap", "outliers", "long and thin", "a line"])
def test_boxes_in_odd_places_are_all_looked_at(place):
    rng = np.random.default_rng(2)
    boxes, scores = photographed(rng, 800, np.float64), rng.random(800)
    if place == "far away":
        boxes = boxes + 2.0**20
    elif place == "one heap":
        boxes = boxes / 1000 + 300
    elif place == "outliers":
        boxes[::100] += np.array([1e9, -1e9, 1e9, -1e9])
    elif place == "long and thin":
        boxes[:, 2] += 5000
    else:
        boxes[:, [1, 3]] = [10, 20]
    boxes = boxes.astype(np.float32)
    assert NMS(0.4)(boxes, scores).tolist() == brute(boxes, scores, 0.4)


@pytest.mark.parametrize(("dtype", "end"), [(np.float32, 3e38), (np.float64, 2e200)])
def test_a_neighbour_at_the_end_of_numbers_changes_nothing(dtype, end):
    rng = np.random.default_rng(4)
    boxes, scores = photographed(rng, 300, dtype), 1 + rng.random(300)
    # One of an ordinary area, and one whose area is no number.
    for beside in ([end / 2, 0, end, 1 / end], [-end, -end, -end / 2, -end / 2]):
        together = np.concatenate([boxes, np.array([beside], dtype)])
        for threshold in (0.0, 0.3, 0.9):
            alone = NMS(threshold)(boxes, scores).tolist()
            assert NMS(threshold)(together, np.append(scores, 0)).tolist() == [*alone, 300]


def test_the_reach_is_the_farthest_that_centres_can_be():
    # Along one axis: sides 1 and s, centres d apart, the other sides equal.
    for threshold in (0.01, 0.2, 0.5, 0.8):
        sides = np.linspace(threshold, 1 / threshold, 20_001)
        overlap = threshold / (1 + threshold) * (1 + sides)
        farthest = ((1 + sides) / 2 - overlap)[overlap <= np.minimum(1, sides)].max()
        assert farthest <= reach(threshold) <= 1.01 * (1 - threshold) / (2 * threshold)
    assert reach(0.0) == math.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("power", [-1, 1])
def test_areas_may_overflow_and_underflow(dtype, power):
    info = np.finfo(dtype)
    scale = dtype(2.0 ** (info.maxexp - 8 if power > 0 else info.minexp + 8))
    boxes = np.round(photographed(np.random.default_rng(3), 60, dtype)) / dtype(16)
    scores = np.arange(60.0)
    with np.errstate(all="ignore"):
        assert not np.isfinite(scale * scale) or scale * scale == 0
    expected = NMS(0.3)(boxes, scores).tolist()
    assert NMS(0.3)(boxes * scale, scores).tolist() == expected
    # And beside others, of which each pair is computed as before.
    both = np.concatenate([boxes * scale, boxes + dtype(2**20)])
    staying = BatchedNMS(0.3)(both, np.tile(scores, 2), np.repeat([0, 1], 60))
    assert staying[staying < 60].tolist() == expected
    mixed = NMS(0.3)(np.concatenate([boxes, boxes * scale]), np.tile(scores, 2))
    assert [i for i in mixed if i < 60] == expected or power < 0
    whole = np.array([[-info.max, -info.max, info.max, info.max]] * 2)
    assert NMS(0.5)(whole, [1, 2]).tolist() == [1]
    tiny = np.array([[0, 0, info.smallest_subnormal, 1], [0, 0, 1, info.smallest_subnormal]] * 2)
    assert NMS(0.5)(tiny.astype(dtype), [4, 3, 2, 1]).tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("power", [-1, 1])
def test_areas_beyond_the_dtype_meet_a_threshold_exactly(dtype, power):
    info = np.finfo(dtype)
    scale = dtype(2.0 ** (info.maxexp - 8 if power > 0 else info.minexp - 8))
    halves = np.array([[0, 0, 8, 1], [0, 0, 4, 1], [0, 0, 2, 1], [8, 8, 16, 9]], dtype) * scale
    assert NMS(0.5)(halves, [4, 3, 2, 1]).tolist() == [0, 1, 2, 3]
    assert NMS(np.nextafter(dtype(0.5), dtype(0)))(halves, [4, 3, 2, 1]).tolist() == [0, 2, 3]
    assert NMS(0)(halves, [4, 3, 2, 1]).tolist() == [0, 3]
    # One within the other has an area that counts, be that infinite or less than all numbers.
    inner, outer = (
        (0, info.maxexp // 2 + 4) if power > 0 else (info.minexp * 3 // 5, info.minexp * 2 // 5)
    )
    pair = np.ldexp(np.array([[0, 0, 1, 1]] * 2, dtype), [[outer], [inner]]).astype(dtype)
    assert NMS(0)(pair, [2, 1]).tolist() == [0]
    assert NMS(0)(pair, [1, 2]).tolist() == [1]


def test_thresholds_are_rounded_to_the_dtype_of_the_boxes():
    for dtype in (np.float16, np.float32, np.float64):
        at = dtype(0.7)
        for width, staying in (
            (np.nextafter(at, dtype(0)), [0, 1]),
            (at, [0, 1]),
            (np.nextafter(at, dtype(1)), [0]),
        ):
            boxes = np.array([[0, 0, 1, 1], [0, 0, width, 1]], dtype)
            assert NMS(0.7)(boxes, [2, 1]).tolist() == staying


def test_scores_are_compared_in_their_own_dtype():
    same = np.tile(BOXES[:1].astype(np.float16), (2, 1))
    near = np.array([0.7, np.nextafter(0.7, 1)])
    assert NMS(0.5)(same, near).tolist() == [1]
    assert NMS(0.5)(same, near.astype(np.float32)).tolist() == [0]
    assert NMS(0.5)(same.astype(int), [2**53, 2**53 - 1]).tolist() == [0]


def test_no_boxes_and_one_are_normal_input():
    assert NMS(0.5)(np.zeros((0, 4)), []).shape == (0,)
    assert BatchedNMS(0.5)(np.zeros((0, 4)), [], []).dtype == np.int64
    assert NMS(0.5)(BOXES[:1], [0.1]).tolist() == [0]
    assert BatchedNMS(0.5)(BOXES[:1], [0.1], [3]).tolist() == [0]


def strided(x):
    return np.repeat(x, 2, axis=-1)[..., ::2]


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        strided,
        lambda x: np.ascontiguousarray(x[::-1])[::-1],
        lambda x: x.astype(x.dtype.newbyteorder(">")),
        lambda x: x.tolist(),
    ],
)
def test_any_layout_gives_the_same_and_inputs_stay(layout):
    rng = np.random.default_rng(0)
    inputs = photographed(rng, 200, np.float64), rng.random(200), rng.integers(0, 3, 200)
    laid_out = [layout(x) for x in inputs]
    for x in laid_out:
        if isinstance(x, np.ndarray):
            x.flags.writeable = False
    before = [np.array(x) for x in laid_out]
    assert BatchedNMS(0.5)(*laid_out).tolist() == BatchedNMS(0.5)(*inputs).tolist()
    assert NMS(0.5)(*laid_out[:2]).tolist() == NMS(0.5)(*inputs[:2]).tolist()
    for x, original in zip(laid_out, before, strict=True):
        assert np.array_equal(x, original)


SCORES = np.arange(4.0)


@pytest.mark.parametrize(
    ("boxes", "scores", "labels", "error", "message"),
    [
        (BOXES * np.nan, SCORES, SCORES, ValueError, r"boxes\[0, 0\] is nan"),
        (BOXES - [0, 0, 0, np.inf], SCORES, SCORES, ValueError, r"boxes\[0, 3\] is -inf"),
        (BOXES, [0, 1, np.inf, 2], SCORES, ValueError, r"scores\[2\] is inf"),
        (BOXES, [0, 1, 3, np.nan], SCORES, ValueError, r"scores\[3\] is nan"),
        (BOXES[:, :3], SCORES, SCORES, ValueError, "boxes: expected axis -1 to have length 4"),
        (BOXES[None], SCORES, SCORES, ValueError, r"boxes: expected \(N, 4\), got shape \(1, 4, 4"),
        (BOXES[0], SCORES, SCORES, ValueError, r"boxes: expected \(N, 4\), got shape \(4,\)"),
        (BOXES, SCORES[:3], SCORES, ValueError, r"scores: expected one for each of 4 boxes"),
        (BOXES, SCORES[None], SCORES, ValueError, r"scores: .* got shape \(1, 4\)"),
        (BOXES, 1.0, SCORES, ValueError, r"scores: .* got shape \(\)"),
        (BOXES, SCORES, SCORES[:3], ValueError, r"labels: expected one for each of 4 boxes"),
        (BOXES, SCORES, SCORES / 2, ValueError, r"labels\[1\] is 0.5, expected whole numbers"),
        (BOXES, SCORES, list("abcd"), TypeError, "labels: expected integers"),
        (BOXES.astype(complex), SCORES, SCORES, TypeError, "boxes: .* complex128"),
        (BOXES.astype(object), SCORES, SCORES, TypeError, "boxes: .* object"),
        (BOXES, SCORES.astype(str), SCORES, TypeError, "scores: .* got dtype <U"),
    ],
)
def test_bad_input_is_named(boxes, scores, labels, error, message):
    with pytest.raises(error, match=message):
        BatchedNMS(0.5)(boxes, scores, labels)
    if "labels" not in message:
        with pytest.raises(error, match=message):
            NMS(0.5)(boxes, scores)


@pytest.mark.parametrize("operator", [NMS, BatchedNMS])
@pytest.mark.parametrize(
    ("threshold", "error", "message"),
    [
        (-0.1, ValueError, "threshold: expected a number from 0 to 1, got -0.1"),
        (1.5, ValueError, "threshold: expected a number from 0 to 1"),
        (math.nan, ValueError, "threshold is nan"),
        ("0.5", TypeError, "threshold: expected a real number"),
        (True, TypeError, "threshold: expected a real number"),
    ],
)
def test_bad_parameters_are_named(operator, threshold, error, message):
    with pytest.raises(error, match=message):
        operator(threshold)
