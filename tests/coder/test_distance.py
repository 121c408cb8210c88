"""Distances from points: what they are, in which units, and that decoding undoes encoding."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from refkernels import DistanceDecoder, DistanceEncoder
from refkernels.conformance.cases import find
from refkernels.definition import coder as definition

DTYPES = [np.float16, np.float32, np.float64]

POINTS = np.array([[4.0, 6.0], [0.0, 0.0], [10.0, 1.0]])
BOXES = np.array([[1.0, 2, 9, 8], [-1, -2, 3, 4], [0, 0, 4, 4]])
SIZES = np.array([[2.0, 4.0], [8.0, 0.5], [1.0, 1.0]])
# The third point lies right of its box, which is so a negative distance away there.
DISTANCES = np.array([[3.0, 4, 5, 2], [1, 2, 3, 4], [10, 1, -6, 3]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_distances_are_left_top_right_and_bottom(dtype):
    points, boxes, distances = (x.astype(dtype) for x in (POINTS, BOXES, DISTANCES))
    assert DistanceEncoder()(points, boxes).tolist() == DISTANCES.tolist()
    assert DistanceDecoder()(points, distances).tolist() == BOXES.tolist()
    assert DistanceEncoder()(points, boxes).dtype == dtype


def test_normalised_distances_are_in_sizes_of_their_axis():
    expected = DISTANCES / np.tile(SIZES, 2)
    assert expected[0].tolist() == [1.5, 1, 2.5, 0.5]
    assert DistanceEncoder(normalize=True)(POINTS, BOXES, SIZES).tolist() == expected.tolist()
    assert DistanceDecoder(normalize=True)(POINTS, expected, SIZES).tolist() == BOXES.tolist()


@pytest.mark.parametrize("name", ["DistanceEncoder", "DistanceDecoder"])
def test_the_operator_is_its_definition_within_the_bound(name):
    operator = find(name)

    @settings(max_examples=60)
    @given(operator.cases())
    def check(case):
        for dtype in DTYPES:
            cast = case.astype(np.dtype(dtype))
            reference = operator.refer(cast, ask_definition=True)
            assert operator.judge_kernel(cast, reference) is None

    check()


def test_all_small_points_and_boxes_are_coded_as_defined_and_back():
    levels = (0.0, 0.5, 2.0)
    points = np.array(list(product(levels, repeat=2)))
    tried = 0
    for corners in product(levels, repeat=4):
        boxes = np.tile(corners, (len(points), 1))
        for config, sizes in (({}, ()), ({"normalize": True}, (np.tile([0.5, 4.0], (9, 1)),))):
            distances = DistanceEncoder(**config)(points, boxes, *sizes)
            exact = definition.DistanceEncoder(points, boxes, *sizes, **config)
            assert distances.tolist() == exact.tolist()
            back = DistanceDecoder(**config)(points, distances, *sizes)
            assert back.tolist() == boxes.tolist()
            exact = definition.DistanceDecoder(points, distances, *sizes, **config)
            assert back.tolist() == exact.tolist()
            tried += len(points)
    assert tried == 3**6 * 2


@pytest.mark.parametrize("coder", [DistanceEncoder, DistanceDecoder])
def test_one_image_is_a_batch_of_one_and_points_serve_all_images(coder):
    one = coder(True)(POINTS, BOXES, SIZES).tolist()
    other = coder(True)(POINTS, BOXES + 1, SIZES).tolist()
    assert coder(True)(POINTS, BOXES[None], SIZES).tolist() == [one]
    assert coder(True)(POINTS, np.stack([BOXES, BOXES + 1]), SIZES).tolist() == [one, other]


@pytest.mark.parametrize("coder", [DistanceEncoder, DistanceDecoder])
@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4), (0, 3, 4)])
def test_empty_sets_are_normal_input(coder, shape):
    points = np.ones((shape[-2], 2))
    assert coder()(points, np.zeros(shape)).shape == shape
    assert coder(normalize=True)(points, np.zeros(shape), points).shape == shape


@pytest.mark.parametrize("coder", [DistanceEncoder, DistanceDecoder])
@pytest.mark.parametrize(
    ("points", "boxes", "sizes", "expected"),
    [
        (np.float16, np.float16, np.float16, np.float16),
        (np.float16, np.float32, np.float16, np.float32),
        (np.float32, np.float32, np.float64, np.float64),
        (np.int64, np.float32, np.float32, np.float64),
    ],
)
def test_results_have_the_common_dtype(coder, points, boxes, sizes, expected):
    result = coder(True)(POINTS.astype(points), BOXES.astype(boxes), SIZES.astype(sizes))
    assert result.dtype == expected


def test_float16_is_rounded_once():
    points, boxes = np.array([[1000.0, 0]], np.float16), np.array([[0.3, 0, 0, 0]], np.float16)
    sizes = np.array([[3.0, 1]], np.float16)
    wide = (np.float32(points[0, 0]) - np.float32(boxes[0, 0])) / np.float32(3)
    assert DistanceEncoder(True)(points, boxes, sizes)[0, 0] == np.float16(wide)


def test_a_distance_that_overflows_is_infinite_without_a_warning():
    points, boxes = np.float32([[3e38, 0]]), np.float32([[-3e38, 0, 0, 0]])
    assert DistanceEncoder()(points, boxes)[0].tolist()[:2] == [np.inf, 0]
    assert DistanceDecoder()(points, -boxes)[0].tolist()[0] == 0
    assert DistanceDecoder()(points, boxes)[0].tolist()[0] == np.inf


@pytest.mark.parametrize("coder", [DistanceEncoder, DistanceDecoder])
def test_any_layout_gives_the_same_and_inputs_stay(coder, layout):
    rows = np.stack([BOXES, BOXES + 1])
    laid_out = [layout(x) for x in (POINTS, rows, SIZES)]
    before = [np.array(x) for x in laid_out]
    assert coder(True)(*laid_out).tolist() == coder(True)(POINTS, rows, SIZES).tolist()
    for x, original in zip(laid_out, before, strict=True):
        assert np.array_equal(x, original)


BAD = [
    (POINTS * np.nan, BOXES, None, ValueError, r"points\[0, 0\] is nan"),
    (POINTS, BOXES - [0, 0, 0, np.inf], None, ValueError, r"ROWS\[0, 3\] is -inf"),
    (POINTS, BOXES, SIZES * [1, np.nan], ValueError, r"sizes\[0, 1\] is nan"),
    (POINTS, BOXES, SIZES - [0, 0.5], ValueError, r"sizes\[1, 1\] is 0.0, expected numbers over 0"),
    (POINTS, BOXES, -SIZES, ValueError, r"sizes\[0, 0\] is -2.0, expected numbers over 0"),
    (POINTS, BOXES, SIZES[:2], ValueError, r"sizes: expected \(3, 2\), one for each of points"),
    (POINTS, BOXES, SIZES[None], ValueError, r"sizes: expected \(3, 2\).*got shape \(1, 3, 2\)"),
    (POINTS[:2], BOXES, None, ValueError, r"points: expected one for each of 3 ROWS, got"),
    (POINTS[None], BOXES, None, ValueError, r"points: expected \(N, 2\), got shape \(1, 3, 2\)"),
    (BOXES, BOXES, None, ValueError, r"points: expected \(N, 2\), got shape \(3, 4\)"),
    (POINTS, POINTS, None, ValueError, "ROWS: expected axis -1 to have length 4"),
    (POINTS, BOXES[0], None, ValueError, r"ROWS: expected \(B, N, 4\) or \(N, 4\)"),
    (POINTS.astype(complex), BOXES, None, TypeError, "points: .* complex128"),
    (POINTS, BOXES.astype(object), None, TypeError, "ROWS: .* object"),
    (POINTS, BOXES, SIZES.astype(str), TypeError, "sizes: .* <U"),
]


@pytest.mark.parametrize("coder", [DistanceEncoder, DistanceDecoder])
@pytest.mark.parametrize(("points", "boxes", "sizes", "error", "message"), BAD)
def test_bad_input_is_named(coder, points, boxes, sizes, error, message):
    message = message.replace("ROWS", "boxes" if coder is DistanceEncoder else "distances")
    with pytest.raises(error, match=message):
        coder(normalize=sizes is not None)(points, boxes, sizes)


@pytest.mark.parametrize("coder", [DistanceEncoder, DistanceDecoder])
def test_sizes_come_exactly_where_distances_are_normalised(coder):
    with pytest.raises(ValueError, match="sizes: expected \\(N, 2\\), since normalize is set"):
        coder(normalize=True)(POINTS, BOXES)
    with pytest.raises(ValueError, match="sizes: expected None, since normalize is not set"):
        coder()(POINTS, BOXES, SIZES)
    with pytest.raises(TypeError, match="normalize: expected True or False, got 1"):
        coder(1)
