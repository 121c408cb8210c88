"""The encoder of centre heat maps: peaks, radii that overlap enough, and what stands at centres."""

import math
from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels import CenterHeatmapEncoder, CenterNetDecoder
from refkernels.bounds import heatmap as bounds
from refkernels.coder.heatmap_encoder import _radius
from refkernels.conformance.cases import find
from refkernels.conformance.model.compare import error_ratio
from refkernels.conformance.model.operator import Case
from refkernels.definition import coder as definition

DTYPES = [np.float16, np.float32, np.float64]

# Of 16 x 14 cells around (1.5, 0.75): inwards, 14 x 12 of 224 are 0.75, and 12 x 10 are 0.54.
BOX = [-26.0, -25.0, 38.0, 31.0]


def encode(boxes, labels, **options):
    return CenterHeatmapEncoder(**{"num_class": 1, "size": (2, 3), **options})(boxes, labels)


def around(x, y, width, height):
    """A box in pixels, given in cells of 4."""
    return [4 * (x - width / 2), 4 * (y - height / 2), 4 * (x + width / 2), 4 * (y + height / 2)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_box_leaves_a_gaussian_its_size_and_its_offset_at_its_cell(dtype):
    heat, wh, reg, mask = encode(np.array([BOX], dtype), [0])
    # Of radius 1 and deviation 1/2.
    side, corner = math.exp(-2), math.exp(-4)
    expected = [[side, 1, side], [corner, side, corner]]
    np.testing.assert_allclose(heat[0], np.array(expected, dtype), rtol=4 * np.finfo(dtype).eps)
    assert mask.tolist() == [[0, 1, 0], [0, 0, 0]]
    assert wh[:, 0, 1].tolist() == [16, 14]
    assert reg[:, 0, 1].tolist() == [0.5, 0.75]
    assert np.count_nonzero(wh) == np.count_nonzero(reg) == 2
    assert {x.dtype for x in (heat, wh, reg, mask)} == {np.dtype(dtype)}


def test_a_small_box_has_a_radius_of_none():
    heat, *_ = encode([around(1.5, 0.75, 3, 2)], [0])
    assert heat.tolist() == [[[0, 1, 0], [0, 0, 0]]]


def test_gaussians_of_a_class_combine_by_their_maximum():
    boxes = [around(0.5, 0.5, 14, 14), around(2.5, 0.5, 14, 14)]
    heat, _, _, mask = encode(boxes, [1, 1], num_class=2)
    assert heat[0].max() == 0
    assert heat[1, 0].tolist() == pytest.approx([1, math.exp(-2), 1])
    assert mask.tolist() == [[1, 0, 1], [0, 0, 0]]
    heat, *_ = encode(boxes, [1, 0], num_class=2)
    assert heat[:, 0].tolist() == [
        pytest.approx([0, math.exp(-2), 1]),
        pytest.approx([1, math.exp(-2), 0]),
    ]


def test_of_several_boxes_in_a_cell_the_first_is_measured():
    boxes = [around(1.25, 0.5, 3, 2), around(1.75, 0.5, 14, 15)]
    for order, wh, reg in (([0, 1], [3, 2], [0.25, 0.5]), ([1, 0], [14, 15], [0.75, 0.5])):
        heat, sides, offsets, mask = encode([boxes[i] for i in order], [0, 0])
        assert sides[:, 0, 1].tolist() == wh
        assert offsets[:, 0, 1].tolist() == reg
        assert mask.sum() == 1
        assert heat[0, 0].tolist() == pytest.approx([math.exp(-2), 1, math.exp(-2)])


@pytest.mark.parametrize(
    ("x", "column"),
    [
        (-0.25, None),
        (-2.0, None),
        (0.0, 0),
        (0.99, 0),
        (1.0, 1),
        (2.99, 2),
        (3.0, None),
        (99, None),
    ],
)
def test_a_centre_lies_in_the_cell_below_it_or_beside_the_map(x, column):
    *_, mask = encode([around(x, 0.5, 1, 1)], [0])
    assert np.flatnonzero(mask).tolist() == ([] if column is None else [column])


def test_boxes_without_extent_leave_nothing_and_their_labels_are_not_looked_at():
    none = [[-1] * 4, [0] * 4, [4, 2, 4, 6], [8, 6, 2, 1], [8, 1, 2, 6], around(9, 9, 1, 1)]
    for maps in encode(np.array(none, float), [-1, 99, 7, -3, 5, 2**40]):
        assert not maps.any()
    both = encode([*none, BOX], [-1] * 6 + [0])
    for maps, alone in zip(both, encode([BOX], [0]), strict=True):
        assert maps.tolist() == alone.tolist()


def test_sides_are_rounded_up_for_the_radius_alone():
    # Of sides 12.1 the shift is 0.988, of 13 it is 1.06.
    box = [around(1.5, 0.5, 12.1, 12.1)]
    heat, wh, *_ = encode(box, [0])
    assert np.count_nonzero(heat) == 1
    heat, ceiled, *_ = encode(box, [0], ceil=True)
    assert np.count_nonzero(heat) == 6
    assert wh.tolist() == ceiled.tolist()


@pytest.mark.parametrize(
    ("width", "height", "overlap", "radius"),
    [
        # Inwards by a quarter leaves a quarter of the area.
        (4, 4, 0.25, 1),
        (3.99, 4, 0.25, 0),
        (400, 400, 0.25, 100),
        # (w - 2 r)(h - 2 r) = m w h: 0.7 * 400 = 280 > 17 * 17 - 9; 18 * 18 = 324 >= 280.
        (20, 20, 0.7, 1),
        (100, 100, 0.7, 8),  # 84**2 = 7056, 82**2 = 6724
        (1000, 20, 0.7, 2),  # 996 * 16 = 15936 >= 14000, 994 * 14 = 13916
        (30, 30, 1.0, 0),
        (0.5, 0.5, 0.1, 0),
    ],
)
def test_the_radius_is_the_largest_shift_that_overlaps_enough(width, height, overlap, radius):
    exact = definition.largest_radius(*(Fraction(z) for z in (width, height, overlap)))
    assert exact == radius
    assert _radius(float(width), float(height), float(overlap)) == radius


@given(st.floats(2.0**-6, 2.0**12), st.floats(2.0**-6, 2.0**12), st.floats(0.01, 1))
def test_radii_are_those_of_the_definition_unless_rounding_decides(width, height, overlap):
    exact = definition.largest_radius(*map(Fraction, (width, height, overlap)))
    found = _radius(width, height, overlap)
    shift, error = bounds.overlap_shift(width, height, overlap, np.float64)
    assert found == exact or abs(shift - max(exact, found)) <= error
    # The three quadratics of SPEC, in many digits.
    with mpmath.workdps(60):
        w, h, m = (mpmath.mpf(z) for z in (width, height, overlap))
        roots = [
            ((w + h) - mpmath.sqrt((w + h) ** 2 - 4 * w * h * (1 - m) / (1 + m))) / 2,
            ((w + h) - mpmath.sqrt((w + h) ** 2 - 4 * w * h * (1 - m))) / 4,
            (mpmath.sqrt(m**2 * (w + h) ** 2 + 4 * m * (1 - m) * w * h) - m * (w + h)) / (4 * m),
        ]
        assert min(roots) == roots[1] or abs(min(roots) - roots[1]) < 1e-50 * (w + h)
        assert abs(shift - roots[1]) <= error
        assert exact == int(mpmath.floor(min(roots))) or abs(min(roots) - exact) < 1e-40 * (w + h)


def test_the_largest_and_the_smallest_boxes_have_a_radius():
    assert _radius(math.inf, 5.0, 0.5) == 1
    assert _radius(1.7e308, 1.7e308, 0.25) == pytest.approx(1.7e308 / 4)
    assert _radius(0.0, 0.0, 0.5) == _radius(5e-324, 5e-324, 0.5) == _radius(0.0, 9.0, 0.5) == 0
    heat, *_ = encode(np.array([[-3e38, -3e38, 3e38, 3e38]], np.float32), [0])
    assert heat.min() == 1  # as far as the map reaches
    for maps in encode(np.array([[0, 0, 1e-40, 1e-40]], np.float32), [0], scale=1e30):
        assert np.isfinite(maps).all()


@settings(max_examples=100)
@given(find("CenterHeatmapEncoder").cases())
def test_the_encoder_is_its_definition_within_the_bounds(case):
    operator = find("CenterHeatmapEncoder")
    for dtype in DTYPES:
        cast = case.astype(np.dtype(dtype))
        if np.isfinite(cast.inputs["boxes"]).all():
            reference = operator.refer(cast)
            assert operator.judge_kernel(cast, reference) is None
            assert operator.judge(cast, reference, reference.kernel) is None


def test_all_small_boxes_are_encoded_as_defined():
    # Corners on cells' edges and in their middles, on a map of 2 x 2 and beside it.
    levels = (-2.0, 0.0, 2.0, 4.0, 10.0)
    config = {"num_class": 1, "size": (2, 2), "min_overlap": 0.25}
    encoder, tried = CenterHeatmapEncoder(**config), 0
    for corners in product(levels, repeat=4):
        boxes = np.array([corners, [0, 0, 4, 4]])
        exact = definition.CenterHeatmapEncoder(boxes, [0, 0], **config)
        for maps, expected in zip(encoder(boxes, [0, 0]), exact, strict=True):
            assert np.abs(maps - expected.astype(float)).max() <= 1e-15
        tried += 1
    assert tried == 5**4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [4.0, 3.7])
