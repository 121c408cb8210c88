"""Assigners side by side: the numbers, what one takes and another does not, and what is written."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels import MaximumMatcher
from refkernels.assign import TargetAssigner
from refkernels.explain import Comparison, Trace, compare_traces, explain
from refkernels.explain.beside.marks import MOST, marks_of
from refkernels.explain.beside.page import as_comparison_page, write_comparison_page
from refkernels.matcher import ThresholdMatcher
from tests.explain.test_explain_command import run
from tests.explain.test_page import PIXEL

pytestmark = pytest.mark.once

ANCHORS = [[0.0, 0, 10, 10], [2, 0, 12, 10], [20, 20, 30, 30], [40, 40, 50, 50]]
# 0 has anchors 0 (IoU 1) and 1 (2/3); 1 overlaps anchor 2 by a quarter; 2 has no extent.
BOXES = [[0.0, 0, 10, 10], [25, 20, 35, 25], [5, 5, 5, 9]]


def traced(matcher: Any, anchors: Any = ANCHORS) -> Trace:
    return explain(TargetAssigner(anchors, matcher), BOXES, [3, 4, 5])


@pytest.fixture(scope="module")
def pair() -> Comparison:
    traces = {
        "strict": traced(MaximumMatcher(0.75)),
        "kind": traced(ThresholdMatcher(0.5, low_quality="truth")),
    }
    return compare_traces(traces, dict.fromkeys(traces, (50.0, 100.0)))


def test_positives_are_counted_by_object(pair: Comparison) -> None:
    assert pair.names == ["strict", "kind"]
    assert pair.positives.tolist() == [[1, 2], [0, 1], [0, 0]]
    assert pair.without().tolist() == [1, 0]  # what has no extent is not missed
    assert str(pair).splitlines() == [
        "  truth  class           size  strict  kind",
        "      0      3  20.0 x 10.0 %       1     2",
        "      1      4   20.0 x 5.0 %       0     1",
        "      2      5    0.0 x 4.0 %       0     0",
        "",
        "    all                             1     3",
        "without                             1     0",
    ]
    assert repr(pair) == "<Comparison of strict and kind: 3 ground truths>"


def test_what_one_takes_and_the_other_does_not(pair: Comparison) -> None:
    first, second = pair.differences()
    strict = pair.traces["strict"]
    assert first == (
        f"Ground truth 1 has 0 by strict and 1 by kind positive.\n  strict: {strict.why_truth(1)}"
    )
    assert second == (
        "strict and kind have the same anchors: 1 are positive by both, none by strict alone and 2 "
        f"by kind alone (1, 2).\n  strict: {strict.why(1)}"
    )
    alone = pair.alone("kind", "strict")
    assert alone is not None
    assert [own.tolist() for own in alone] == [[1, 2], []]


def test_the_same_anchors_for_another_ground_truth_are_a_difference() -> None:
    both = compare_traces(
        {
            "own": explain(ThresholdMatcher(0.5, low_quality="own"), [[0.75, 0.625]]),
            "truth": explain(ThresholdMatcher(0.5, low_quality="truth"), [[0.75, 0.625]]),
        }
    )
    assert "0 are positive by both, 1 by own alone (0) and 1 by truth alone (0)." in str(
        both.differences()
    )
    assert "class" in str(both)


def test_other_anchors_are_not_compared_one_by_one() -> None:
    other = traced(MaximumMatcher(0.75), [*ANCHORS[:3], [60, 60, 70, 70]])
    fewer = traced(MaximumMatcher(0.75), ANCHORS[:3])
    three = compare_traces({"a": traced(MaximumMatcher(0.75)), "b": other, "c": fewer})
    assert three.alone("a", "b") is None
    assert three.alone("a", "c") is None
    assert three.differences() == []
    same = compare_traces({"a": other, "b": traced(MaximumMatcher(0.8), other.anchor_boxes)})
    assert same.differences() == ["a and b take the same anchors."]
    assert "10 x 10 " in str(same)  # of an image whose size is not known


def test_a_long_table_is_cut_and_says_so() -> None:
    ious = np.eye(40)
    many = compare_traces(
        {"a": explain(MaximumMatcher(0.5), ious), "b": explain(MaximumMatcher(2), ious)}
    )
    assert "and 10 more ground truths" in str(many)
    assert "40 by a alone (0, 1, 2, 3, 4, 5, 6, 7 and 32 more)" in many.differences()[-1]


def test_assigners_with_predictions_are_compared() -> None:
    rng = np.random.default_rng(0)
    boxes, labels = [[4.0, 4, 40, 44], [20, 20, 60, 60]], [0, 1]
    traces = {}
    for name in ("simota", "task_aligned", "atss"):
        assigner = getattr(TargetAssigner, name)(64, 64)
        count = len(assigner)
        predicted = np.array(assigner.anchors) + rng.normal(0, 2, (count, 4))
        given = {"predictions": (predicted, rng.uniform(0.1, 0.9, (count, 2)))}
        traces[name] = explain(assigner, boxes, labels, **(given if assigner.predicts else {}))
    found = compare_traces(traces)
    for place, trace in enumerate(traces.values()):
        own = [int(((trace.matches == c) & (trace.samples > 0)).sum()) for c in range(2)]
        assert found.positives[:, place].tolist() == own
    assert found.alone("simota", "task_aligned") is not None


def test_what_cannot_be_compared_is_said() -> None:
    trace = explain(MaximumMatcher(0.5), [[0.5]])
    with pytest.raises(TypeError, match="traces: b is a int, expected a Trace"):
        compare_traces({"a": trace, "b": 3})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="expected at least two, got 1"):
        compare_traces({"a": trace})
    two = explain(MaximumMatcher(0.5), [[0.5, 0.25]])
    with pytest.raises(ValueError, match="as many ground truths in each, got 1 in a and 2 in b"):
        compare_traces({"a": trace, "b": two})
    with pytest.raises(ValueError, match=r"extents\['a'\]"):
        compare_traces({"a": trace, "b": trace}, {"a": (1.0,)})
    with pytest.raises(ValueError, match="trace: has no boxes"):
        as_comparison_page(compare_traces({"a": trace, "b": trace}))


def test_of_many_anchors_some_are_drawn_of_each_object() -> None:
    anchors = np.tile(ANCHORS[0], (100, 1))
    marks = marks_of(traced(MaximumMatcher(0.75), np.concatenate([anchors, ANCHORS[2:]])))
    assert 0 < len(marks.anchors) <= MOST
    assert len(marks.anchors) + marks.left_out == 100
    assert marks.extent == (35.0, 25.0)
    nothing = marks_of(traced(MaximumMatcher(2.0)))
    assert len(nothing.anchors) == nothing.left_out == 0


def test_a_page_holds_the_numbers_and_the_sentences(pair: Comparison, tmp_path: Path) -> None:
    path, image = tmp_path / "page.html", tmp_path / "pixel.png"
    image.write_bytes(PIXEL)
    write_comparison_page(pair, path, image, "<two>")
    page = path.read_text()
    assert "<title>&lt;two&gt;: side by side</title>" in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))  # type: ignore[union-attr]
    assert data["names"] == pair.names
    assert data["why"][1] == [trace.why_truth(1) for trace in pair.traces.values()]
    assert page.count("data:image/png;base64") == 1
    assert page.count('<use href="#photo"') == 2
    assert page.count('class="object without"') == 1
    assert page.count('class="anchor"') == 1 + 3
    assert "http" not in page.replace("http-equiv", "")
    with pytest.raises(ValueError, match="not a picture that browsers show"):
        write_comparison_page(pair, path, path)
    assert {own.name for own in tmp_path.iterdir()} == {"page.html", "pixel.png"}


def test_a_page_of_many_objects_is_cut_and_says_so() -> None:
    boxes = np.tile(BOXES[0], (230, 1))
    traces = {
        name: explain(TargetAssigner(ANCHORS, MaximumMatcher(0.5)), boxes) for name in ("a", "b")
    }
    page = as_comparison_page(compare_traces(traces))
    assert "30 more ground truths are left out." in page
    assert page.count('class="truth"') == 200


def test_a_picture_is_drawn(pair: Comparison) -> None:
    pytest.importorskip("matplotlib")
    from refkernels.explain.beside.pictures import draw_comparison

    figure = draw_comparison(pair, np.zeros((4, 4)))
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:2] == [
        "strict: 1 positive\n1 ground truth without",
        "kind: 3 positive\n0 ground truths without",
    ]
    boxes = [BOXES[0]] * 40
    points = explain(TargetAssigner.fcos(64, 64), [[4.0, 4, 40, 44]] * 40)
    crowded = explain(TargetAssigner(np.tile(ANCHORS[0], (90, 1)), MaximumMatcher(0.5)), boxes)
    drawn = draw_comparison(compare_traces({"points": points, "crowded": crowded}))
    assert len(drawn.axes[0].lines) > 0
    assert "not drawn" in drawn.axes[1].get_title()
    assert "10 more ground truths not shown" in drawn.axes[2].get_xlabel()


SMALL = ("--size", "128", "160", "--image", "2")


def test_the_command_compares_presets(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    files = {name: tmp_path / f"beside.{name}" for name in ("html", "png", "json")}
    arguments = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    result = run("--compare", "ssd300,atss, fcos", *SMALL, *arguments)
    assert result.exit_code == 0, result.output
    made = json.loads(files["json"].read_text())
    assert made["names"] == ["ssd300", "atss", "fcos"]
    line = next(own for own in result.output.splitlines() if own.startswith("    all"))
    sums = np.array(made["positives"]).sum(axis=0)
    assert line.split() == ["all", *map(str, sums)]
    assert files["png"].read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in files["html"].read_text()
    assert set(tmp_path.iterdir()) == set(files.values())


def test_the_command_answers_for_one_object() -> None:
    result = run("--compare", "atss,torchvision_fcos", *SMALL, "--truth", "1")
    assert result.exit_code == 0, result.output
    assert "\natss: Ground truth 1 (class 21) has" in result.output
    assert "\ntorchvision_fcos: Ground truth 1 (class 21) has" in result.output


def test_the_command_takes_predictions_for_those_that_look_at_them(tmp_path: Path) -> None:
    count = len(TargetAssigner.simota(128, 160))
    path = tmp_path / "predictions.npz"
    boxes = np.array(TargetAssigner.simota(128, 160).anchors)
    np.savez(path, boxes=boxes, scores=np.full((count, 90), 0.25))
    result = run("--compare", "simota,task_aligned,atss", *SMALL, "--predictions", str(path))
    assert result.exit_code == 0, result.output
    assert "simota  task_aligned  atss" in result.output


def test_many_differences_are_cut_and_say_so(tmp_path: Path) -> None:
    content = {
        "images": [{"id": 1, "width": 300, "height": 300}],
        "annotations": [
            {"id": k, "image_id": 1, "category_id": 1, "bbox": [20 * k, 10, 2, 2]}
            for k in range(12)
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    result = run("--compare", "ssd300,fcos", "--annotations", str(path), "--size", "128", "128")
    assert re.search(r"and \d+ more differences", result.output), result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--compare", "atss"], "compare: expected at least two presets, each once, got atss"),
        (["--compare", "atss,atss"], "compare: expected at least two presets, each once"),
        (["--compare", "atss,fcoss"], "preset: expected"),
        (["--compare", "atss,fcos", "--anchor", "3"], "anchor: is of one preset"),
        (["--compare", "atss,fcos", "--sensitivity"], "sensitivity: is of one preset"),
        (["--compare", "atss,fcos", "--truth", "99"], "truth: expected an integer from 0 to"),
        (["--compare", "atss,simota"], "predictions: simota looks at what a network predicts"),
        (["--compare", "atss,fcos", "--picture", "a.png"], "picture: is for the page"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.splitlines()) == 1


def test_predictions_that_nobody_looks_at_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    np.savez(path, boxes=np.zeros((1, 4)), scores=np.zeros((1, 2)))
    result = run("--compare", "atss,fcos", "--predictions", str(path))
    assert "predictions: none of atss, fcos looks at any" in result.output


def test_an_image_without_objects_has_nothing_to_ask_for(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    images = [{"id": 1, "width": 30, "height": 30}]
    path.write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    arguments = ["--compare", "atss,fcos", "--annotations", str(path), "--size", "64", "64"]
    assert run(*arguments).exit_code == 0
    assert "truth: there is none in this image, got 0" in run(*arguments, "--truth", "0").output
