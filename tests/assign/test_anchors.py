"""Anchors are laid out as published."""

import sys
from typing import Any

import numpy as np
import pytest

from refkernels.assign.anchors import (
    faster_rcnn_anchors,
    retinanet_anchors,
    rpn_fpn_anchors,
    ssd300_anchors,
    ssd512_anchors,
    yolo3_anchors,
)


def test_ssd300_has_the_default_boxes_of_its_paper() -> None:
    # Liu et al. 2016, section 3.1: 38*38*4 + 19*19*6 + 10*10*6 + 5*5*6 + 3*3*4 + 1*1*4 boxes.
    anchors = ssd300_anchors()
    assert anchors.shape == (8732, 4)
    assert anchors.dtype == np.float64
    # conv4_3: stride 8, size 30, next size 60, aspect ratio 2; the first cell's centre is (4, 4).
    root = np.sqrt(2)
    big = np.sqrt(30 * 60)
    halves = [(30, 30), (big, big), (30 * root, 30 / root), (30 / root, 30 * root)]
    half = np.array(halves) / 2
    np.testing.assert_allclose(anchors[:4], np.concatenate([4 - half, 4 + half], axis=1))
    np.testing.assert_allclose(anchors[4:8] - anchors[:4], [[8, 0, 8, 0]] * 4, atol=1e-12)
    np.testing.assert_allclose(anchors[38 * 4 :][:4] - anchors[:4], [[0, 8, 0, 8]] * 4, atol=1e-12)
    # The last map is one cell whose centre is the image's.
    np.testing.assert_allclose(anchors[-4:, :2] + anchors[-4:, 2:], np.full((4, 2), 300.0))
    np.testing.assert_allclose(anchors[-4], [150 - 132, 150 - 132, 150 + 132, 150 + 132])


def test_ssd300_for_coco_starts_smaller() -> None:
    np.testing.assert_array_equal(ssd300_anchors("coco")[0], [4 - 10.5, 4 - 10.5, 14.5, 14.5])


def test_ssd512_has_the_default_boxes_of_its_paper() -> None:
    # Liu et al. 2016, table 6 (24,564 boxes); sizes of the authors' code: 7 % and 15 % of 512 for
    # VOC, 4 % and 10 % for COCO.
    anchors = ssd512_anchors()
    assert anchors.shape == (24564, 4)
    np.testing.assert_allclose(anchors[0], [4 - 17.92, 4 - 17.92, 4 + 17.92, 4 + 17.92])
    np.testing.assert_allclose(anchors[64 * 64 * 4], [8 - 38.4, 8 - 38.4, 8 + 38.4, 8 + 38.4])
    np.testing.assert_allclose(ssd512_anchors("coco")[0, 2] - 4, 10.24)
    np.testing.assert_allclose(anchors[-3, 2] - 256, (460.8 * 537.6) ** 0.5 / 2)


def test_a_region_proposal_network_on_a_pyramid_has_261888_anchors_for_1024_pixels() -> None:
    # Lin et al. 2017, section 4.1: areas of 32**2 to 512**2 on P2 to P6, ratios 1:2, 1:1, 2:1.
    anchors = rpn_fpn_anchors()
    assert len(anchors) == 3 * (256**2 + 128**2 + 64**2 + 32**2 + 16**2) == 261888
    sides = anchors[:, 2:] - anchors[:, :2]
    areas, counts = np.unique((sides[:, 0] * sides[:, 1]).round(6), return_counts=True)
    np.testing.assert_allclose(areas, [32**2, 64**2, 128**2, 256**2, 512**2])
    np.testing.assert_array_equal(counts, [3 * (256 >> level) ** 2 for level in range(5)])
    # Detectron2's DefaultAnchorGenerator documents these for size 32 and ratios 0.5, 1, 2.
    expected = [
        [-22.627417, -11.313708, 22.627417, 11.313708],
        [-16, -16, 16, 16],
        [-11.313708, -22.627417, 11.313708, 22.627417],
    ]
    np.testing.assert_allclose(anchors[:3], expected, atol=1e-6)
    np.testing.assert_allclose(anchors[3:6] - anchors[:3], [[4, 0, 4, 0]] * 3, atol=1e-12)


def test_retinanet_has_nine_anchors_a_cell() -> None:
    # Lin et al. 2017, section 4: areas of 32**2 to 512**2 on P3 to P7, three sizes an octave.
    anchors = retinanet_anchors(512, 512)
    assert len(anchors) == 9 * (64**2 + 32**2 + 16**2 + 8**2 + 4**2)
    sides = anchors[:9, 2:] - anchors[:9, :2]
    sizes = 32 * 2 ** (np.arange(3) / 3)
    np.testing.assert_allclose(np.sqrt(sides.prod(axis=1)), np.tile(sizes, 3))
    np.testing.assert_allclose(sides[:, 1] / sides[:, 0], np.repeat([0.5, 1, 2], 3))


def test_rounded_retinanet_anchors_are_whole() -> None:
    # Of the first scale's sizes, 32, 40.3 and 50.8, the fractions are dropped first.
    exact, whole = retinanet_anchors(64, 64), retinanet_anchors(64, 64, rounded=True)
    np.testing.assert_array_equal(whole, np.rint(whole))
    np.testing.assert_allclose(whole, exact, atol=1.5)


