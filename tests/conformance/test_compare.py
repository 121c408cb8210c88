"""Outputs are compared as they must be: decisions exactly, reals within a bound."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels.conformance.model.compare import (
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


def said(found, center, bound, dtype=F32):
    """Return what is said of float64 numbers beside exact ones, and beside those of a kernel."""
    found = np.array(found, dtype)
    exactly = compare_real("x", found, exact(*center), np.array(bound), dtype, both_rounded=False)
    rounded = np.array([float(value) for value in center], dtype)
    beside = compare_real("x", found, rounded, np.array(bound), dtype, both_rounded=True)
    return exactly.what, beside.what


def test_a_real_is_told_with_its_place_what_is_expected_and_what_is_allowed():
    assert said([1, 2.5, 3], [1, 2, Fraction(7, 2)], [0, 0.125, 0.125]) == (
        "x[1] is 2.5, expected 2; allowed is an error of 0.125 (2 of 3 are beyond)",
        "x[1] is 2.5, the kernel says 2.0; allowed is a difference of 0.25 (2 of 3 are beyond)",
    )
    assert said([0.25], [Fraction(1, 3)], [0.001])[0] == (
        "x[0] is 0.25, expected 1/3; allowed is an error of 0.001"
    )
    assert said([0.25], [Fraction(1, 10**9 + 7)], [0])[0] == (
        "x[0] is 0.25, expected 9.99999993e-10; allowed is an error of 0"
    )


def test_a_number_that_must_be_finite_is_told_before_one_that_need_not_be():
    found, center = np.float32([0, 5, np.inf]), np.array([np.nan, Fraction(1), np.inf], object)
    wrong = compare_real("x", found, center, np.full(3, 0.5), F32, both_rounded=False)
    assert wrong.what == ("x[1] is 5.0, expected 1; allowed is an error of 0.5 (2 of 3 are beyond)")
    wrong = compare_real(
        "x", found, center.astype(np.float32), np.full(3, 0.5), F32, both_rounded=True
    )
    assert wrong.what.startswith("x[1] is 5.0, the kernel says 1.0; ")


@pytest.mark.parametrize("expected", [np.nan, np.inf, -np.inf])
def test_where_no_number_is_expected_no_error_is_allowed(expected):
    most = float(np.finfo(np.float64).max)
    for both in (False, True):
        center = np.array([expected], np.float32 if both else object)
        bound = np.array([1.0 if both else most])
        wrong = compare_real(
            "x", np.float32([0]), center, bound, F32, both_rounded=both,
            because=lambda: ": refs[0] has no extent",
        )  # fmt: skip
        said = "the kernel says" if both else "expected"
        assert wrong.what == f"x[0] is 0.0, {said} {expected}: refs[0] has no extent"
    wrong = compare_real(
        "x", np.float32([np.nan]), exact(1), np.array([most]), F32, both_rounded=False
    )
    assert wrong.what == "x[0] is nan, expected 1"


def test_numbers_beyond_all_floats_are_compared_and_told():
    f64 = np.dtype(np.float64)
    huge = Fraction(10) ** 400
    assert error_ratio(np.inf, huge, 0.0, f64) == 0
    assert error_ratio(-np.inf, huge, 0.0, f64) == np.inf
    assert error_ratio(1e308, huge, 1.0, f64) == np.inf
    assert error_ratio(1e308, -huge, np.inf, f64) == 0
    assert round_to(huge, f64) == np.inf
    assert round_to(-huge, np.dtype(np.float16)) == -np.inf
    wrong = compare_real("x", np.array([1.0]), exact(huge), np.zeros(1), f64, both_rounded=False)
    assert wrong.what == "x[0] is 1.0, expected inf; allowed is an error of 0"
    assert compare_exact("x", np.array([np.inf]), exact(huge), f64) is None


def test_numbers_that_overflow_are_compared_without_a_warning():
    most = float(np.finfo(np.float64).max)
    center, bound = np.array([most, 0, np.inf, np.nan]), np.array([most, np.inf, 0, most])
    f64 = np.dtype(np.float64)
    for found in ([-most, 1, -np.inf, 2], [np.inf, np.nan, np.nan, np.inf]):
        compare_real("x", np.array(found), center, bound, f64, both_rounded=True)
    assert compare_real("x", center, center, bound, f64, both_rounded=True) is None


@pytest.mark.parametrize("dtype", [object, bool, complex, "U3", "M8[s]"])
def test_whole_numbers_of_no_dtype_for_numbers_are_wrong_even_where_they_are_equal(dtype):
    found = compare_exact("matches", np.zeros(2, dtype), np.zeros(2, int), None)
    assert found.kind == "wrong dtype"
    assert found.what.startswith("matches has dtype ")


def test_infinity_is_not_near_a_finite_number_however_large_the_bound():
    unbounded = np.full(1, np.finfo(np.float64).max)
    for found, kernel in ((np.inf, 1.0), (1.0, np.inf)):
        wrong = compare_real(
            "targets",
            np.array([found]),
            np.array([kernel]),
            unbounded,
            np.dtype(np.float64),
            both_rounded=True,
        )
        assert wrong is not None


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
