"""Integers stand for reals, where code takes them."""

import numpy as np
import pytest

import refkernels
from refkernels.conformance import assert_conforms
from refkernels.conformance.model.case import WHOLE_RANGES
from refkernels.conformance.model.operator import INTEGERS, Case


def test_a_case_is_rounded_scaled_and_kept_in_range():
    inputs = {"x": np.array([0.4, -1.6, 1e30]), "samples": np.array([1.0, 0.5])}
    whole = Case({}, inputs).as_whole("uint8", 2)
    assert whole.inputs["x"].tolist() == [1, 0, 255]
    assert whole.inputs["samples"].dtype == np.int64
    assert whole.astype(np.uint8).inputs["x"].dtype == np.uint8


def test_a_case_without_reals_has_no_whole_numbers_for_them():
    assert Case({}, {"matches": np.array([1, -1])}).as_whole("int32") is None


def test_float32_holds_each_of_them():
    assert all(float(np.float32(end)) == end for ends in WHOLE_RANGES.values() for end in ends)


class WrapsAround(refkernels.BBoxArea):
    """Multiplies sides in the dtype of the boxes, whatever that is."""

    def __call__(self, x):
        if x.dtype.kind == "f":
            return super().__call__(x)
        axis = self.axis % x.ndim
        left, top, right, bottom = np.split(x, 4, axis)
        width, height = (right, bottom) if self.fmt == "center" else (right - left, bottom - top)
        return np.maximum(width, 0) * np.maximum(height, 0)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_areas_that_wrap_around_are_found(dtype):
    # Of int64 only 32 bits are taken: the numbers that are tried do not fill 64.
    class Narrow(WrapsAround):
        def __call__(self, x):
            return super().__call__(x.astype(np.int32) if x.dtype == np.int64 else x)

    with pytest.raises(AssertionError, match=rf"\({dtype}, call, cpu\): areas"):
        assert_conforms(Narrow, "BBoxArea", dtypes=[dtype])


def test_whole_areas_and_those_in_float32_are_right():
    class Whole(WrapsAround):
        def __call__(self, x):
            return super().__call__(x.astype(np.int64) if x.dtype.kind in "iu" else x)

    class Single(refkernels.BBoxArea):
        def __call__(self, x):
            return super().__call__(x.astype(np.float32) if x.dtype.kind in "iu" else x)

    for right in (Whole, Single):
        result = assert_conforms(right, "BBoxArea", dtypes=INTEGERS)
        assert set(result.dtypes) == set(INTEGERS)


def test_code_that_refuses_integers_is_not_blamed_for_it_and_it_is_told():
    class Floats(refkernels.BBoxArea):
        def __call__(self, x):
            if x.dtype.kind != "f":
                raise TypeError("floats, please")
            return super().__call__(x)

    result = assert_conforms(Floats, "BBoxArea", max_examples=20)
    assert result.dtypes == ("float16", "float32", "float64")
    assert result.untried == {"integers are refused": "TypeError: floats, please"}


def test_code_that_takes_some_integers_takes_all():
    class Moody(refkernels.BBoxArea):
        def __call__(self, x):
            if x.dtype.kind != "f" and (x > 1000).any():
                raise ValueError("not so large")
            return super().__call__(x)

    with pytest.raises(AssertionError, match="raises ValueError: not so large"):
        assert_conforms(Moody, "BBoxArea", dtypes=["int32"])


def test_blocks_of_mxnet_are_not_held_to_integers_and_it_is_told():
    gluon = pytest.importorskip("refkernels.gluon", exc_type=ImportError)
    result = assert_conforms(gluon.BBoxArea, "BBoxArea", dtypes=INTEGERS)
    assert result.verdict == "absent"
    assert result.untried == {"integers": "MXNet computes in the dtype of its arrays"}
