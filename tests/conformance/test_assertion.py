"""In somebody's own test, one assertion holds their code to an operator."""

import re
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import refkernels
from refkernels.conformance import assert_conforms


class OffByTie(refkernels.MaximumMatcher):
    """Does not match at the threshold."""

    def __call__(self, x):
        match = super().__call__(x)
        best = np.max(x, axis=-1, initial=-1)
        return np.where(best.astype(float) == x.dtype.type(self.threshold), -1, match)


def centre_area(boxes):
    boxes = np.asarray(boxes)
    wide = boxes.astype(np.float32) if boxes.dtype == np.float16 else boxes
    wide = wide.astype(np.float64) if wide.dtype.kind != "f" else wide
    area = np.maximum(wide[..., 2:3], 0) * np.maximum(wide[..., 3:], 0)
    return area.astype(boxes.dtype if boxes.dtype.kind == "f" else np.float64)


@pytest.mark.parametrize(
    ("subject", "operator", "config"),
    [
        (refkernels.MaximumMatcher, "MaximumMatcher", None),
        (refkernels.MaximumMatcher, "MaximumMatcher", {"threshold": 0.5}),
        (refkernels.MaximumMatcher(0.25), "MaximumMatcher", {"threshold": 0.25}),
        (refkernels.BipartiteMatcher(), "BipartiteMatcher", None),
        (centre_area, "BBoxArea", {"fmt": "center"}),
        (
            refkernels.CompositeMatcher([refkernels.MaximumMatcher(0.5)]),
            "CompositeMatcher",
            {"matchers": [refkernels.MaximumMatcher(0.5)]},
        ),
    ],
)
def test_what_is_right_passes(subject, operator, config):
    assert_conforms(subject, operator, config=config, max_examples=20)


def test_what_is_wrong_fails_with_the_smallest_case_as_python_that_runs(capsys):
    with pytest.raises(
        AssertionError, match=r"OffByTie is no MaximumMatcher: target dissents"
    ) as e:
        assert_conforms(OffByTie, "MaximumMatcher", dtypes=["float32"], seed=3)
    message = str(e.value)
    assert re.search(r"matches\[0\] is -1, expected 0 \(1 of 1 differ\)", message)
    paste = message.split("\n\n", 1)[1].replace(f"from {__name__} import OffByTie as", "#")
    exec(paste, {"MaximumMatcher": OffByTie})
    assert capsys.readouterr().out.split() == ["[-1]", "[0]"]


def test_what_is_built_is_held_to_the_parameters_it_was_built_with():
    with pytest.raises(AssertionError, match="MaximumMatcher"):
        assert_conforms(
            refkernels.MaximumMatcher(0.5), "MaximumMatcher", config={"threshold": 0.75}
        )


class Detector:
    """What people have: operators as methods of something that is built otherwise."""

    def __init__(self, classes):
        self.classes = classes

    def area(self, boxes):
        return refkernels.BBoxArea()(boxes)

    def area_of(self, boxes, classes):
        return refkernels.BBoxArea()(boxes)

    @staticmethod
    def plain_area(boxes):
        return refkernels.BBoxArea()(boxes)

    @classmethod
    def class_area(cls, boxes):
        return refkernels.BBoxArea()(boxes)

    __call__ = area


class NotCalled:
    """Its objects are not called."""


@pytest.mark.parametrize(
    "subject",
    [
        Detector(80).area,
        Detector(80),
        Detector.plain_area,
        Detector.class_area,
        partial(Detector(80).area_of, classes=80),
        partial(Detector.area, Detector(80)),
        partial(Detector(80)),
        lambda boxes: refkernels.BBoxArea()(boxes),
    ],
)
def test_whatever_is_called_on_arrays_alone_is_checked(subject):
    assert assert_conforms(subject, "BBoxArea", max_examples=3).verdict == "conforms"


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (Detector.area, "Detector.area takes self; give an object's own method"),
        (partial(Detector.area), "Detector.area takes self; give an object's own method"),
        (
            Detector,
            "Detector needs 'classes' to be built, which is no parameter of BBoxArea; give an "
            "object of it that is built",
        ),
        (NotCalled, "objects of NotCalled cannot be called; give one's own method, or what can"),
        (NotCalled(), "expected a class or a callable, got <"),
        (
            partial(refkernels.BBoxArea, fmt="center"),
            "a call of the partial gives an object of BBoxArea, no result; call it first, or give "
            "BBoxArea itself and config={...}",
        ),
    ],
)
def test_what_is_not_called_on_arrays_alone_gets_one_clear_message(subject, message):
    with pytest.raises(TypeError) as error:
        assert_conforms(subject, "BBoxArea", max_examples=3)
    assert message in str(error.value)


