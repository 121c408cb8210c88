"""Grids of anchors: where they lie, how large they are, in what order, and what is rounded."""

import math
from itertools import product

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings

from refkernels import AnchorGrid
from refkernels.bounds import anchor as bounds
from refkernels.conformance.cases import find
from refkernels.conformance.model.compare import error_ratio
from refkernels.conformance.model.operator import Case
from refkernels.definition import anchor as definition


def case_of(height, width, **config):
    return Case(config, {"height": np.array(height), "width": np.array(width)})


def test_an_anchor_has_the_area_of_its_size_and_the_shape_of_its_ratio_around_its_cell():
    # Ratio 4 of size 8: 4 wide and 16 high; the centres of two cells are (8, 8) and (24, 8).
    anchors = AnchorGrid(sizes=[8], ratios=[1, 4], stride=16)(1, 2)
    assert anchors.tolist() == [[4, 4, 12, 12], [6, 0, 10, 16], [20, 4, 28, 12], [22, 0, 26, 16]]
    assert anchors.dtype == np.float32


def test_rows_come_before_columns_and_cells_before_anchors():
    anchors = AnchorGrid([2], [1], stride=(10, 100), offset=0)(2, 3)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    assert centres.tolist() == [[0, 0], [100, 0], [200, 0], [0, 10], [100, 10], [200, 10]]


def test_within_a_cell_anchors_come_by_ratio_or_by_size():
    sizes, ratios = [2, 8], [1, 4, 0.25]
    by_ratio, by_size = (AnchorGrid(sizes, ratios, 1, order=o)(1, 1) for o in ("ratio", "size"))
    sides = [
        [[size / math.sqrt(ratio), size * math.sqrt(ratio)] for size in sizes] for ratio in ratios
    ]
    assert (by_ratio[:, 2:] - by_ratio[:, :2]).tolist() == np.reshape(sides, (6, 2)).tolist()
    assert by_size.tolist() == by_ratio[[0, 2, 4, 1, 3, 5]].tolist()


@pytest.mark.parametrize("offset", [0, 0.5, -1, 0.25])
def test_the_offset_is_in_cells(offset):
    (anchor,) = AnchorGrid([2], [1], 8, offset)(1, 1)
    assert anchor.tolist() == [8 * offset - 1, 8 * offset - 1, 8 * offset + 1, 8 * offset + 1]


def test_half_the_sides_are_rounded_halves_to_even():
    sizes = [1, 2, 3, 4, 5, 6, 7, 33, 35]
    anchors = AnchorGrid(sizes, [1], 4, offset=0, rounded=True)(1, 1)
    assert anchors[:, 2].tolist() == [0, 1, 2, 2, 2, 3, 4, 16, 18]
    assert (anchors[:, :2] == -anchors[:, 2:]).all()
    # 32 by sqrt(2) is 22.6, half of which is 11.3; by 1 / sqrt(2), 45.3 and 22.6.
    (anchor,) = AnchorGrid([32], [2], 4, offset=0, rounded=True)(1, 1)
    assert anchor.tolist() == [-11, -23, 11, 23]
    # What is rounded is half a side, and no corner.
    (anchor,) = AnchorGrid([8], [1], 5, rounded=True)(1, 1)
    assert anchor.tolist() == [-1.5, -1.5, 6.5, 6.5]


def test_parameters_are_rounded_to_the_computing_dtype():
    size = 33 + 2.0**-22  # in float32 it is 33
    for dtype, half in (("float16", 16), ("float32", 16), ("float64", 17)):
        grid = AnchorGrid([size], [1], 4, offset=0, rounded=True, dtype=dtype)
        assert grid(1, 1)[0, 2] == half
    assert AnchorGrid([2], [1], 0.1, offset=1)(1, 1)[0, 0] == np.float32(0.1) - np.float32(1)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", np.float16, np.dtype("f4"), float]
)
def test_anchors_have_the_dtype_asked_for(dtype):
    assert AnchorGrid([8], [1], 16, dtype=dtype)(2, 2).dtype == np.dtype(dtype)