def test_the_worst_error_lies_between_a_fiftieth_of_the_bound_and_the_bound(dtype, scale):
    rng = np.random.default_rng(20)
    middle = rng.uniform(0, 40 * scale, (60, 2))
    sides = rng.uniform(1, 60 * scale, (60, 2))
    boxes = np.concatenate([middle - sides / 2, middle + sides / 2], -1)
    config = {"num_class": 2, "size": (40, 41), "scale": scale, "min_overlap": 0.3}
    inputs = {"boxes": boxes, "labels": rng.integers(0, 2, 60)}
    case = Case(config, inputs).astype(np.dtype(dtype))
    operator = find("CenterHeatmapEncoder")
    reference = operator.refer(case, ask_definition=True)
    outputs = zip(operator.outputs(case), reference.kernel, reference.exact, strict=True)
    for output, kernel, exact in outputs:
        if output.bound is not None:
            bound = output.bound(case, exact)
            ratios = [
                error_ratio(float(k), e, float(b), kernel.dtype)
                for k, e, b in zip(kernel.flat, exact.flat, bound.flat, strict=True)
            ]
            assert 1 / 50 <= max(ratios) <= 1, output.name


def judged(case, outputs):
    operator = find("CenterHeatmapEncoder")
    reference = operator.refer(case)
    return operator.judge(case, reference, outputs), operator.count_ambiguous(
        case, reference, outputs
    )