def test_a_partial_is_named_by_what_it_calls():
    def one_more(boxes, by):
        return refkernels.BBoxArea()(boxes) + boxes.dtype.type(by)

    with pytest.raises(AssertionError, match=r"partial\(.*one_more\) is no BBoxArea: target"):
        assert_conforms(partial(one_more, by=1), "BBoxArea", dtypes=["float32"], max_examples=3)


def test_modules_of_pytorch_and_their_methods_are_given_tensors():
    torch = pytest.importorskip("torch")

    class Best(torch.nn.Module):
        def forward(self, ious):
            assert isinstance(ious, torch.Tensor)
            if not ious.shape[-1]:
                return torch.full(ious.shape[:-1], -1)
            best = ious.max(-1)
            return torch.where(best.values >= 0.5, best.indices, -1)

    for subject in (Best(), Best().forward, partial(Best())):
        config = {"threshold": 0.5}
        assert_conforms(subject, "MaximumMatcher", config=config, max_examples=3)
    with pytest.raises(TypeError, match=r"Best\.forward takes self; give an object's own method"):
        assert_conforms(Best.forward, "MaximumMatcher", config=config)


def test_only_the_dtypes_asked_for_are_tried():
    def area(boxes):
        assert boxes.dtype != np.float16
        return centre_area(boxes)

    area_of = {"config": {"fmt": "center"}, "max_examples": 10}
    assert_conforms(area, "BBoxArea", dtypes=("float32", "float64"), **area_of)
    with pytest.raises(AssertionError, match="raises AssertionError"):
        assert_conforms(area, "BBoxArea", **area_of)


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError):
        assert_conforms(lambda ious: ious, "MaximumMatcher", config={"threshold": 0.5})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (centre_area, "BoxArea"),
            ValueError,
            "unknown operator 'BoxArea', did you mean 'BBoxArea'",
        ),
        ((centre_area, "SSDTargets"), ValueError, "SSDTargets is a chain of operators"),
        ((3, "BBoxArea"), TypeError, "expected a class or a callable, got 3 of type int"),
        ((centre_area, "BBoxArea", {"fmt": "corners"}), ValueError, "config: fmt"),
        ((centre_area, "BBoxArea", {"axes": 1}), TypeError, "config: .*'axes'"),
        ((centre_area, "MaximumMatcher"), TypeError, "parameters={'threshold': '...'}"),
    ],
)
def test_a_wrong_call_is_an_error_and_no_verdict(arguments, error, message):
    *positional, config = arguments if len(arguments) == 3 else (*arguments, None)
    with pytest.raises(error, match=message):
        assert_conforms(*positional, config=config)


def test_parameters_that_no_case_goes_with_are_an_error():
    with pytest.raises(ValueError, match=r"no drawn case goes with \{'axis': 7\}"):
        assert_conforms(centre_area, "BBoxArea", config={"axis": 7}, max_examples=2)


def test_a_matcher_of_ones_own_is_no_parameter():
    @dataclass(frozen=True)
    class Mine:
        threshold: float = 0.5

    with pytest.raises(TypeError, match=r"config: matchers\[0\]"):
        assert_conforms(centre_area, "CompositeMatcher", config={"matchers": [Mine()]})


@pytest.mark.parametrize("dtypes", [(), ("float31",)])
def test_a_wrong_dtype_is_an_error(dtypes):
    with pytest.raises(ValueError, match="expected some of float16, float32, float64"):
        assert_conforms(centre_area, "BBoxArea", dtypes=dtypes)


def test_a_context_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match=r"none of the contexts gpu\(0\) is there; found: cpu"):
        assert_conforms(centre_area, "BBoxArea", contexts=("gpu(0)",))