def test_faster_rcnn_has_the_anchors_that_its_authors_print() -> None:
    # The table in the authors' generate_anchors.py, in Python's pixel numbers: first and last pixel
    # of each box.
    published = [
        [-84, -40, 99, 55],
        [-176, -88, 191, 103],
        [-360, -184, 375, 199],
        [-56, -56, 71, 71],
        [-120, -120, 135, 135],
        [-248, -248, 263, 263],
        [-36, -80, 51, 95],
        [-80, -168, 95, 183],
        [-168, -344, 183, 359],
    ]
    anchors = faster_rcnn_anchors()
    np.testing.assert_array_equal(anchors[:9] - [0, 0, 1, 1], published)
    # Ren et al. 2015, section 3.3: "for a typical 1000 x 600 image, there will be roughly 20000
    # (60 x 40 x 9) anchors".
    assert len(anchors) == 63 * 38 * 9
    np.testing.assert_array_equal(anchors[63 * 9] - anchors[0], [0, 16, 0, 16])


def test_yolo3_has_10647_priors_for_416_pixels() -> None:
    # Redmon and Farhadi 2018, section 2.3, lists the nine shapes.
    anchors = yolo3_anchors()
    assert len(anchors) == 3 * (52**2 + 26**2 + 13**2) == 10647
    shapes, first = np.unique(anchors[:, 2:] - anchors[:, :2], axis=0, return_index=True)
    published = ["10x13", "16x30", "33x23", "30x61", "62x45"]
    published += ["59x119", "116x90", "156x198", "373x326"]
    order = np.argsort(first)
    assert [f"{width:g}x{height:g}" for width, height in shapes[order]] == published
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    np.testing.assert_array_equal(centres[0], [4, 4])
    np.testing.assert_array_equal(centres[-1], [400, 400])


@pytest.mark.parametrize("dataset", ["voc", "coco"])
def test_ssd300_is_what_gluoncv_generates(gluoncv_anchors: Any, dataset: str) -> None:
    sizes = {"voc": [30, 60, 111, 162, 213, 264, 315], "coco": [21, 45, 99, 153, 207, 261, 315]}
    ratios = [[1, 2, 0.5]] + [[1, 2, 0.5, 3, 1 / 3]] * 3 + [[1, 2, 0.5]] * 2
    levels = [
        gluoncv_anchors(sizes[dataset][k : k + 2], ratios[k], step, (count, count))
        for k, (count, step) in enumerate(
            zip((38, 19, 10, 5, 3, 1), (8, 16, 32, 64, 100, 300), strict=True)
        )
    ]
    centre = np.concatenate(levels)
    corner = np.concatenate(
        [centre[:, :2] - centre[:, 2:] / 2, centre[:, :2] + centre[:, 2:] / 2], axis=1
    )
    np.testing.assert_allclose(ssd300_anchors(dataset), corner, atol=1e-4)


@pytest.fixture
def gluoncv_anchors(mx: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    if "gluoncv" not in sys.modules:
        monkeypatch.setitem(sys.modules, "torch", None)  # it rejects any torch of today
    anchor = pytest.importorskip("gluoncv.model_zoo.ssd.anchor", exc_type=ImportError)

    def generate(sizes: Any, ratios: Any, step: float, shape: tuple[int, int]) -> Any:
        generator = anchor.SSDAnchorGenerator(0, (300, 300), sizes, ratios, step, shape)
        return generator.anchors.value.asnumpy().reshape(-1, 4)

    return generate


def test_ssd300_for_coco_is_what_torchvision_generates() -> None:
    torch = pytest.importorskip("torch")
    utils = pytest.importorskip("torchvision.models.detection.anchor_utils")
    generator = utils.DefaultBoxGenerator(
        [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
        scales=[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
        steps=[8, 16, 32, 64, 100, 300],
        clip=False,  # torchvision clips sides to the image; the authors' code does not
    )
    maps = [torch.zeros(1, 1, count, count) for count in (38, 19, 10, 5, 3, 1)]
    [theirs] = generator(image_list(torch, 300, 300), maps)
    np.testing.assert_allclose(ssd300_anchors("coco"), theirs.numpy(), atol=1e-3)


def test_rounded_pyramid_anchors_are_bit_for_bit_torchvisions() -> None:
    torch = pytest.importorskip("torch")
    utils = pytest.importorskip("torchvision.models.detection.anchor_utils")
    from torchvision.models.detection.retinanet import _default_anchorgen

    height, width = 256, 384
    cases = [
        (
            rpn_fpn_anchors,
            utils.AnchorGenerator(((32,), (64,), (128,), (256,), (512,)), ((0.5, 1.0, 2.0),) * 5),
            (4, 8, 16, 32, 64),
        ),
        (retinanet_anchors, _default_anchorgen(), (8, 16, 32, 64, 128)),
    ]
    for generate, generator, strides in cases:
        maps = [torch.zeros(1, 1, height // stride, width // stride) for stride in strides]
        [theirs] = generator(image_list(torch, height, width), maps)
        np.testing.assert_array_equal(generate(height, width, rounded=True), theirs.numpy())


def image_list(torch: Any, height: int, width: int) -> Any:
    from torchvision.models.detection.image_list import ImageList

    return ImageList(torch.zeros(1, 3, height, width), [(height, width)])


def test_an_unknown_data_set_is_an_error() -> None:
    with pytest.raises(ValueError, match="dataset: expected 'voc' or 'coco', got 'kitti'"):
        ssd300_anchors("kitti")


def test_an_image_of_no_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="height: expected an integer of at least 1, got 0"):
        yolo3_anchors(0, 416)