def test_what_subnormal_halves_lose_is_divided_by_the_scale_too():
    config = {"num_class": 1, "size": (1, 1), "scale": 0.3}
    boxes = np.float64([[0.0, 4.7683715820314e-311, 7.62939453125e-311, 1.0490417480469e-310]])
    kernel = CenterHeatmapEncoder(**config)(boxes, [0])
    assert judged(Case(config, {"boxes": boxes, "labels": np.array([0])}), kernel) == (None, 0)


def test_a_centre_that_rounding_moves_to_a_cells_edge_may_be_on_either_side():
    # A third of 3 pixels and a little: 1.0000000298 cells as exact, 1 as float32 has it, or less.
    config = {"num_class": 1, "size": (1, 3), "scale": 3.0, "min_overlap": 0.3}
    boxes = np.array([[1.1, 0, 4.9, 3]], np.float32)
    exact = (Fraction(float(boxes[0, 0])) + Fraction(float(boxes[0, 2]))) / 6
    assert 0 < abs(exact - 1) < 1e-7
    case = Case(config, {"boxes": boxes, "labels": np.array([0])})
    kernel = CenterHeatmapEncoder(**config)(boxes, [0])
    assert judged(case, kernel) == (None, 0)
    other = 0 if kernel[3][0, 1] else 1
    moved = [np.zeros_like(array) for array in kernel]
    moved[0][0, 0, other] = moved[3][0, other] = 1
    moved[1][:, 0, other] = kernel[1][:, 0, 1 - other]
    moved[2][:, 0, other] = [np.float32(1) if other == 0 else 0, kernel[2][1, 0, 1 - other]]
    assert judged(case, tuple(moved)) == (None, 1)
    moved[2][0, 0, other] = 0.5
    assert judged(case, tuple(moved))[0] is not None


