"""Bad input gets one message that says what, where, and what was expected."""

from fractions import Fraction

import numpy as np
import pytest

from refkernels import arrays


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_reals_keep_their_dtype_and_are_not_copied(dtype):
    x = np.ones((2, 3), dtype)
    assert arrays.as_real("x", x) is x


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int32, np.int64, np.uint64])
def test_integers_and_bools_become_float64(dtype):
    real = arrays.as_real("x", np.array([0, 1], dtype))
    assert real.dtype == np.float64
    assert real.tolist() == [0.0, 1.0]


def test_a_foreign_byte_order_becomes_native():
    real = arrays.as_real("x", np.array([1.5, -2.0], ">f4"))
    assert real.dtype.isnative
    assert real.dtype == np.float32
    assert real.tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ("abc", "<U3"),
        (None, "object"),
        ([1, 2j], "complex128"),
        (np.zeros(2, "M8[s]"), r"datetime64\[s\]"),
        (np.zeros(2, object), "object"),
        (np.zeros(2, np.longdouble), np.dtype(np.longdouble).name),
    ],
)
def test_what_is_no_array_of_reals_is_a_type_error_that_names_its_dtype(value, dtype):
    with pytest.raises(TypeError, match=f"^x: expected float16, .* or integers, got dtype {dtype}"):
        arrays.as_real("x", value)


def test_a_ragged_list_is_an_error_that_names_the_argument():
    with pytest.raises((TypeError, ValueError), match=r"^x: expected"):
        arrays.as_real("x", [[1.0, 2.0], [3.0]])


class Foreign:
    """An array of a library that does not hand it out."""

    def __init__(self, error):
        self.error = error

    def __array__(self, *args, **kwargs):
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("it has a gradient"), TypeError("on a device")])
def test_an_array_that_another_library_keeps_is_an_error_that_says_why(error):
    with pytest.raises(TypeError, match=rf"^x: expected an array, got Foreign \({error}\)$"):
        arrays.as_real("x", Foreign(error))


@pytest.mark.parametrize(
    "value",
    [
        np.ma.masked_array([1.0, 2.0], mask=[False, True]),
        np.ma.masked_array([1, 2]),
        [np.ma.masked_array([1.0]), [2.0]],
        [[1.0], [np.ma.masked]],
        np.ma.masked,
    ],
)
@pytest.mark.parametrize("check", [arrays.as_real, arrays.as_indices, arrays.as_numbers])
def test_a_mask_is_refused_and_not_ignored(check, value):
    with pytest.raises(TypeError, match=r"^x: expected an array without a mask, got a masked "):
        check("x", value)


def test_a_list_that_holds_itself_is_an_error():
    endless = [1.0]
    endless.append(endless)
    with pytest.raises((TypeError, ValueError), match=r"^x: expected"):
        arrays.as_real("x", endless)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_kernels_get_arrays_that_are_aligned_contiguous_and_read_only(dtype):
    array = np.frombuffer(b"?" * 49, dtype, 6, offset=1)
    assert not array.flags.aligned
    for given in (array, array[::-1], array.astype(array.dtype.newbyteorder())):
        computing = arrays.to_computing(arrays.as_real("x", given), dtype)
        flags = computing.flags
        assert flags.aligned
        assert flags.c_contiguous
        assert not flags.writeable
        assert computing.tolist() == given.tolist()


def test_a_sequence_keeps_its_order():
    for value in ([1, 2], (1, 2), np.array([1, 2]), range(1, 3)):
        assert arrays.as_sequence("x", value, "numbers") == [1, 2]
    for value in (
        {1, 2},
        {1: 2},
        {1: 2}.values(),
        iter([1]),
        "12",
        b"12",
        3,
        None,
        np.array(1),
        list,
    ):
        with pytest.raises(TypeError, match=r"^x: expected numbers, got "):
            arrays.as_sequence("x", value, "numbers")


