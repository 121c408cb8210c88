"""Pictures of a trace hold what they say, and leave nothing behind."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels import BipartiteMatcher, CompositeMatcher, MaximumMatcher
from refkernels.assign import TargetAssigner, sample_images
from refkernels.explain.trace.records import Fate, Stage
from refkernels.explain.trace.trace import Trace, explain
from tests.explain.test_words import IOUS, SSD

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

import matplotlib.colors  # noqa: E402

from refkernels.explain.trace.pictures import (  # noqa: E402
    COLORS,
    draw_best,
    draw_boxes,
    draw_matrix,
    draw_trace,
)


@pytest.fixture(scope="module")
def trace() -> Trace:
    image = sample_images(3, seed=0)[2]
    boxes = image.boxes * np.tile([300 / image.width, 300 / image.height], 2)
    crowd = [[0.0, 0.0, 100.0, 60.0]]
    return explain(TargetAssigner.ssd300(), boxes, image.labels, crowd, name="ssd300, image 3")


def legend(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.get_legend().get_texts()]


def test_the_legend_counts_every_stage_that_is_drawn(trace: Trace) -> None:
    (axis,) = draw_boxes(trace, size=(300, 300)).axes
    counts = trace.counts()
    own = int((trace.truths["fate"] == Fate.MATCHED).sum())
    assert legend(axis) == [
        f"ground truth with a positive anchor: {own}",
        f"bipartite round: {counts[Stage.BIPARTITE]}",
        f"shared maximum: {counts[Stage.SHARED]}",
        f"maximum: {counts[Stage.MAXIMUM]}",
        "ignored region: 1",
    ]
    assert axis.get_title() == "ssd300, image 3"
    assert axis.get_xlim() == (0, 300)
    assert axis.get_ylim() == (300, 0)


@pytest.mark.parametrize("most", [0, 5, 40, 10_000])
def test_what_is_not_drawn_is_counted_in_the_caption(trace: Trace, most: int) -> None:
    (axis,) = draw_boxes(trace, size=(300, 300), most=most).axes
    matched = int((trace.matches >= 0).sum())
    drawn = min(most, matched)
    assert len(axis.patches) == drawn + len(trace.truths) + 1  # and the region
    caption = " ".join(axis.get_xlabel().split("\n"))
    assert "x in pixels" in caption
    more = f"{matched - drawn} more of those above ({matched - drawn} positive), "
    assert (more in caption) == (matched > drawn)
    for stage in (Stage.MISSED, Stage.NO_OVERLAP, Stage.REGION):
        assert f"{trace.counts()[stage]} {stage.label}" in caption


def test_each_stage_has_some_of_its_anchors_drawn(trace: Trace) -> None:
    (axis,) = draw_boxes(trace, size=(300, 300), most=20).axes
    colors = [matplotlib.colors.to_hex(patch.get_edgecolor()) for patch in axis.patches]
    for stage in (Stage.BIPARTITE, Stage.SHARED, Stage.MAXIMUM):
        assert colors.count(COLORS[stage].lower()) in (6, 7)


def test_an_image_lies_under_the_boxes(trace: Trace) -> None:
    (axis,) = draw_boxes(trace, np.zeros((150, 150, 3)), size=(300, 300)).axes
    assert axis.images[0].get_extent() == [0, 300, 300, 0]
    (axis,) = draw_boxes(trace, np.zeros((150, 200))).axes
    assert axis.get_xlim() == (0, 200)


def test_a_truth_without_anchor_and_a_quota_have_colours_of_their_own() -> None:
    assigner = TargetAssigner.faster_rcnn(200, 200)
    boxes = [[10.0, 10.0, 150.0, 150.0], [500.0, 500.0, 510.0, 510.0], [3.0, 3.0, 3.0, 9.0]]
    found = explain(assigner, boxes, rng=0)
    (axis,) = draw_boxes(found).axes
    assert "ground truth without: 1" in legend(axis)
    assert "left out by quota" in axis.get_xlabel()


def test_the_matrix_shows_the_rounds_and_how_others_are_matched() -> None:
    figure = draw_matrix(explain(SSD, IOUS))
    axis, bar = figure.axes
    assert sorted(text.get_text() for text in axis.texts) == ["1", "2", "m", "s"]
    # Rows are the anchors by the round of their truth, columns the truths.
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["0", "1", "3", "2"]
    np.testing.assert_array_equal(axis.images[0].get_array(), IOUS[[0, 1, 3, 2]])
    assert axis.lines[0].get_xydata().tolist() == [[0, 0], [1, 2]]
    assert bar.get_ylabel() == "IoU"
    assert "not shown: 2 other anchors" in axis.get_xlabel()


def test_a_large_matrix_is_cut_and_says_so() -> None:
    x = np.random.default_rng(0).random((200, 40))
    (axis, _) = draw_matrix(explain(BipartiteMatcher(), x)).axes
    assert axis.images[0].get_array().shape == (30, 20)
    assert "not shown: 170 other anchors, 20 other ground truths" in axis.get_xlabel()


def test_the_histogram_shows_the_thresholds() -> None:
    (axis,) = draw_best(explain(SSD, IOUS)).axes
    assert legend(axis) == [
        "with a positive anchor: 2",
        "without: 1",
        "maximum matcher's threshold 0.5",
    ]
    assert axis.get_title() == "Best IoU of each ground truth"
    (axis,) = draw_best(explain(TargetAssigner.retinanet(64, 64), [[8.0, 8, 40, 40]])).axes
    assert legend(axis)[1:] == [
        "maximum matcher's threshold 0.5",
        "sampler: positive from 0.5",
        "sampler: negative below 0.4",
    ]


def test_distances_have_pictures_too() -> None:
    matcher = CompositeMatcher([BipartiteMatcher(threshold=9, is_ascend=True)])
    figure = draw_trace(explain(matcher, [[2.0, 4.0], [5.0, 3.0], [12, 10]]))
    titles = [axis.get_title() for axis in figure.axes]
    assert "distance and the path of the greedy rounds" in titles
    assert "Best distance of each ground truth" in titles


def test_a_trace_of_ious_has_no_boxes_to_draw() -> None:
    with pytest.raises(ValueError, match="has IoUs and no boxes"):
        draw_boxes(explain(MaximumMatcher(0.5), [[0.5]]))


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (0, 2)])
def test_nothing_can_be_drawn(shape: tuple[int, int], tmp_path: Path) -> None:
    draw_trace(explain(SSD, np.zeros(shape))).savefig(tmp_path / "nothing.png")


def test_an_image_without_objects_can_be_drawn(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    draw_trace(explain(TargetAssigner.ssd300(), []), size=(300, 300)).savefig(path)
    assert path.read_bytes()[:4] == b"\x89PNG"


def test_no_state_of_pyplot_is_touched() -> None:
    code = (
        "import sys; from refkernels import MaximumMatcher; from refkernels.explain import explain;"
        "from refkernels.explain.trace.pictures import draw_trace;"
        "draw_trace(explain(MaximumMatcher(0.5), [[0.5]]));"
        "assert 'matplotlib' in sys.modules; assert 'matplotlib.pyplot' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'refkernels\[viz\]'"):
        draw_matrix(explain(MaximumMatcher(0.5), [[0.5]]))


# The second is wholly outside the image, and the third in part; two others are small at an edge.
EDGES = [[0.0, 0, 60, 60], [310, 10, 330, 40], [280, 280, 330, 330], [2, 1, 5, 4], [200, 0, 210, 5]]
NAMES = ["dog", "a name that is too long for any picture of it"]


@pytest.fixture(scope="module")
def edges() -> Trace:
    x, y = np.meshgrid(np.arange(0, 300, 30.0), np.arange(0, 300, 30.0))
    corners = np.stack([x.ravel(), y.ravel()], axis=1)
    anchors = np.concatenate([corners, corners + 60], axis=1)
    assigner = TargetAssigner(anchors, MaximumMatcher(0.3))
    return explain(assigner, EDGES, [0, 1, 0, 1, 1], classes=NAMES)


@pytest.mark.parametrize("photo", [None, np.zeros((60, 60, 3), np.uint8)], ids=["blank", "photo"])
def test_names_of_ground_truths_are_inside_and_apart(edges: Trace, photo: Any) -> None:
    figure = draw_boxes(edges, photo, size=(300, 300))
    (axis,) = figure.axes
    figure.canvas.draw()
    frame = axis.get_window_extent()
    texts = [own for own in axis.texts if own.get_text()]
    assert [own.get_text() for own in texts] == [
        "0 dog",
        "1 a name that is too long…: no anchor",
        "2 dog",
        "3 a name that is too long…: no anchor",
        "4 a name that is too long…: no anchor",
    ]
    places = [own.get_window_extent() for own in texts]
    for turn, own in enumerate(places):
        assert frame.x0 <= own.x0 < own.x1 <= frame.x1
        assert frame.y0 <= own.y0 < own.y1 <= frame.y1
        assert not any(own.overlaps(other) for other in places[:turn])


def test_what_is_outside_the_image_is_counted(edges: Trace, trace: Trace) -> None:
    (axis,) = draw_boxes(edges, size=(300, 300)).axes
    told = "outside the image: 1 ground truth wholly, 1 ground truth in part"
    assert told in axis.get_xlabel()
    (axis,) = draw_boxes(trace, size=(300, 300)).axes
    assert "outside the image" not in axis.get_xlabel()


def test_lines_on_a_photo_have_a_dark_one_under_them(edges: Trace) -> None:
    (plain,) = draw_boxes(edges, size=(300, 300)).axes
    (axis,) = draw_boxes(edges, np.zeros((60, 60)), size=(300, 300)).axes
    assert len(axis.patches) == 2 * len(plain.patches)
    for under, line in zip(axis.patches[::2], axis.patches[1::2], strict=True):
        assert matplotlib.colors.to_hex(under.get_edgecolor()) == "#000000"
        assert under.get_linewidth() > line.get_linewidth()
        assert under.get_linestyle() == "solid"
    # A ground truth with an anchor is white there, and black on paper.
    assert matplotlib.colors.to_hex(plain.patches[-5].get_edgecolor()) == "#000000"
    assert matplotlib.colors.to_hex(axis.patches[-9].get_edgecolor()) == "#ffffff"


def test_a_ground_truth_without_anchor_has_a_broken_line(edges: Trace) -> None:
    (axis,) = draw_boxes(edges, size=(300, 300)).axes
    solid = [own.get_linestyle() == "solid" for own in axis.patches[-5:]]
    assert solid == [True, False, True, False, False]


def test_classes_are_named_in_the_matrix(edges: Trace) -> None:
    axis, _ = draw_matrix(edges).axes
    assert "0 dog" in [tick.get_text() for tick in axis.get_xticklabels()]


def test_an_image_may_lie_inside_the_input(trace: Trace) -> None:
    (axis,) = draw_boxes(trace, np.zeros((60, 60)), size=(0, 50, 300, 250)).axes
    assert axis.images[0].get_extent() == [0, 300, 250, 50]
    assert axis.get_ylim() == (300, 0)