@settings(max_examples=150)
@given(find("AnchorGrid").cases())
def test_the_operator_is_its_definition(case):
    operator = find("AnchorGrid")
    reference = operator.refer(case)
    assert operator.judge_kernel(case, reference) is None
    assert operator.judge(case, reference, reference.kernel) is None


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_worst_error_lies_between_a_tenth_of_the_bound_and_the_bound(dtype, rounded):
    rng = np.random.default_rng(20)
    config = {
        "sizes": tuple(rng.uniform(5, 50, 3)),
        "ratios": (1 / 3, 0.7, 1.9),
        "stride": (7.3, 9.1),
        "offset": 0.3,
        "dtype": dtype,
        "rounded": rounded,
    }
    case = case_of(5, 6, **config)
    reference = find("AnchorGrid").refer(case, ask_definition=True)
    (kernel,), (exact,) = reference.kernel, reference.exact
    allowed = bounds.anchor_grid(**case.inputs, **config)
    ratios = [
        error_ratio(float(k), e, float(b), kernel.dtype)
        for k, e, b in zip(kernel.flat, exact.flat, allowed.flat, strict=True)
    ]
    for worst in np.reshape(ratios, (-1, 4)).max(0):
        assert 0.1 <= worst <= 1


def test_the_definition_rounds_exactly():
    # 9**0.5 is 3, so these are 5.5 and 49.5 exactly; of 2 no root is between two whole numbers.
    anchors = definition.AnchorGrid(1, 1, sizes=[33], ratios=[9], stride=1, offset=0, rounded=True)
    assert anchors.tolist() == [[-6, -50, 6, 50]]
    (square,) = definition.half_squares(sizes=[8], ratios=[2], order="ratio", dtype="float32")
    assert square == (8, 32)
    assert mpmath.almosteq(definition.root(square[0]), mpmath.sqrt(8))
    assert definition.root(square[0] * 2) == 4


def test_half_a_side_between_two_whole_numbers_may_be_either_if_it_is_rounded():
    operator = find("AnchorGrid")
    # 33 by 1/3 is 11 as code that multiplies has it, or a little more: half of it is 5.5.
    case = case_of(2, 2, sizes=(33.0,), ratios=(9.0,), stride=4.0, rounded=True)
    reference = operator.refer(case)
    (kernel,) = reference.kernel
    narrower = kernel + np.float32([1, 0, -1, 0])
    assert operator.judge(case, reference, (kernel,)) is None
    assert operator.judge(case, reference, (narrower,)) is None
    assert operator.count_ambiguous(case, reference, (kernel,)) == 0
    assert operator.count_ambiguous(case, reference, (narrower,)) == 1
    for wrong in (kernel - np.float32([1, 0, -1, 0]), kernel + np.float32([1, 0, 0, 0])):
        assert operator.judge(case, reference, (wrong,)) is not None
    # Of ratio 1 nothing is rounded before.
    case = case_of(1, 1, sizes=(33.0,), ratios=(1.0,), stride=4.0, rounded=True)
    reference = operator.refer(case)
    wider = reference.kernel[0] + np.float32([-1, 0, 1, 0])
    assert operator.judge(case, reference, (wider,)) is not None


@pytest.mark.parametrize(("height", "width"), [(0, 0), (0, 3), (3, 0)])
def test_a_map_without_cells_has_no_anchors(height, width):
    assert AnchorGrid([8], [1, 2], 16)(height, width).shape == (0, 4)


def test_parameters_may_come_as_any_sequence_and_number():
    expected = AnchorGrid((8.0, 16.0), (1.0,), (4.0, 8.0))(2, 3).tolist()
    grid = AnchorGrid(np.array([8, 16]), [np.float32(1)], [4, 8], np.float16(0.5))
    assert grid(np.int8(2), np.array(3)).tolist() == expected
    assert grid == AnchorGrid((8.0, 16.0), (1.0,), (4.0, 8.0))