def test_a_radius_that_rounding_moves_may_be_either():
    # Of sides 20 and m = 0.64 the shift is exactly 2, but float32 has another 0.64.
    config = {"num_class": 1, "size": (9, 9), "min_overlap": 0.64}
    boxes = np.array([around(4.5, 4.5, 20, 20)], np.float32)
    case = Case(config, {"boxes": boxes, "labels": np.array([0])})
    kernel = CenterHeatmapEncoder(**config)(boxes, [0])
    radius = int((kernel[0][0, 4] > 0).sum() - 1) // 2
    assert radius in (1, 2)
    heat = np.zeros_like(kernel[0])
    other = 3 - radius
    reach = np.arange(-other, other + 1)
    square = reach[:, None] ** 2 + reach**2
    heat[0, 4 - other : 5 + other, 4 - other : 5 + other] = np.exp(
        -18 * square / (2 * other + 1) ** 2
    )
    assert judged(case, (heat, *kernel[1:])) == (None, 1)
    assert judged(case, (heat * np.float32(0.99), *kernel[1:]))[0] is not None


def test_a_decoder_finds_the_boxes_again():
    rng = np.random.default_rng(3)
    cells = rng.permutation(15 * 17)[:20]
    middle = np.stack([cells % 17, cells // 17], -1) + rng.integers(1, 8, (20, 2)) / 8
    sides = rng.integers(1, 30, (20, 2)) / 4
    boxes = np.concatenate([middle - sides / 2, middle + sides / 2], -1) * 4
    labels = rng.integers(0, 3, 20)
    heat, wh, reg, mask = CenterHeatmapEncoder(3, (15, 17))(boxes, labels)
    ids, scores, found = CenterNetDecoder(20)(heat * mask, wh, reg)
    assert scores.tolist() == [1] * 20
    rows = sorted(zip(labels.tolist(), boxes.tolist(), strict=True))
    assert sorted(zip(ids.tolist(), found.tolist(), strict=True)) == rows


def test_one_image_is_a_batch_of_one_and_images_do_not_mix():
    boxes = np.array([[BOX, around(0.5, 1.5, 30, 20)], [around(2.5, 0.5, 3, 3), [-1] * 4]])
    labels = np.array([[0, 1], [1, -1]])
    both = encode(boxes, labels, num_class=2)
    for image in range(2):
        for one, batch in zip(encode(boxes[image], labels[image], num_class=2), both, strict=True):
            assert one.tolist() == batch[image].tolist()
    mixed = encode(boxes[:1], labels[0], num_class=2)
    assert [x.shape for x in mixed] == [(1, 2, 2, 3), (1, 2, 2, 3), (1, 2, 2, 3), (1, 2, 3)]


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (0, 0)])
def test_no_boxes_and_no_images_are_normal_input(shape):
    maps = encode(np.zeros((*shape, 4)), np.zeros(shape), num_class=5)
    assert [x.shape for x in maps] == [
        (*shape[:-1], *tail) for tail in ((5, 2, 3), (2, 2, 3), (2, 2, 3), (2, 3))
    ]
    assert not any(x.any() for x in maps)


def test_whole_numbers_and_labels_of_any_dtype_are_taken():
    expected = encode(np.array([BOX]), [0])
    assert expected[0].dtype == np.float64
    for dtype in (np.int32, np.int64):
        for labels in (np.zeros(1, np.uint8), np.zeros(1, np.float16), [0]):
            for one, other in zip(encode(np.array([BOX], dtype), labels), expected, strict=True):
                assert one.dtype == np.float64
                assert one.tolist() == other.tolist()
    assert CenterHeatmapEncoder(1, 3) == CenterHeatmapEncoder(1, (3, 3))


def test_any_layout_gives_the_same_and_inputs_stay(layout):
    rng = np.random.default_rng(0)
    corners = rng.uniform(-10, 30, (2, 6, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 60, (2, 6, 2))], -1)
    labels = rng.integers(0, 3, (2, 6))
    given = [layout(boxes), layout(labels)]
    before = [np.array(x) for x in given]
    options = {"num_class": 3, "size": (9, 8)}
    for one, other in zip(encode(*given, **options), encode(boxes, labels, **options), strict=True):
        assert one.tolist() == other.tolist()
    for x, original in zip(given, before, strict=True):
        assert np.array_equal(x, original)


