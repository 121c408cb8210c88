"""Outputs are compared as they must be: decisions exactly, reals within a bound."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels.conformance.compare import (
    as_fraction,
    compare_exact,
    compare_real,
    error_ratio,
    round_to,
)

F32 = np.dtype(np.float32)


def exact(*values):
    return np.array([Fraction(v) for v in values] + [None], object)[:-1]


def test_equal_decisions_agree_whatever_their_dtype():
    assert compare_exact("matches", np.float32([1, -1]), np.array([1, -1]), None) is None


def test_a_differing_decision_is_named_with_its_index():
    found = compare_exact("matches", np.array([[1, 2]]), np.array([[1, 3]]), None)
    assert found.what == "matches[0, 1] is 2, expected 3 (1 of 2 differ)"


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (np.zeros((2, 1), np.float32), "shape (2, 1), expected (2,)"),
        (np.zeros(2, np.float64), "dtype float64, expected float32"),
    ],
)
def test_shape_and_dtype_count(found, what):
    assert what in compare_exact("x", found, np.zeros(2, np.float32), F32).what
    assert what in compare_real("x", found, exact(0, 0), np.ones(2), F32, both_rounded=False).what


def test_a_real_may_be_off_by_its_bound_and_no_more():
    center, bound = exact(1), np.array([2.0**-10])

    def off_by(error):
        found = np.array([1 + error], np.float32)
        return compare_real("x", found, center, bound, F32, both_rounded=False)

    assert off_by(2.0**-10) is None
    assert off_by(2.0**-10 + 2.0**-20).ratio == 1 + 2.0**-10


def test_beside_a_rounded_reference_two_bounds_are_allowed():
    center, bound = np.float32([1]), np.array([2.0**-10])

    def off_by(error):
        return compare_real("x", np.float32([1 + error]), center, bound, F32, both_rounded=True)

    assert off_by(2.0**-9) is None
    assert off_by(2.0**-9 + 2.0**-20) is not None


def test_infinity_is_right_only_where_the_exact_value_overflows():
    f16 = np.dtype(np.float16)
    assert error_ratio(np.inf, Fraction(65520), 0.0, f16) == 0
    assert error_ratio(np.inf, Fraction(65519), 0.0, f16) == np.inf
    assert error_ratio(-np.inf, Fraction(90000), 0.0, f16) == np.inf
    assert error_ratio(np.nan, Fraction(90000), 0.0, f16) == np.inf


def test_expected_infinities_and_nans_are_demanded():
    assert error_ratio(-np.inf, -np.inf, 0.0, F32) == 0
    assert error_ratio(np.nan, np.nan, 0.0, F32) == 0
    assert error_ratio(0.0, np.nan, 1.0, F32) == np.inf
    assert error_ratio(np.inf, -np.inf, 1.0, F32) == np.inf


def test_exact_numbers_of_every_kind_become_fractions():
    assert as_fraction(mpmath.mpf("-0.75")) == Fraction(-3, 4)
    assert as_fraction(mpmath.mpf(0)) == 0
    assert as_fraction(0.1) == Fraction(0.1)


def test_rounding_to_a_dtype_happens_once():
    # Halfway between two float16 numbers, and by less than float64 can tell above it.
    tie = Fraction(1) + Fraction(1, 2**11)
    above = tie + Fraction(1, 2**80)
    assert round_to(tie, np.dtype(np.float16)) == 1
    assert round_to(above, np.dtype(np.float16)) == np.float16(1 + 2**-10)


@given(st.fractions(-1000, 1000))
def test_rounding_to_a_dtype_takes_a_nearest_number(value):
    for dtype in (np.float16, np.float32):
        rounded = round_to(value, np.dtype(dtype))
        error = abs(Fraction(float(rounded)) - value)
        for neighbour in (
            np.nextafter(rounded, dtype(np.inf)),
            np.nextafter(rounded, dtype(-np.inf)),
        ):
            assert error <= abs(Fraction(float(neighbour)) - value)


def test_just_below_the_middle_between_the_largest_number_and_infinity_rounds_down():
    f16 = np.dtype(np.float16)
    below = Fraction(65520) - Fraction(1, 2**80)  # float64 rounds it onto the middle
    assert round_to(below, f16) == 65504
    assert round_to(-below, f16) == -65504
    assert round_to(Fraction(65520), f16) == np.inf
    assert round_to(-(Fraction(10) ** 400), f16) == -np.inf


@pytest.mark.parametrize("exact", [mpmath.mpf("-inf"), mpmath.nan, np.float32(np.inf)])
def test_infinities_and_nans_of_every_kind_are_themselves(exact):
    assert error_ratio(float(exact), exact, 0.0, F32) == 0
    assert error_ratio(0.0, exact, 1.0, F32) == np.inf


def test_numbers_that_no_float_holds_are_compared_all_the_same():
    f64 = np.dtype(np.float64)
    huge = Fraction(10) ** 400
    assert error_ratio(np.inf, huge, 0.0, f64) == 0
    assert error_ratio(-np.inf, huge, np.inf, f64) == np.inf
    assert error_ratio(1.0, huge, 1e-300, f64) == np.inf
    assert error_ratio(1.0, huge, np.inf, f64) == 0
    assert error_ratio(1e308, Fraction(0), 5e-324, f64) == np.inf


SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 65504.0, 3.4e38, 1.7e308, -1.7e308, 5e-324]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nothing_that_is_compared_warns(dtype):
    with np.errstate(all="ignore"):
        found = np.array(SPECIAL).astype(dtype)
    signalling = found.copy()
    bits = {2: 0x7D00, 4: 0x7FA00000, 8: 0x7FF4000000000000}[found.itemsize]
    signalling.view(f"u{found.itemsize}")[0] = bits
    with np.errstate(all="raise"):  # so that nothing is left to the default of a kind
        for own in (found, signalling):
            for other in (found, found[::-1].copy(), signalling):
                for bound in (0.0, 1e-30, 1.7e308, np.inf):
                    bounds = np.full(len(found), bound)
                    args = ("x", own, other, bounds, np.dtype(dtype))
                    compare_real(*args, both_rounded=True)
                    exacts = np.empty(len(found), object)
                    exacts[:] = [Fraction(float(v)) if np.isfinite(v) else float(v) for v in other]
                    compare_real(*args[:2], exacts, *args[3:], both_rounded=False)
                compare_exact("x", own, other, np.dtype(dtype))
        huge = np.empty(3, object)
        huge[:] = [Fraction(10) ** 400, Fraction(65520), -(Fraction(10) ** 39)]
        compare_exact("x", found[:3], huge, np.dtype(dtype))
