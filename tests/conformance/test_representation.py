"""Code that writes things otherwise is held to the operators as they are, by a small vocabulary."""

import sys
from pathlib import Path

import numpy as np
import pytest

import refkernels
from refkernels.conformance import Representation, assert_conforms
from refkernels.conformance.cases import find
from refkernels.conformance.model.bfloat16 import BFloat16, rounded
from refkernels.conformance.model.case import Case
from refkernels.conformance.targets.representation import RepresentationError, words_of
from refkernels.conformance.targets.represented import Carrier

sys.path.insert(0, str(Path(__file__).parent / "targets"))
import foreign

sys.path.pop(0)

ONE_BASED = Representation(parameters={"threshold": "thr"}, transposed=True, first=1)
ENCODE = Representation(
    parameters={"stds": "1/weights"},
    inputs=("refs", "anchors"),
    outputs=("targets",),
    aligned=True,
    images="list",
)
DECODE = Representation(
    parameters={"stds": "1/weights", "clip": "far"},
    fixed={"convert_anchor": True},
    inputs=("x", "anchors.list"),
    images="one",
    squeezed=True,
)

RIGHT = {
    "under another name, of single images": (foreign.overlaps, "BBoxBatchIOU", Representation()),
    "ground truths first": (
        foreign.turned,
        "BBoxBatchIOU",
        Representation(inputs=("b", "a"), transposed=("ious",), images="one"),
    ),
    "in double precision": (
        foreign.in_double,
        "BBoxBatchIOU",
        Representation(images="one", widens="float64"),
    ),
    "row by row": (foreign.paired, "BBoxBatchIOU", Representation(aligned=True)),
    "indices from 1": (foreign.Matcher, "MaximumMatcher", ONE_BASED),
    "the size of an image": (
        foreign.clip,
        "BBoxClipToImage",
        Representation(inputs=("x", "size:img.size")),
    ),
    "an axis less": (foreign.areas, "BBoxArea", Representation(squeezed=True)),
    "marks of samples, and a dict": (
        foreign.codes,
        "MultiClassEncoder",
        Representation(samples=(2, 0, -1), first=1, outputs=("labels:targets",)),
    ),
    "lists of matched boxes": (
        lambda weights: foreign.Coder(weights).encode,
        "NormalizedBoxCenterEncoder",
        ENCODE,
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_conforms_however_it_is_written(name):
    subject, operator, representation = RIGHT[name]
    if name == "lists of matched boxes":
        make = subject

        def subject(truths, anchors, weights):
            return make(weights)(truths, anchors)

    result = assert_conforms(subject, operator, representation=representation, max_examples=20)
    assert result.verdict == "conforms"
    assert result.cases > 20


def test_what_a_target_does_not_return_is_not_offered():
    def encode(truths, anchors, weights):
        return foreign.Coder(weights).encode(truths, anchors)

    result = assert_conforms(encode, "NormalizedBoxCenterEncoder", representation=ENCODE)
    assert result.not_offered["masks"] == "it does not return it"


def test_a_mistake_is_found_through_the_representation():
    with pytest.raises(AssertionError, match=r"matches\[0\] is -1, expected 0") as caught:
        assert_conforms(
            foreign.Strict, "MaximumMatcher", config={"threshold": 0.5}, representation=ONE_BASED
        )
    said = str(caught.value)
    assert "Strict(thr=0.5)(x)" in said
    assert "right, as MaximumMatcher(threshold=0.5) of refkernels: matches = [1]" in said


def test_a_target_stands_at_what_is_fixed():
    def decode(offsets, anchors, weights, far):
        return foreign.Coder(weights, far).decode(offsets, anchors)

    assert_conforms(decode, "NormalizedBoxCenterDecoder", representation=DECODE, max_examples=20)

    def corners(offsets, anchors, weights, far):
        (own,) = anchors
        centers = refkernels.BBoxCenterToCorner()(own)
        return foreign.Coder(weights, far).decode(offsets, [centers])

    with pytest.raises(AssertionError, match="convert_anchor=True"):
        assert_conforms(corners, "NormalizedBoxCenterDecoder", representation=DECODE)


def test_code_that_has_two_thresholds_need_not_know_what_none_is():
    def match(ious, fg, bg):
        if bg is None:
            raise TypeError("expected a number")
        return refkernels.ThresholdMatcher(fg, bg)(ious)

    theirs = Representation(parameters={"high": "fg", "low": "bg"})
    result = assert_conforms(
        match, "ThresholdMatcher", representation=theirs, max_examples=30, dtypes=["float32"]
    )
    assert result.verdict == "conforms"


def test_reciprocals_are_given_as_such():
    built = ENCODE.theirs({"stds": (0.1, 0.1, 0.2, 0.2)}, {})
    assert built == {"weights": (10.0, 10.0, 5.0, 5.0)}
    assert ENCODE.theirs({}, {"stds": (0.5, 0.5, 0.25, 0.25)})["weights"] == (2.0, 2.0, 4.0, 4.0)


def test_a_text_says_what_python_does():
    said = words_of(
        "transposed=x+ious,first=1,unmatched=0,parameters=threshold:thr,values=fmt:corner:xyxy,"
        "fixed=eps:0.0+offset:0,squeezed,images=one"
    )
    assert Representation.of(said) == Representation(
        parameters={"threshold": "thr"},
        values={"fmt": {"corner": "xyxy"}},
        fixed={"eps": 0.0, "offset": 0},
        transposed=("x", "ious"),
        first=1,
        unmatched=0,
        squeezed=True,
        images="one",
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"transpose": True}, "'transpose' is no word .*; did you mean 'transposed'"),
        ({"zzz": 1}, "'zzz' is no word for a representation: parameters, values"),
        ({"images": "two"}, "images is 'two', expected 'one' or 'list'"),
        ({"first": "one"}, "first is 'one', expected a whole number"),
        ({"unmatched": 0.5}, "unmatched is 0.5, expected a whole number"),
        ({"samples": (1, 0)}, "samples is .*, expected three whole numbers"),
        ({"aligned": 1}, "aligned is 1, expected true or false"),
        ({"widens": "double"}, "widens is 'double', expected true, false or 'float64'"),
        ({"parameters": ["thr"]}, "parameters is .*, expected a mapping"),
        ({"inputs": 3}, "inputs is 3, expected a list"),
        ({"inputs": ("img.shape",)}, "'img.shape': expected .size or .list"),
    ],
)
def test_what_is_no_representation_is_refused_in_one_line(said, message):
    with pytest.raises(RepresentationError, match=message):
        Representation.of(said)


