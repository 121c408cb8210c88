"""The usual faults are named in the first sentence of a comparison, and nowhere else."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import refkernels as rk
from refkernels.explain.diff.compare import compare_dumps
from refkernels.explain.diff.headline import headline
from refkernels.explain.diff.relations import related
from tests.explain.chains import run
from tests.explain.planted import FAULTS, OPERATORS, pipeline, planted

each_fault = pytest.mark.parametrize("fault", FAULTS)


@each_fault
@pytest.mark.parametrize("seed", range(4))
def test_a_fault_is_named_in_the_first_sentence(fault, seed):
    found = planted(fault, seed)
    said = headline(found)
    assert all(part in said for part in FAULTS[fault].says), said
    assert said.count(". ") == 0
    assert found.status == FAULTS[fault].status


# Of the relations that are no inverse of themselves, what is said when A has the fault.
TURNED = {
    "normalised": "A's boxes differ from B's",
    "xywh": "A's boxes differ from B's",
    "+1 label": "A's labels differ from B's",
    "+1 pixel": "x2 and y2 that are larger by -1",
    "shifted anchors": "a shift by -4",
    "permuted anchors": "(6, 100) read as (100, 6)",
    "wrong stds": "A leaves the contract first at box_targets",
    "wrong threshold": "A leaves the contract first at matches",
    "share_max": "A leaves the contract first at matches",
    "half precision": "A leaves the contract first at ious",
}


@each_fault
def test_a_fault_of_the_other_side_is_named_as_that(fault):
    said = headline(planted(fault, 5, turned=True))
    if fault == "mixed-up levels":
        assert "levels that are mixed up, rows of the other in the order" in said
    elif fault in TURNED:
        assert TURNED[fault] in said
        assert FAULTS[fault].says[-1] in said or fault in (
            "+1 pixel", "shifted anchors", "permuted anchors"
        )  # fmt: skip
    else:
        assert all(part in said for part in FAULTS[fault].says[1:])


@pytest.mark.once
def test_the_first_sentences_are_printed_by_a_command():
    run = subprocess.run(
        [sys.executable, "-m", "tests.explain.planted"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [*FAULTS]
    # The page shows some of them.
    page = (Path(__file__).parents[2] / "docs" / "diff.md").read_text()
    (shown,) = re.findall(r"^```\n(B's.*?)^```$", page, re.M | re.S)
    assert {*shown.splitlines()} <= {line.split(": ", 1)[1] for line in lines}


def changed(seed, **inputs):
    """A pipeline and the same with other inputs."""
    own = {k: v for k, v in pipeline(seed).items() if k != "scale"}
    return compare_dumps(run(own, OPERATORS), run({**own, **inputs}, OPERATORS))


NAMED = re.compile(r"explained|order")


@pytest.mark.parametrize("seed", range(6))
def test_boxes_that_are_others_are_not_named_anything(seed):
    boxes, rng = pipeline(seed)["boxes"], np.random.default_rng(seed)
    others = {
        "moved each by its own": boxes + rng.normal(0, 3, boxes.shape),
        "of other images": pipeline(seed + 100)["boxes"],
        "scaled, but for one": boxes / 3 + np.eye(6)[2][:, None] * np.array([1, 0, 0, 2]),
        "swapped, and one moved": boxes[..., [1, 0, 3, 2]]
        + np.eye(6)[2][:, None] * np.array([0.5, 0, 0, 0]),
        "shifted each by its own": boxes + np.tile(rng.uniform(1, 9, (3, 6, 2)), 2),
        "cut short each by its own": boxes - rng.uniform(1, 3, boxes.shape) * [0, 0, 1, 1],
    }  # fmt: skip
    for what, other in others.items():
        said = headline(changed(seed, boxes=other.astype(np.float32)))
        assert "no single relation explains all of them" in said, what
        assert not NAMED.search(said.replace("explains", "")), said


@pytest.mark.parametrize("seed", range(3))
def test_anchors_that_are_others_are_not_named_anything(seed):
    anchors, rng = pipeline(seed)["anchors"], np.random.default_rng(seed)
    for other in (
        anchors + rng.normal(0, 1, anchors.shape),
        anchors + np.tile(rng.normal(0, 1, (1, anchors.shape[1], 2)), 2),
        np.where(
            np.arange(anchors.shape[1])[:, None] == 9, anchors + np.array([0, 0, 1, 2]), anchors + 1
        ),
    ):
        said = headline(changed(seed, anchors=other.astype(np.float32)))
        assert "B's anchors differ from A's" in said
        assert "no single relation explains all of them" in said


def test_labels_that_are_others_are_not_off_by_one():
    labels = pipeline(0)["labels"]
    said = headline(changed(0, labels=(labels + np.arange(6)) % 20))
    assert said == (
        "They were given different inputs: B's labels differ from A's (15 of 18), and no single "
        "relation explains all of them."
    )


def test_what_is_wrong_in_another_way_is_not_explained_by_a_parameter():
    own = {k: v for k, v in pipeline(0).items() if k != "scale"}
    right = run(own, OPERATORS)
    rng = np.random.default_rng(0)
    for name in ("ious", "matches", "cls_targets", "box_targets"):
        array = right.arrays[name].copy()
        rows = rng.choice(np.flatnonzero(right.arrays["matches"][0] >= 0), 3, replace=False)
        array[0, rows] = array[0, rows] * 0.7 + rng.uniform(1, 5, array[0, rows].shape)
        wrong = replace(right, arrays={**right.arrays, name: array})
        said = headline(compare_dumps(right, wrong))
        assert f"B leaves the contract first at {name}" in said or "cannot be followed" in said
        assert "explained" not in said


BOX = np.array([[[30.0, 40, 130, 90]]])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (BOX + np.array([7, 0, 7, 0]), {"a shift by 7 in x and 0 in y",
                              "a flip left to right, of an image 167 wide"}),
        (BOX * 2, {"a scale of 2"}),
        (BOX + 1, {"a shift by 1"}),
        (BOX[..., [1, 0, 3, 2]], {"x and y swapped"}),
    ],
)  # fmt: skip
def test_few_boxes_are_explained_by_all_that_explains_them(made, words):
    found = {relation.words for relation in related(BOX, made)}
    assert words <= found
    several = np.concatenate([BOX, BOX + np.array([1, 9, 20, 5]), BOX * 1.5], 1)
    assert len(found) >= len(related(several, several + (made - BOX)))


def test_few_boxes_are_told_with_the_next_explanation():
    own = {
        "boxes": BOX,
        "anchors": BOX[0] + np.arange(5)[:, None],
        "labels": np.zeros((1, 1), np.int64),
    }
    moved = {**own, "boxes": BOX + np.array([7, 0, 7, 0])}
    said = headline(compare_dumps(run(own, OPERATORS), run(moved, OPERATORS)))
    assert said == (
        "B's boxes differ from A's (1 of 1), which is explained by a shift by 7 in x and 0 in y; "
        "so few would be explained as well by a flip left to right, of an image 167 wide, or by a "
        "flip both ways, of an image 167 wide and 130 high."
    )


def test_a_box_that_is_its_own_mirror_says_nothing_of_a_flip():
    square = np.array([[[100.0, 100, 200, 200]]])
    assert related(square, square[..., [1, 0, 3, 2]]) == []
    # One number of one box could be anything.
    corner = np.array([[[0.0, 0, 50, 80]]])
    assert not any("scale" in relation.words for relation in related(corner, corner * [1, 1, 2, 3]))


def test_relations_are_found_one_after_the_other_where_none_does_alone():
    boxes = pipeline(3)["boxes"].astype(np.float64)
    xywh = np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], -1)
    found = related(boxes, xywh / 300)
    assert [relation.words for relation in found] == [
        "the form (x, y, width, height), xywh, taken for corners, and normalisation, a division by "
        "300"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: (a[..., [1, 0, 3, 2]]) / [640, 480, 640, 480],
         "x and y swapped, and normalisation, a division by 640 in x and 480 in y"),
        (lambda a: np.concatenate([(a[..., :2] + a[..., 2:]) / 2, a[..., 2:] - a[..., :2]], -1),
         "the centre form (cx, cy, width, height) taken for corners"),
        (lambda a: a[..., [0, 2, 1, 3]], "corners in the order x1, x2, y1, y2"),
        (lambda a: a[..., [2, 3, 0, 1]], "corners in the order x2, y2, x1, y1"),
        (np.rint, "rounding to whole numbers"),
        (np.floor, "rounding down to whole numbers"),
        (lambda a: a.astype(np.float16).astype(float), "rounding to float16, half precision"),
        (lambda a: a + np.array([1, 1, 0, 0]), "x1 and y1 that are larger by 1"),
        (lambda a: a + np.array([-0.5, -0.5, 0.5, 0.5]), "every side that lies further out by 0.5"),
        (lambda a: np.stack([a[..., 0], 480 - a[..., 3], a[..., 2], 480 - a[..., 1]], -1),
         "a flip upside down, of an image 480 high"),
        (lambda a: np.array([640, 480, 640, 480]) - a[..., [2, 3, 0, 1]],
         "a flip both ways, of an image 640 wide and 480 high"),
        (lambda a: a * 0.625 + [0, 80, 0, 80],
         "images that are not resized and padded: the scale is 0.625 and the shift 0 in x and 80 "
         "in y"),
        (lambda a: a / 2, "a scale of 2"),
        (lambda a: a + np.array([[[3, 5, 3, 5]], [[0, 0, 0, 0]], [[4, 1, 4, 1]]]),
         "a shift by 3 in x and 5 in y in image 0, 4 in x and 1 in y in image 2"),
    ],
)  # fmt: skip
def test_every_relation_is_found(change, words):
    for seed in range(3):
        boxes = pipeline(seed)["boxes"].astype(np.float64)
        assert related(boxes, change(boxes))[0].words == words


def test_anchors_of_other_levels_are_named():
    anchors = pipeline(0)["anchors"].astype(np.float64)
    centre, half = (
        (anchors[..., :2] + anchors[..., 2:]) / 2,
        (anchors[..., 2:] - anchors[..., :2]) / 2,
    )
    by_level = np.where(np.arange(anchors.shape[1])[:, None] < 600, 2, 0.5)
    for factor, words in (
        (by_level, "levels that are mixed up: the same centres, and sizes times 2 for rows 0 to "
                   "599, times 0.5 for rows 600 to 789"),
        (2.0, "the same centres, and sizes times 2"),
    ):  # fmt: skip
        other = np.concatenate([centre - half * factor, centre + half * factor], -1)
        assert words in headline(changed(0, anchors=other.astype(np.float32)))
    step = np.where(np.arange(anchors.shape[1])[:, None] < 600, 4.0, 8.0)
    said = headline(changed(0, anchors=(anchors + step).astype(np.float32)))
    assert "a shift by 4 for rows 0 to 599, by 8 for rows 600 to 789" in said


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (lambda n: np.arange(n)[::-1], "another order, from the last to the first"),
        (lambda n: np.arange(n).reshape(-1, 5).T.ravel(), "another order, that of axes (158, 5)"),
        (lambda n: np.random.default_rng(0).permutation(n), "another order of the same boxes"),
        (
            lambda n: np.concatenate(
                [np.arange(600).reshape(-1, 6).T.ravel(),
                 600 + np.arange(150).reshape(-1, 6).T.ravel(), np.arange(750, n)]
            ),
            "another order in each of 2 levels, in the first that of axes (100, 6)",
        ),
    ],
)  # fmt: skip
def test_an_order_of_anchors_is_named_and_nothing_else_differs(order, words):
    anchors = pipeline(0)["anchors"]
    found = changed(0, anchors=anchors[:, order(anchors.shape[1])])
    assert words in headline(found)
    assert found.status == 1
    assert sum(stage.differing for stage in found.stages) <= 30  # on ties alone


@pytest.mark.parametrize(
    ("place", "operator", "words"),
    [
        ("iou", rk.BBoxBatchIOU(offset=1), "offset 1 of BBoxBatchIOU in place of 0 (sides counted"),
        ("iou", rk.BBoxBatchIOU(fmt="center"), "boxes taken in center form"),
        ("matcher", rk.CompositeMatcher([rk.BipartiteMatcher(), rk.MaximumMatcher(0.35)]),
         "threshold 0.35 of MaximumMatcher in place of 0.5 (any above 0."),
        ("matcher", rk.CompositeMatcher([rk.MaximumMatcher(0.5)]), "BipartiteMatcher left out"),
        ("class_encoder", rk.MultiClassEncoder(), "labels of positives that are larger by 1"),
        ("box_encoder", rk.NormalizedBoxCenterEncoder(means=(0.5, 0.0, 0.0, 0.25)),
         "means (0.5, 0, 0, 0.25) of NormalizedBoxCenterEncoder in place of (0, 0, 0, 0)"),
    ],
)  # fmt: skip
def test_a_parameter_that_explains_all_is_named(place, operator, words):
    own = {k: v for k, v in pipeline(2).items() if k != "scale"}
    # Boxes in centre form go with no box encoder.
    without = ("box_targets", "box_masks") if place == "iou" else ()
    right, wrong = (
        run(own, operators, without=without)
        for operators in (OPERATORS, {**OPERATORS, place: operator})
    )
    arrays = dict(wrong.arrays)
    if place == "class_encoder":
        arrays["cls_targets"] = arrays["cls_targets"] + (arrays["samples"] > 0)
    said = headline(compare_dumps(right, replace(right, arrays=arrays)))
    assert f"which is explained by {words}" in said, said