def test_too_few_axes_are_an_error_that_shows_the_shape():
    with pytest.raises(ValueError, match=r"^x: expected at least 2 axes, got shape \(3,\)$"):
        arrays.as_real("x", np.zeros(3), min_ndim=2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_named_with_their_first_index(bad, dtype):
    x = np.zeros((2, 20, 4), dtype)
    x[0, 17, 3] = x[1, 0, 0] = bad
    with pytest.raises(ValueError, match=rf"^x\[0, 17, 3\] is {bad}, expected finite numbers$"):
        arrays.as_real("x", x)


def test_a_bad_number_without_axes_is_named_without_an_index():
    with pytest.raises(ValueError, match=r"^x is nan, expected finite numbers$"):
        arrays.as_real("x", np.nan)


def test_the_first_bad_number_is_named_when_infinities_of_both_signs_hide_a_nan():
    with pytest.raises(ValueError, match=r"^x\[1\] is -inf"):
        arrays.as_real("x", np.array([0.0, -np.inf, np.nan, np.inf]))


@pytest.mark.parametrize("value", [[3, 0, -1], [3.0, -0.0, -1.0], np.array([3, 0, -1], ">i2")])
def test_indices_of_any_integral_dtype_become_int64(value):
    indices = arrays.as_indices("matches", value)
    assert indices.dtype == np.int64
    assert indices.tolist() == [3, 0, -1]


def test_no_indices_at_all_are_indices():
    assert arrays.as_indices("matches", np.zeros((2, 0))).shape == (2, 0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[0.0], [1.5]], r"^m\[1, 0\] is 1.5, expected whole numbers"),
        (0.5, r"^m is 0.5, expected whole numbers"),
        ([0.0, np.nan], r"^m\[1\] is nan, expected finite numbers"),
        ([1e30], r"^m\[0\] is 1e\+30, which does not fit int64"),
        (np.array([2**64 - 1], np.uint64), r"^m: 18446744073709551615 does not fit int64"),
    ],
)
def test_numbers_that_are_no_indices_are_an_error(value, message):
    with pytest.raises(ValueError, match=message):
        arrays.as_indices("m", value)


def test_indices_of_a_dtype_without_order_are_a_type_error():
    with pytest.raises(
        TypeError, match=r"^m: expected integers or whole floats, got dtype complex"
    ):
        arrays.as_indices("m", [1j])


def test_indices_with_too_few_axes_are_an_error():
    with pytest.raises(ValueError, match=r"^m: expected at least 1 axes, got shape"):
        arrays.as_indices("m", 3, min_ndim=1)


def test_the_box_axis_is_moved_to_the_end():
    x = np.arange(24.0).reshape(2, 4, 3)
    assert np.array_equal(arrays.as_boxes("x", x, 1), np.moveaxis(x, 1, -1))
    assert np.array_equal(arrays.as_boxes("x", x, -2), np.moveaxis(x, 1, -1))
    with pytest.raises(ValueError, match=r"^x: expected axis -1 to have length 4, got 3 in shape "):
        arrays.as_boxes("x", x)
    with pytest.raises(ValueError, match=r"^x: axis 3 is out of range for shape \(2, 4, 3\)$"):
        arrays.as_boxes("x", x, 3)
    with pytest.raises(ValueError, match=r"^x: axis -4 is out of range"):
        arrays.as_boxes("x", x, -4)


def test_a_batch_of_one_goes_with_every_other():
    assert arrays.check_batch(a=1, b=7) == 7
    assert arrays.check_batch(a=7, b=1, c=7) == 7
    assert arrays.check_batch(a=1, b=1) == 1
    assert arrays.check_batch(a=0, b=1) == 0


def test_batches_that_differ_are_an_error_that_shows_all():
    with pytest.raises(
        ValueError, match=r"^batch sizes differ: a has 2, b has 3; expected the same"
    ):
        arrays.check_batch(a=2, b=3)


@pytest.mark.parametrize(
    ("dtypes", "common", "computing"),
    [
        (["f2"], "f2", "f4"),
        (["f2", "f4"], "f4", "f4"),
        (["f4", "f8"], "f8", "f8"),
        (["f2", "f2"], "f2", "f4"),
    ],
)
def test_float16_is_computed_in_float32_and_the_others_in_themselves(dtypes, common, computing):
    dtype = arrays.common_real(*(np.zeros(1, d) for d in dtypes))
    assert dtype == common
    assert arrays.computing_dtype(dtype) == computing
    assert arrays.to_computing(np.zeros(1, dtype), dtype).dtype == computing


@pytest.mark.parametrize("layout", ["C", "F", "strided", "reversed", "read-only"])
def test_kernels_get_one_layout_whatever_came(layout):
    x = np.arange(12.0).reshape(3, 4)
    given = {
        "C": x,
        "F": np.asfortranarray(x),
        "strided": np.repeat(x, 2, 1)[:, ::2],
        "reversed": x[::-1].copy()[::-1],
        "read-only": x.copy(),
    }[layout]
    given.flags.writeable = layout != "read-only"
    array = arrays.to_computing(given, np.float64)
    assert np.array_equal(array, x)
    assert array.flags.c_contiguous
    assert not array.flags.writeable
    assert given.flags.writeable == (layout != "read-only")


def test_what_is_compared_with_data_is_rounded_to_the_data():
    # As Python floats, since NumPy 2 compares a scalar with a Python float in the scalar's dtype.
    assert float(arrays.rounded(0.7, np.float32)) == float(np.float32(0.7)) != 0.7
    assert float(arrays.rounded(0.7, np.float16)) == float(np.float16(0.7)) != 0.7
    assert arrays.rounded(0.7, np.float16).dtype == np.float32
    assert arrays.rounded(1e-12, np.float16) == 0
    assert arrays.rounded(1e9, np.float16) == np.inf
    assert arrays.rounded(Fraction(1, 4), np.float32) == 0.25