def test_what_is_not_said_to_come_in_double_precision_may_not():
    with pytest.raises(AssertionError, match="has dtype float64, expected float32"):
        assert_conforms(
            foreign.in_double,
            "BBoxBatchIOU",
            representation=Representation(images="one", widens=True),
            dtypes=["float32"],
        )


def test_no_images_in_bfloat16_have_results_in_bfloat16():
    operator, said = find("DistanceEncoder"), Representation(images="one")
    inputs = {"points": rounded(np.zeros((3, 2))), "boxes": rounded(np.zeros((0, 3, 4)))}
    carrier = Carrier(operator, said, Case({}, inputs))
    (found,) = carrier.run(lambda *arrays: arrays, *inputs.values())
    assert isinstance(found, BFloat16)
    assert found.shape == (0, 3, 4)


def test_a_wrong_number_of_outputs_is_said():
    def both(boxes, others):
        return boxes, others, boxes

    with pytest.raises(AssertionError, match="3 outputs, expected 1: ious"):
        assert_conforms(both, "BBoxBatchIOU", representation=Representation(images="one"))


def test_a_wrong_number_of_rows_is_said():
    def one(a, b):
        return np.zeros(len(a) + 1)

    with pytest.raises(AssertionError, match=r"is of shape \(\d+,\), expected \d+ rows?"):
        assert_conforms(one, "BBoxBatchIOU", representation=Representation(aligned=True))


def test_an_input_that_is_written_to_is_named():
    def spoil(others, boxes):
        others += 1
        return np.zeros((len(others), len(boxes)), others.dtype)

    theirs = Representation(inputs=("b", "a"), transposed=("ious",), images="one")
    with pytest.raises(AssertionError, match=r"b\[.* was .* before the call"):
        assert_conforms(spoil, "BBoxBatchIOU", representation=theirs, dtypes=["float32"])
