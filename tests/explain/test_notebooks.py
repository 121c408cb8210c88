"""What explain and diff return shows itself in a notebook: tables, sentences, figures."""

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest

from refkernels import MaximumMatcher
from refkernels.assign import TargetAssigner
from refkernels.explain import compare_dumps, compare_traces, explain, make_dump, thresholds
from refkernels.explain.trace.flips import Flip
from refkernels.explain.trace.trace import Trace

EVIL = "<script>alert(1)</script>"
ANCHORS = [[0.0, 0, 10, 10], [20, 0, 30, 10]]
BOXES = [[0.0, 0, 10, 5], [20, 0, 30, 9]]


@pytest.fixture(scope="module")
def trace() -> Trace:
    assigner = TargetAssigner(ANCHORS, MaximumMatcher(0.5))
    return explain(assigner, BOXES, [0, 1], classes=["cat", EVIL], name=EVIL)


def cells(page: str) -> list[str]:
    return re.findall(r"<td>(.*?)</td>", page)


def test_a_trace_has_its_classes_escaped(trace: Trace) -> None:
    page = trace._repr_html_()
    assert "<script>" not in page
    assert "cat" in cells(page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in cells(page)


def test_sentences_say_each_class_once(trace: Trace) -> None:
    told = trace.why_truth(0)
    assert told.startswith("Ground truth 0 (cat) has 1 anchor")
    assert (
        explain(MaximumMatcher(0.5), [[0.5]], classes=["cat"])
        .why_truth(0)
        .startswith("Ground truth 0 has")
    )
    few = explain(TargetAssigner(ANCHORS, MaximumMatcher(0.5)), BOXES, [0, 7], classes=["cat"])
    assert "ground truth 1 by" not in few.why(1)
    assert "7" in [row.split()[1] for row in str(few).splitlines()[-2:]]
    assert f"and ground truth 1 ({EVIL}) do not overlap" in trace.why_not(0, 1)
    assert trace.why(0).count("(cat)") == 1


def test_flips_are_a_list_that_shows_itself(trace: Trace) -> None:
    flips = trace.sensitivity()
    assert isinstance(flips, list)
    assert [type(flip) for flip in flips] == [Flip]
    page = flips._repr_html_()  # type: ignore[attr-defined]
    assert "1 match would be decided otherwise" in page
    assert cells(page)[1].startswith("ground truth 0 (cat) -&gt; none if its IoU with ground")
    assert flips == list(flips) == copy.copy(flips) == pickle.loads(pickle.dumps(flips))
    none = explain(MaximumMatcher(0.5), [[0.9]]).sensitivity()
    assert none == []
    assert "<table>" not in none._repr_html_()  # type: ignore[attr-defined]
    many = explain(MaximumMatcher(0.5), np.full((60, 1), 0.5)).sensitivity()
    assert "and 10 more" in many._repr_html_()  # type: ignore[attr-defined]


def test_a_sweep_shows_itself() -> None:
    assigner = TargetAssigner(ANCHORS, MaximumMatcher(0.5))
    sweep = thresholds(assigner, BOXES, [0.3, 0.7], labels=[0, 1], classes=["cat", EVIL])
    page = sweep._repr_html_()
    assert "<th>truth 0 cat</th>" in page
    assert "<script>" not in page
    assert cells(page) == ["0.3", "2", "0", "1", "1", "0.7", "1", "1", "0", "1"]
    assert str(sweep).splitlines()[0].startswith("threshold  all  without  truth 0 cat  truth 1 ")
    assert "and 3 more ground truths" in thresholds(MaximumMatcher(0.5), np.eye(15))._repr_html_()


def test_assigners_side_by_side_show_themselves(trace: Trace) -> None:
    other = explain(TargetAssigner(ANCHORS, MaximumMatcher(0.7)), BOXES, [0, 1])
    page = compare_traces({"a": trace, EVIL: other})._repr_html_()
    assert "<script>" not in page
    assert "cat" in cells(page)
    assert "Ground truth 0 (cat) has 1 by a and 0 by &lt;script&gt;" in page


def test_a_difference_shows_itself() -> None:
    arrays = {"ious": np.array([[[0.25], [0.5], [0.75]]]), "matches": [[-1, 0, 0]]}
    operators = {"matcher": MaximumMatcher(0.5)}
    a = make_dump(EVIL, arrays, operators)
    b = make_dump("b", {**arrays, "matches": [[-1, -1, 0]]}, operators)
    page = compare_dumps(a, b)._repr_html_()
    assert "<script>" not in page
    assert "<strong>B leaves the contract first at matches" in page
    assert cells(page)[5:9] == ["matches", "keeps the contract", "wrong at 1", "1"]
    assert "image 0, anchor 1: " in page


def drawn() -> list[Any]:
    from refkernels.explain.beside.pictures import draw_comparison
    from refkernels.explain.trace.pictures import draw_best, draw_boxes, draw_matrix, draw_trace

    own = explain(TargetAssigner(ANCHORS, MaximumMatcher(0.5)), BOXES, [0, 1], classes=["a", "b"])
    figures = [draw(own) for draw in (draw_best, draw_boxes, draw_matrix, draw_trace)]
    return [*figures, draw_comparison(compare_traces({"a": own, "b": own}))]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_figures_show_themselves() -> None:
    figure = pytest.importorskip("matplotlib.figure")
    for own in drawn():
        assert isinstance(own, figure.Figure)
        assert own._repr_png_()[:8] == b"\x89PNG\r\n\x1a\n"
    again = pickle.loads(pickle.dumps(drawn()[1]))
    assert again._repr_png_()[:4] == b"\x89PNG"
