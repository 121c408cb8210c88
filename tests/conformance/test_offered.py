"""What a target does not offer is listed and not failed, and everything else is tried."""

from inspect import signature

import numpy as np
import pytest

import refkernels
from refkernels.conformance import assert_conforms
from refkernels.conformance.cases import operators
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.targets.subject import Subject


class Decoder:
    """A right one, of single images in float32 and float64, with no parameter but stds."""

    def __init__(self, stds=(0.1, 0.1, 0.2, 0.2)):
        self._decode = refkernels.NormalizedBoxCenterDecoder(stds=stds)

    def __call__(self, x, anchors):
        if x.ndim != 2 or anchors.ndim != 2:
            raise ValueError(f"expected (N, 4), got {x.shape}")
        if np.float16 in (x.dtype, anchors.dtype):
            raise TypeError("half precision is not there")
        return self._decode(x, anchors)


def checked(subject, name, **options):
    return check_operator(name, Subject(subject, name), Options(30, **options))


def test_what_a_target_lacks_is_named_and_the_rest_is_tried():
    result = assert_conforms(Decoder, "NormalizedBoxCenterDecoder", max_examples=30)
    lacking = {"means", "convert_anchor", "clip", "clip_low", "float16", "batches"}
    assert set(result.not_offered) == lacking
    assert result.not_offered["batches"].startswith("raises ValueError: expected (N, 4), got ")
    assert set(result.dtypes) >= {"float32", "float64"}
    assert "float16" not in result.dtypes


class Sampler:
    """A right one, of one image at a time, that draws from a generator which it is given."""

    def __init__(self, num_sample, pos_ratio=0.5):
        self._sample = refkernels.BalancedSampler(num_sample, pos_ratio)

    def __call__(self, candidates, *, rng=None):
        if candidates.ndim != 1:
            raise ValueError(f"expected (N,), got {candidates.shape}")
        return self._sample(candidates, rng=rng)


def test_the_generator_of_a_sampler_of_single_images_is_set_by_laws():
    result = assert_conforms(Sampler, "BalancedSampler", max_examples=30)
    assert set(result.not_offered) == {"batches"}


def test_strict_fails_what_is_lacking():
    result = checked(Decoder, "NormalizedBoxCenterDecoder", strict=True)
    assert (result.verdict, result.not_offered) == ("raises", {})


def test_strict_fails_a_function_that_lacks_a_parameter():
    def area(x):
        return refkernels.BBoxArea()(x)

    assert checked(area, "BBoxArea").verdict == "conforms"
    assert checked(area, "BBoxArea", strict=True).verdict != "conforms"


def test_a_dtype_that_is_refused_is_so_when_it_alone_is_asked_for():
    result = checked(Decoder, "NormalizedBoxCenterDecoder", dtypes=("float16",))
    assert result.verdict == "absent"
    assert result.note.startswith("float16 is not offered: raises ")


def test_a_parameter_that_is_refused_takes_no_form_with_it():
    class Area:
        def __init__(self, axis=-1, fmt="corner"):
            if axis not in (-1, 2):
                raise ValueError("boxes lie along the last axis")
            self._area = refkernels.BBoxArea(axis=axis, fmt=fmt)

        def __call__(self, x):
            return self._area(x)

    result = checked(Area, "BBoxArea")
    assert (result.verdict, result.not_offered) == ("raises", {})


def test_a_mistake_in_what_is_offered_is_found():
    class Shifted(Decoder):
        def __call__(self, x, anchors):
            return super().__call__(x, anchors) + x.dtype.type(1)

    result = checked(Shifted, "NormalizedBoxCenterDecoder")
    assert result.verdict == "diverges"
    assert "batches" in result.not_offered


def test_who_refuses_everything_offers_everything_and_fails():
    def area(x):
        raise TypeError("not today")

    result = checked(area, "BBoxArea")
    assert result.verdict == "raises"
    assert not {"float32", "batches", "single images"} & set(result.not_offered)


def test_what_crashes_on_a_form_does_not_refuse_it():
    def area(x):
        if x.ndim == 3:
            raise IndexError("off by one")  # no way to say that it is not taken
        return refkernels.BBoxArea()(x)

    result = checked(area, "BBoxArea")
    assert (result.verdict, "batches" in result.not_offered) == ("raises", False)


def test_what_is_refused_on_odd_inputs_alone_is_offered():
    def area(x):
        if not (x[..., 2:] > x[..., :2]).all():
            raise ValueError("expected proper boxes")
        return refkernels.BBoxArea()(x)

    result = checked(area, "BBoxArea")
    assert result.verdict == "raises"
    assert set(result.not_offered) == {"axis", "fmt"}


def test_every_kernel_offers_everything():
    for name, operator in operators().items():
        if operator.calling == "arrays":
            found = getattr(refkernels, name)
            has = Subject(found, name).has_parameter(name)
            assert all(map(has, signature(found).parameters))


@pytest.mark.usefixtures("mx")
def test_every_block_has_every_parameter_of_its_kernel():
    from refkernels import gluon

    for name, operator in operators().items():
        if operator.has_block and operator.calling in ("arrays", "parameters", "network"):
            has = Subject(getattr(gluon, name), name).has_parameter(name)
            assert all(map(has, operator.parameters)), name
