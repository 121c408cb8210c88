"""Two readings of one name: how often they differ, on which input, and code held to one of them."""

import json
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from click.testing import CliRunner

import refkernels
from refkernels.assign import sample_images
from refkernels.assign.anchors import ssd300_anchors
from refkernels.cli.main import main
from refkernels.conformance.dialects.difference import difference
from refkernels.conformance.dialects.published import DIALECTS
from refkernels.conformance.dialects.reading import Reading, as_read, readings
from refkernels.conformance.engine.run import Options
from refkernels.conformance.model.operator import Image
from refkernels.conformance.targets.representation import RepresentationError

ANCHORS = ssd300_anchors()[::7]
IMAGES = [Image(f"image {i.image_id}", i.boxes, i.labels, ANCHORS) for i in sample_images(3)]


BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


@cache
def found(name):
    options = Options(20, shrink_seconds=2, scope_seconds=1)
    return difference(BY_NAME[name], {"generated": IMAGES}, options)


@pytest.mark.parametrize("name", BY_NAME)
def test_each_dialect_has_an_input_on_which_its_readings_differ(name):
    own = found(name)
    assert own.smallest is not None
    for text, said in ((own.dialect.one, own.one), (own.dialect.other, own.other)):
        # As a user would: the reading is an expression on what refkernels exports.
        built = eval(f"refkernels.{text}", {"refkernels": refkernels})
        outputs = built(*own.smallest.inputs.values())
        np.testing.assert_array_equal(outputs, said[0])
    assert any(not np.array_equal(a, b) for a, b in zip(own.one, own.other, strict=True))


def test_what_differs_is_counted_in_matches():
    count = found("low-quality matches").counts["generated"]
    assert count.images == len(IMAGES)
    assert 0 < count.others < count.values
    assert 0 < count.differing <= count.images


def test_equal_readings_differ_nowhere():
    own = BY_NAME["low-quality matches"]
    same = difference(
        own._replace(other=own.one), {"generated": IMAGES}, Options(10, shrink_seconds=1)
    )
    assert same.smallest is None
    assert same.counts["generated"].others == same.counts["generated"].differing == 0


# Two of them have thresholds without a default.
NEEDY = {"ThresholdMatcher.torchvision", "ThresholdMatcher.mmdet"}


@pytest.mark.parametrize("text", sorted(set(readings()) - NEEDY))
def test_every_constructor_is_a_reading(text):
    reading = Reading.parse(text)
    assert reading.operator == text.partition(".")[0]
    assert not set(reading.fixed) & reading.free


@pytest.mark.parametrize("text", sorted(NEEDY))
def test_a_reading_says_what_it_needs(text):
    with pytest.raises(RepresentationError, match=f"missing a required .*; write {text}"):
        Reading.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("TaskAlignedMatcher.ultra", "it has TaskAlignedMatcher.ultralytics, TaskAlignedMatcher"),
        ("TaskAlignedMacher.tood", "did you mean TaskAlignedMatcher?"),
        ("NMS(2)", "NMS(2): threshold: expected a number from 0 to 1, got 2.0"),
        ("NMS(", "is no Python; expected a reading such as"),
        ("NMS(0.5)(1)", "is no reading; expected a reading such as"),
        ("NMS(open('x'))", "NMS(open('x')): malformed"),
        ("as_boxes", "there is no operator 'as_boxes'"),
    ],
)
def test_what_is_no_reading_is_refused_in_words(text, said):
    with pytest.raises(RepresentationError) as refused:
        Reading.parse(text)
    assert said in str(refused.value)


def test_what_a_reading_leaves_open_stays_open():
    assert Reading.parse("TaskAlignedMatcher.tood").free == {"topk"}
    assert Reading.parse("TaskAlignedMatcher.tood(9)").fixed["topk"] == 9


def test_a_target_is_an_object_a_name_or_a_module():
    fixed = {"conflict": "selected", "inside_first": False, "positive": True}
    tood = f"=TaskAlignedMatcher,{json.dumps({'fixed': fixed, 'defaults': {'topk': 13}})}"
    assert as_read(["my.det:assign"], "TaskAlignedMatcher.tood") == (f"my.det:assign{tood}",)
    assert as_read(["my.det.assign"], "TaskAlignedMatcher.tood") == (f"my.det:assign{tood}",)
    module = as_read(["refkernels.matcher"], "TaskAlignedMatcher.tood")
    assert module == (f"refkernels.matcher:TaskAlignedMatcher{tood}",)
    (words,) = as_read(["a:b=TaskAlignedMatcher,transposed"], "TaskAlignedMatcher.tood")
    assert json.loads(words.partition(",")[2])["transposed"] is True


@pytest.mark.parametrize(
    ("targets", "said"),
    [((), "say which code is to be read so"), (("a:b=NMS",), "is no TaskAlignedMatcher")],
)
def test_code_of_another_operator_has_no_such_reading(targets, said):
    with pytest.raises(RepresentationError, match=said):
        as_read(targets, "TaskAlignedMatcher.tood")


ASSIGNER = """
from refkernels import TaskAlignedMatcher

def assign(metric, ious, inside, topk=10):
    return TaskAlignedMatcher.ultralytics(topk)(metric, ious, inside)
"""


@pytest.mark.parametrize(
    ("way", "status", "parameter"),
    [("ultralytics", 0, ", topk=9"), ("ultralytics", 0, ""), ("tood", 1, ", topk=10")],
)
def test_code_is_held_to_one_reading(tmp_path, way, status, parameter):
    """Whatever its own default of a parameter is, or if it has none: then it is the reading's."""
    code = ASSIGNER if parameter else ASSIGNER.replace("ultralytics(topk)", "ultralytics()")
    (tmp_path / "reader.py").write_text(code.replace(", topk=10", parameter))
    command = [sys.executable, "-m", "refkernels", "check", "reader.assign"]
    command += ["--as", f"TaskAlignedMatcher.{way}", "--profile", "quick", "--dtype", "float32"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert "conforms" in done.stdout or "conflict" in done.stdout


def test_the_command_prints_what_can_be_pasted(tmp_path):
    file = tmp_path / "dialects.json"
    done = CliRunner().invoke(main, ["dialects", "ssd", "--json", str(file)])
    assert done.exit_code == 0, done.output
    (own,) = json.loads(file.read_text())["dialects"]
    start = done.output.index("import numpy")
    code = done.output[start:]
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.splitlines() == ["[1]", "[0]"]
    assert own["made_by_one"] == [[1]]
    assert own["made_by_other"] == [[0]]


def test_an_unknown_dialect_is_one_line():
    done = CliRunner().invoke(main, ["dialects", "nonsense"])
    assert done.exit_code == 2
    assert "no dialect is called nonsense; there are: task-aligned matching" in done.output