def test_every_layout_of_a_small_grid_is_that_of_the_definition():
    tried = 0
    for height, width, order, rounded in product(range(3), range(3), ("ratio", "size"), (0, 1)):
        for sizes, ratios in product(((2,), (3, 8)), ((1,), (4, 0.25))):
            for stride, offset in product((4, (2, 8)), (0, 0.5)):
                config = {"sizes": sizes, "ratios": ratios, "stride": stride, "offset": offset}
                config |= {"order": order, "rounded": bool(rounded)}
                exact = definition.AnchorGrid(height, width, **config)
                assert AnchorGrid(**config)(height, width).tolist() == exact.tolist()
                tried += 1
    assert tried == 36 * 16


GRID = {"sizes": [8], "ratios": [1], "stride": 16}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sizes": []}, ValueError, "sizes: expected one number at least, got none"),
        ({"sizes": 8}, TypeError, "sizes: expected numbers, got 8"),
        ({"sizes": {8}}, TypeError, "sizes: expected numbers"),
        ({"sizes": [8, 0]}, ValueError, r"sizes\[1\]: expected a number over 0, got 0"),
        ({"sizes": [8, math.nan]}, ValueError, r"sizes\[1\] is nan"),
        ({"sizes": ["8"]}, TypeError, r"sizes\[0\]: expected a real number"),
        ({"sizes": [1e39]}, ValueError, r"sizes: \(1e\+39,\) overflows or vanishes in float32"),
        ({"ratios": [-1]}, ValueError, r"ratios\[0\]: expected a number over 0, got -1"),
        ({"ratios": []}, ValueError, "ratios: expected one number at least"),
        ({"ratios": [1e-50]}, ValueError, "ratios: .* overflows or vanishes in float32"),
        ({"stride": 0}, ValueError, "stride: expected a number over 0, got 0"),
        ({"stride": (8, -8)}, ValueError, r"stride\[1\]: expected a number over 0"),
        ({"stride": (8, 8, 8)}, ValueError, "stride: expected 2 numbers"),
        ({"stride": "8"}, TypeError, "stride: expected a real number"),
        ({"stride": math.inf}, ValueError, "stride is inf"),
        ({"offset": None}, TypeError, "offset: expected a real number"),
        ({"offset": -1e300}, ValueError, "offset: .* overflows or vanishes in float32"),
        ({"rounded": 1}, TypeError, "rounded: expected True or False"),
        ({"order": "shape"}, ValueError, "order: expected 'ratio' or 'size', got 'shape'"),
        ({"order": 0}, TypeError, "order: expected 'ratio' or 'size'"),
        ({"dtype": "int32"}, ValueError, "dtype: expected 'float16' or 'float32' or 'float64'"),
        ({"dtype": None}, TypeError, "dtype: expected"),
    ],
)
def test_bad_parameters_are_named(options, error, message):
    with pytest.raises(error, match=message):
        AnchorGrid(**{**GRID, **options})


@pytest.mark.parametrize(
    ("height", "width", "error", "message"),
    [
        (-1, 1, ValueError, "height: expected an integer from 0"),
        (1, 2.0, TypeError, "width: expected an integer, got 2.0"),
        (True, 1, TypeError, "height: expected an integer, got True"),
        (1, "3", TypeError, "width: expected an integer"),
        (2**16, 2**16, ValueError, "height and width: expected no more than 2147483647 anchors"),
        (2**31 - 1, 2, ValueError, "got 4294967294: 2147483647 rows and 2 columns of 1"),
    ],
)
def test_bad_input_is_named(height, width, error, message):
    with pytest.raises(error, match=message):
        AnchorGrid(**GRID)(height, width)


def test_a_grid_does_not_reach_beyond_the_numbers_of_its_dtype():
    grid = AnchorGrid([8], [1], 16, dtype="float16")
    assert grid(1, 4000).shape == (4000, 4)
    with pytest.raises(
        ValueError, match="dtype: float16 has no numbers for 1 row and 5000 columns"
    ):
        grid(1, 5000)
    with pytest.raises(ValueError, match="dtype: float32 has no numbers"):
        AnchorGrid([3e38], [1e-30], 1)(1, 1)
