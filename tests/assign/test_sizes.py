"""Inputs that are as large as images, and images in the middle of one."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from refkernels.assign import (
    AnnotationSet,
    AssignersBySize,
    ImageAnnotations,
    Resize,
    TargetAssigner,
    assign_dataset,
    open_targets,
    sample_images,
)
from refkernels.assign.network import detector_of, network_of
from refkernels.assign.pictures import plot_images

pytestmark = pytest.mark.once  # of files


def mixed() -> AnnotationSet:
    """Generated images, some of which stand upright or are small."""
    sides = [(640, 480), (480, 640), (500, 333), (640, 480), (100, 600)]
    images = []
    for k, image in enumerate(sample_images(10, seed=4)):
        width, height = sides[k % 5]
        scale = np.tile([width / image.width, height / image.height], 2)
        own = image.boxes * scale, image.labels, image.iscrowd
        images.append(ImageAnnotations(image.image_id, width, height, *own))
    return AnnotationSet("mixed", tuple(images), sample_images(1).categories)


def test_assigners_are_made_once_for_each_size_and_the_last_are_kept() -> None:
    assigners = AssignersBySize("torchvision_retinanet", kept=2, unguarded=True)
    first = assigners(128, 160)
    assert first.name == "torchvision_retinanet unguarded"
    own = TargetAssigner.torchvision_retinanet(128, 160)
    np.testing.assert_array_equal(first.anchors, own.anchors)
    assert assigners(128, 160) is first
    second = assigners(64, 64)
    assigners(128, 160)
    assigners(96, 64)  # one too many: the one that was asked for longest ago goes
    assert assigners(128, 160) is first
    assert assigners(64, 64) is not second
    again = pickle.loads(pickle.dumps(assigners))
    assert repr(again).endswith("none made yet>")
    np.testing.assert_array_equal(again(64, 64).anchors, second.anchors)
    assert "64 x 64" in repr(again)


def test_assigners_by_size_refuse_what_has_one_size() -> None:
    with pytest.raises(ValueError, match=r"detector: expected .*'atss'.*got 'ssd300'"):
        AssignersBySize("ssd300")
    with pytest.raises(TypeError, match="detector: expected a preset's name or a callable, got 3"):
        AssignersBySize(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="detector: expected a TargetAssigner of it, got 32"):
        AssignersBySize(lambda height, width: height)(32, 32)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match=r"size\[0\]"):
        AssignersBySize("atss")(0, 32)


@pytest.mark.parametrize("suffix", ["", ".npz"])
def test_a_data_set_of_inputs_as_large_as_images_is_that_of_each_by_itself(
    tmp_path: Path, suffix: str
) -> None:
    images, size = mixed(), (96, 160)
    path = tmp_path / f"out{suffix}"
    assign_dataset(
        images, path, "torchvision_rpn", size=size, resize="shorter", seed=1, part_size=7
    )
    targets = open_targets(path)
    resize = Resize(*size, "shorter", cut=True)
    sizes = {resize.input_of(image) for image in images}
    assert len(sizes) > 3
    for position, (image, found) in enumerate(zip(images, targets, strict=True)):
        height, width = resize.input_of(image)
        assigner = TargetAssigner.torchvision_rpn(height, width)
        own, boxes = ~image.iscrowd, resize.boxes(image).astype(np.float32)
        wanted = assigner(
            boxes[own], image.labels[own], boxes[~own], rng=1, image_ids=image.image_id
        )
        assert (found.size, found.shift) == ((height, width), (0, 0))
        np.testing.assert_array_equal(targets.anchors_of(position), assigner.anchors)
        assert targets.anchors_of(position) is targets.anchors_of(position)
        np.testing.assert_array_equal(targets.batch([position]).cls_targets[0], wanted.cls_targets)
        positive = np.flatnonzero(wanted.samples > 0)
        np.testing.assert_array_equal(found.targets.positives, positive)
        np.testing.assert_array_equal(found.targets.box_targets, wanted.box_targets[positive])
    with pytest.raises(ValueError, match=r"inputs of their own sizes: anchors_of\(position\)"):
        _ = targets.anchors
    with pytest.raises(ValueError, match=r"positions: image 0 has an input of 96 x 128 pixels and"):
        targets.batch([0, 1])
    assert targets.batch([0, 3]).samples.shape == (2, len(targets.anchors_of(0)))
    assert targets.batch([]).samples.shape[0] == 0
    assert len(pickle.loads(pickle.dumps(targets)).anchors_of(1)) == len(targets.anchors_of(1))


def test_targets_in_a_letterbox_say_where_the_image_begins(tmp_path: Path) -> None:
    images = mixed()
    assign_dataset(images, tmp_path / "out.npz", "yolo3", size=(160, 160), resize="letterbox")
    targets, resize = open_targets(tmp_path / "out.npz"), Resize(160, 160, "letterbox")
    for image, found in zip(images, targets, strict=True):
        assert found.shift == resize.shift(image)
        wanted = resize.boxes(image)[~image.iscrowd].astype(np.float32)
        np.testing.assert_array_equal(found.boxes, wanted)
    assert targets[0].shift == (0, 20)
    assert targets.anchors is targets.anchors_of(1)


def test_pictures_are_of_the_input_that_an_image_has(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    detector = detector_of("atss", None, (96, 160), "shorter")
    assert detector.by_size is not None
    images = mixed()[:2]
    assert len(plot_images(detector.by_size, images, detector.resize, tmp_path)) == 2
    assert detector.of(images[0]) is detector.by_size(96, 128)


def test_a_detector_says_what_does_not_go_together() -> None:
    assigner = TargetAssigner([[0, 0, 8, 8]])
    for wrong, kind, message in (
        (("ssd300", None, None, "shorter"), ValueError, "resize: ssd300 is for 300 x 300 pixels"),
        ((assigner, None, None, None), ValueError, "size: expected the height and the width"),
        ((assigner, {"dtype": "float64"}, (8, 8), None), ValueError, "options: are those of a"),
        ((assigner, None, (8, 8), "shorter"), ValueError, "resize: 'shorter' needs anchors for"),
        ((3, None, None, None), TypeError, "preset: expected a name, a description, or a Target"),
    ):
        with pytest.raises(kind, match=message):
            detector_of(*wrong)  # type: ignore[arg-type]
    assert network_of("torchvision_rpn", None, "shorter")[1] == Resize(800, 1333, "shorter", True)
    assert network_of("mmdet_rpn", None, "shorter")[1] == Resize(800, 1333, "shorter")
    assert detector_of(assigner, None, (8, 9)).resize == Resize(8, 9, "fit")