def test_what_enters_arithmetic_is_rounded_to_the_computing_dtype():
    assert arrays.rounded_to_computing(0.7, np.float16) == np.float32(0.7)
    assert arrays.rounded_to_computing(0.7, np.float64) == 0.7
    assert arrays.rounded_to_computing(1e300, np.float32) == np.inf


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float16(2), np.int8(2), np.array(2.0), Fraction(2), np.uint64(2)]
)
def test_a_number_may_come_in_many_types(value):
    assert arrays.check_number("p", value) == 2


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        np.bool_(True),
        np.array(True),
        "2",
        b"2",
        np.array("2"),
        2j,
        np.complex64(2),
        np.array(2j),
        [2],
        np.array([2.0]),
        np.timedelta64(2, "s"),
    ],
)
def test_what_is_no_number_is_a_type_error_that_shows_it(value):
    with pytest.raises(TypeError, match=r"^p: expected a real number, got "):
        arrays.check_number("p", value)


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, -np.inf, np.float32(np.nan), pytest.param(-(10**400), id="-10**400")]
)
def test_a_number_must_be_finite(value):
    with pytest.raises(ValueError, match=r"^p is -?(nan|inf), expected a finite number$"):
        arrays.check_number("p", value)


def test_an_infinity_may_be_allowed():
    assert arrays.check_number("p", -np.inf, allow=(-np.inf,)) == -np.inf
    with pytest.raises(ValueError, match=r"^p is inf"):
        arrays.check_number("p", np.inf, allow=(-np.inf,))


def test_a_number_out_of_range_is_an_error_that_shows_the_range():
    assert arrays.check_number("p", 1, low=0, high=1) == 1
    with pytest.raises(ValueError, match=r"^p: expected a number from 0 to 1, got 1.5$"):
        arrays.check_number("p", 1.5, low=0, high=1)
    with pytest.raises(ValueError, match=r"^p: expected a number of at least 0, got -1.0$"):
        arrays.check_number("p", -1, low=0)
    with pytest.raises(ValueError, match=r"^p: expected a number of at most 1, got 2.0$"):
        arrays.check_number("p", 2, high=1)


def test_an_integer_may_come_in_many_types_but_not_as_a_float_or_a_bool():
    assert arrays.check_integer("p", np.int8(3)) == 3
    for bad in (3.0, True, np.bool_(True), "3", None, [3]):
        with pytest.raises(TypeError, match=r"^p: expected an integer, got "):
            arrays.check_integer("p", bad)


def test_an_integer_out_of_range_is_an_error_that_shows_the_range():
    with pytest.raises(ValueError, match=r"^p: expected an integer of at least 1, got 0$"):
        arrays.check_integer("p", 0, low=1)
    with pytest.raises(ValueError, match=r"^p: expected an integer from 0 to 3, got 4$"):
        arrays.check_integer("p", 4, low=0, high=3)


def test_a_list_of_numbers_has_a_length_and_finite_entries():
    assert arrays.check_numbers("stds", np.array([1, 2]), 2) == (1.0, 2.0)
    with pytest.raises(ValueError, match=r"^stds: expected 4 numbers, got \(1, 2\)$"):
        arrays.check_numbers("stds", (1, 2), 4)
    with pytest.raises(TypeError, match=r"^stds: expected 4 numbers, got '1234'$"):
        arrays.check_numbers("stds", "1234", 4)
    with pytest.raises(TypeError, match=r"^stds: expected 4 numbers, got 5$"):
        arrays.check_numbers("stds", 5, 4)
    with pytest.raises(ValueError, match=r"^stds\[1\] is nan"):
        arrays.check_numbers("stds", (1, np.nan), 2)


def test_a_flag_is_a_bool():
    assert arrays.check_flag("split", np.bool_(True)) is True
    for bad in (1, 0, "True", None):
        with pytest.raises(TypeError, match=r"^split: expected True or False, got "):
            arrays.check_flag("split", bad)


def test_a_choice_is_one_of_those_that_the_message_lists():
    assert arrays.check_choice("fmt", "Corner", ("corner", "center")) == "corner"
    with pytest.raises(ValueError, match=r"^fmt: expected 'corner' or 'center', got 'xywh'$"):
        arrays.check_choice("fmt", "xywh", ("corner", "center"))
    with pytest.raises(TypeError, match=r"^fmt: expected 'corner' or 'center', got 3$"):
        arrays.check_choice("fmt", 3, ("corner", "center"))
