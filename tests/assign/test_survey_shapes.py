"""What other thresholds and shapes would do is what they do when they are assigned."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from refkernels import CompositeMatcher, MaximumMatcher, ThresholdMatcher
from refkernels.assign import TargetAssigner, sample_images, survey
from refkernels.assign.surveying import alternatives as module
from refkernels.assign.surveying.alternatives import alternatives, threshold_of
from refkernels.assign.surveying.shapes import (
    GENERATIONS,
    Shapes,
    evolved,
    fitness,
    fitted,
    shape_ious,
)
from refkernels.chain.published import PRESETS

IMAGES = sample_images(5, seed=1)
SIZE = {"height": 96, "width": 128}


def test_shapes_differ_by_more_than_rounding() -> None:
    anchors = np.array([[0, 0, 8, 4], [9, 9, 17.0001, 13], [0, 0, 4, 8], [1, 1, 3, 3]])
    shapes = Shapes.among(anchors)
    assert shapes.of.tolist() == [2, 2, 1, 0]
    np.testing.assert_allclose(shapes.sides, [[2, 2], [4, 8], [8, 4]], atol=1e-3)


@pytest.mark.parametrize(
    ("preset", "count"), [("torchvision_ssd300", 30), ("rpn_fpn", 15), ("yolo3", 9), ("atss", 5)]
)
def test_presets_have_as_many_shapes_as_papers_say(preset: str, count: int) -> None:
    assigner: TargetAssigner = getattr(TargetAssigner, preset)()
    assert len(Shapes.among(assigner.anchors)) == count


def test_steps_are_those_of_the_grids() -> None:
    shapes = Shapes.among(TargetAssigner.yolo3(96, 64).anchors)
    assert shapes.steps.tolist() == [[8, 8]] * 3 + [[16, 16]] * 3 + [[32, 32]] * 3
    one = Shapes.among(TargetAssigner.ssd300().anchors)
    np.testing.assert_allclose(one.steps[-1], 300)  # one cell: as far apart as centres are at all
    assert Shapes.among(np.empty((0, 4))).steps.shape == (0, 2)


def test_other_shapes_stand_where_the_anchors_stood() -> None:
    anchors = np.array([[0, 0, 8, 4], [10, 10, 12, 12]], float)
    shapes = Shapes.among(anchors)
    np.testing.assert_array_equal(shapes.replaced(anchors, shapes.sides), anchors)
    other = shapes.replaced(anchors, np.array([[4.0, 2.0], [2.0, 2.0]]))
    assert other.tolist() == [[3, 1, 5, 3], [9, 10, 13, 12]]


def test_shape_ious_are_those_of_boxes_a_quarter_of_a_step_apart() -> None:
    objects, shapes = np.array([[8.0, 4.0], [2.0, 2.0]]), np.array([[8.0, 8.0], [100.0, 1.0]])
    steps = np.array([[8.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(shape_ious(objects, shapes, steps)[0], [24 / 72, 8 / 124])
    far = shape_ious(objects, shapes, np.full((2, 2), 1000.0))
    assert (far == 0).all()
    # 1/3 and 2/66 are below 0.4 both.
    assert fitness(objects, shapes, steps, 0.4) == 0
    assert fitness(objects, shapes, steps, 0.3) == pytest.approx(24 / 72 / 2)


@pytest.fixture(scope="module")
def objects() -> np.ndarray:
    pytest.importorskip("scipy", exc_type=ImportError)
    rng = np.random.default_rng(0)
    centres = np.array([[8.0, 16.0], [32.0, 32.0], [90.0, 40.0]])
    return (centres[:, None] * np.exp(rng.normal(0, 0.05, (3, 40, 2)))).reshape(-1, 2)


def test_k_means_finds_the_middles_of_heaps(objects: np.ndarray) -> None:
    np.testing.assert_allclose(fitted(objects, 3), [[8, 16], [32, 32], [90, 40]], rtol=0.05)


def test_objects_that_are_alike_have_one_shape_several_times() -> None:
    pytest.importorskip("scipy", exc_type=ImportError)
    np.testing.assert_allclose(fitted(np.full((5, 2), 3.0), 4), np.full((4, 2), 3.0))


def test_evolution_makes_shapes_no_worse_and_says_how_far_it_is(objects: np.ndarray) -> None:
    start = np.array([[10.0, 10.0], [20.0, 20.0], [60.0, 60.0]])
    steps = np.full((3, 2), 8.0)
    told: list[tuple[int, int]] = []
    other = evolved(objects, [start], steps, 0.5, 0, lambda *own: told.append(own))
    assert fitness(objects, other, steps, 0.5) > fitness(objects, start, steps, 0.5) + 0.2
    assert told[-1] == (GENERATIONS, GENERATIONS)
    again = evolved(objects, [start], steps, 0.5, 0)
    np.testing.assert_array_equal(other, again)


def test_a_shape_that_is_the_best_of_no_object_stays(objects: np.ndarray) -> None:
    start = np.array([[8.0, 16.0], [32.0, 32.0], [90.0, 40.0], [500.0, 500.0]])
    steps = np.array([[1.0, 1.0]] * 3 + [[4000.0, 4000.0]])
    other = evolved(objects, [start], steps, 0.5, 0)
    assert other[3].tolist() == [500, 500]


def test_the_threshold_is_the_least_iou_that_is_matched() -> None:
    found = {name: threshold_of(own["matcher"]) for name, own in PRESETS.items()}
    assert found["ssd300"] == found["torchvision_ssd300"] == found["mmdet_retinanet"] == 0.5
    assert found["rpn_fpn"] == found["torchvision_rpn"] == 0.7
    assert found["yolo3"] is None


@pytest.mark.parametrize(
    ("preset", "matcher"),
    [
        ("torchvision_retinanet", replace(PRESETS["torchvision_retinanet"]["matcher"], high=0.6)),
        (
            "torchvision_retinanet",
            replace(PRESETS["torchvision_retinanet"]["matcher"], high=0.3, low=0.3),
        ),
        (
            "rpn_fpn",
            CompositeMatcher([PRESETS["rpn_fpn"]["matcher"].matchers[0], MaximumMatcher(0.4)]),
        ),
    ],
    ids=str,
)
def test_a_threshold_does_what_an_assigner_with_it_does(preset: str, matcher: object) -> None:
    pytest.importorskip("scipy", exc_type=ImportError)
    found = survey(IMAGES, preset, size=(96, 128), tried=5)
    (own,) = [row for row in found.alternatives if row.threshold == threshold_of(matcher)]
    other = survey(IMAGES, preset, size=(96, 128), options={"matcher": matcher}).total()
    assert own[2:7] == other[1:]
    assert found.tried == 5


def test_alternatives_begin_with_what_is_and_end_with_what_is_fitted() -> None:
    pytest.importorskip("scipy", exc_type=ImportError)
    told: list[str] = []
    found = survey(
        IMAGES, "yolo3", size=(96, 128), tried=2, progress=lambda what, *_: told.append(what)
    )
    first, *others = found.alternatives
    assert (first.name, first.threshold, first.shapes) == ("as it is", 0.5, ())
    assert [own.kind for own in others] == ["scale"] * 4 + ["ratio"] * 2 + ["shapes"] * 2
    assert len(others[-1].shapes) == 9
    tried = survey(IMAGES, "yolo3", size=(96, 128), limit=2)
    assert first[2:7] == tried.total()[1:]
    # Where its shapes stand, they give the same.
    assigner = TargetAssigner.yolo3(**SIZE)
    anchors = Shapes.among(assigner.anchors).replaced(assigner.anchors, np.array(others[-1].shapes))
    again = survey(
        IMAGES,
        TargetAssigner(anchors, assigner.operators.matcher),
        size=(96, 128),
        limit=2,
    )
    assert others[-1][2:7] == again.total()[1:]
    assert {"k-means", "evolving shapes", "trying scales times 2"} <= set(told)
    json = found.as_dict()["alternatives"]
    assert (json["images"], len(json["tried"][-1]["shapes"])) == (2, 9)


def test_squares_have_no_ratios_to_try_and_points_nothing() -> None:
    pytest.importorskip("scipy", exc_type=ImportError)
    kinds = {own.kind for own in survey(IMAGES, "atss", size=(96, 128), tried=2).alternatives}
    assert kinds == {"as it is", "scale", "shapes"}
    found = survey(IMAGES, "fcos", size=(96, 128), tried=2)
    assert found.alternatives == ()
    assert found.shapes.shape == (0, 2)


def test_anchors_of_many_shapes_or_none_have_thresholds_alone() -> None:
    pytest.importorskip("scipy", exc_type=ImportError)
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 60, (200, 2))
    many = np.concatenate([low, low + rng.uniform(4, 60, (200, 2))], axis=1)
    flat = np.array([[0, 0, 20, 20], [5, 5, 5, 9]])
    for anchors, shapes in ((many, 0), (flat, 2)):
        assigner = TargetAssigner(anchors, ThresholdMatcher(0.5))
        found = survey(IMAGES, assigner, size=(96, 128), tried=1)
        assert {own.kind for own in found.alternatives} == {"as it is", "threshold"}
        assert len(found.shapes) == shapes


def test_of_many_objects_some_are_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def shapes(_: object, objects: np.ndarray, *__: object) -> list[object]:
        seen.append(len(objects))
        return []

    monkeypatch.setattr(module, "_shapes", shapes)
    assigner = TargetAssigner.yolo3(**SIZE)
    resize = survey(IMAGES, "yolo3", size=(96, 128)).resize
    sides = np.full((module.FITTED_OBJECTS + 1, 2), 9.0)
    alternatives(assigner, sides, (), resize, few=2, seed=0, threads=1, telling=lambda *_: None)
    assert seen == [module.FITTED_OBJECTS // 2 + 1]


def test_without_scipy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.optimize"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"need SciPy .*pip install 'refkernels\[survey\]'"):
        survey(IMAGES, "yolo3", tried=1)
    assert survey(IMAGES, "yolo3", size=(96, 128)).alternatives == ()
    assert survey(IMAGES, "fcos", size=(96, 128), tried=1).alternatives == ()