@pytest.mark.parametrize(
    ("boxes", "labels", "error", "message"),
    [
        ([[0, 0, np.nan, 1]], [0], ValueError, r"boxes\[0, 2\] is nan"),
        ([[0, 0, 1, -np.inf]], [0], ValueError, r"boxes\[0, 3\] is -inf"),
        ([BOX], [1], ValueError, r"labels\[0\] is 1, expected a class from 0 to 0"),
        ([[BOX] * 2], [[0, -1]], ValueError, r"labels\[0, 1\] is -1, expected a class"),
        ([BOX], [0.5], ValueError, r"labels\[0\] is 0.5, expected whole numbers"),
        ([BOX], [0, 0], ValueError, r"labels: expected one for each of boxes, \(1, 1\), got"),
        ([[BOX], [BOX]], [0], ValueError, r"labels: .* \(2, 1\), got \(1, 1\)"),
        (BOX, [0], ValueError, r"boxes: expected \(B, M, 4\) or \(M, 4\)"),
        ([BOX[:3]], [0], ValueError, "boxes: expected axis -1 to have length 4"),
        ([BOX], 0, ValueError, r"labels: expected \(B, M\) or \(M,\)"),
        (np.array([BOX], complex), [0], TypeError, "boxes: .* complex128"),
        (np.array([BOX], object), [0], TypeError, "boxes: .* object"),
        ([BOX], ["cat"], TypeError, "labels: expected integers"),
    ],
)
def test_bad_input_is_named(boxes, labels, error, message):
    with pytest.raises(error, match=message):
        encode(boxes, labels)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_class": 0}, ValueError, "num_class: expected an integer of at least 1"),
        ({"num_class": 1.0}, TypeError, "num_class: expected an integer"),
        ({"size": (0, 3)}, ValueError, r"size\[0\]: expected an integer from 1"),
        ({"size": (1, 2, 3)}, ValueError, "size: expected an integer or two"),
        ({"size": "3"}, TypeError, "size: expected an integer"),
        ({"scale": 0}, ValueError, "scale: expected a number over 0, got 0"),
        ({"scale": math.inf}, ValueError, "scale is inf"),
        ({"min_overlap": 0}, ValueError, "min_overlap: expected a number over 0"),
        ({"min_overlap": 1.1}, ValueError, "min_overlap: expected a number from 0 to 1"),
        ({"min_overlap": None}, TypeError, "min_overlap: expected a real number"),
        ({"ceil": 1}, TypeError, "ceil: expected True or False, got 1"),
    ],
)
def test_bad_parameters_are_named(options, error, message):
    with pytest.raises(error, match=message):
        CenterHeatmapEncoder(**{"num_class": 1, "size": (2, 3), **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 1e-50}, "scale: 1e-50 overflows or vanishes in float32"),
        ({"scale": 1e50}, r"scale: 1e\+50 overflows or vanishes in float32"),
        ({"min_overlap": 1e-50}, "min_overlap: 1e-50 vanishes in float32"),
        ({"num_class": 2**62}, "num_class, size: 4611686018427387904 maps of 2 x 3 cells for each"),
        ({"size": 2**31 - 1}, "num_class, size: 2 maps of 2147483647 x 2147483647 cells"),
    ],
)
def test_parameters_must_go_with_the_computing_dtype_and_memory(options, message):
    with pytest.raises(ValueError, match=message):
        encode(np.float32([BOX]), [0], **options)


def test_two_centres_that_rounding_moves_off_the_map_may_both_be_there_or_not():
    # Both centres are just left of the edge, exactly, and on it once their sum is rounded.
    boxes = np.array([[0.225, -0.525, 0.375, 0.825], [0.225, 0.15, 0.375, 0.3]], np.float32)
    inputs = {"boxes": boxes, "labels": np.array([0, 0])}
    case = Case({"num_class": 1, "scale": 0.3, "size": (1, 1)}, inputs)
    operator = find("CenterHeatmapEncoder")
    reference = operator.refer(case)
    assert reference.kernel[3].sum() == 0 < reference.exact[3].sum()
    assert operator.judge_kernel(case, reference) is None
    heat, wh, reg, mask = reference.kernel
    assert operator.judge(case, reference, (heat + 1, wh, reg, mask)).kind == "diverges"
