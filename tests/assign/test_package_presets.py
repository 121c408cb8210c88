"""Presets that are named after a package's model give what that model gives."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from refkernels.assign import TargetAssigner, package_anchors, read_coco
from refkernels.assign.unguarded import UnguardedMatcher
from refkernels.matcher import ThresholdMatcher
from tests.assign.against_packages import PRESETS, compare, resized

SIZED = [name for name in PRESETS if "ssd" not in name]

each_preset = pytest.mark.parametrize("preset", PRESETS)


@pytest.fixture
def package(preset: str) -> str:
    name = preset.partition("_")[0]
    for needed in (name, "torch"):
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    return name


@each_preset
@pytest.mark.usefixtures("package")
@pytest.mark.filterwarnings("ignore")
def test_matches_and_targets_are_the_packages_on_real_boxes(preset: str, shared_data: Path) -> None:
    images = list(read_coco(shared_data / "instances_val2014_100.json"))[:12]
    assert not any(compare(preset, resized(preset, images)))


@each_preset
@pytest.mark.usefixtures("package")
@pytest.mark.filterwarnings("ignore")
def test_a_box_that_overlaps_nothing_is_the_only_difference(preset: str) -> None:
    boxes = np.array([[8, 8, 90, 120], [-9000, 0, -8990, 7], [30, 40, 200, 260]], np.float32)
    assert compare(preset, [boxes], unguarded=True) == [""]
    floods = preset != "mmdet_rpn"  # which asks for a quality of 0.3
    assert (compare(preset, [boxes]) != [""]) == floods
    assert compare(preset, [boxes[[0, 2]]]) == [""]


@pytest.mark.parametrize("size", [(800, 1344), (512, 512), (672, 1216)])
@pytest.mark.parametrize("preset", SIZED)
@pytest.mark.usefixtures("package")
@pytest.mark.filterwarnings("ignore")
def test_anchors_have_the_bits_of_the_packages(
    preset: str, package: str, size: tuple[int, int]
) -> None:
    import torch

    ours = getattr(package_anchors, f"{preset}_anchors")(*size)
    strides = (4, 8, 16, 32, 64) if preset.endswith("rpn") else (8, 16, 32, 64, 128)
    maps = [(-(-size[0] // stride), -(-size[1] // stride)) for stride in strides]
    if package == "torchvision":
        from torchvision.models.detection import faster_rcnn, image_list, retinanet

        module: Any = faster_rcnn if preset.endswith("rpn") else retinanet
        images = image_list.ImageList(torch.zeros(1, 3, *size), [size])
        (theirs,) = module._default_anchorgen()(images, [torch.zeros(1, 1, *m) for m in maps])
    else:
        from mmdet.models.task_modules.prior_generators import AnchorGenerator

        scales: dict[str, Any] = {"scales": [8]}
        if preset.endswith("retinanet"):
            scales = {"octave_base_scale": 4, "scales_per_octave": 3}
        generator = AnchorGenerator(strides=strides, ratios=[0.5, 1.0, 2.0], **scales)
        theirs = torch.cat(generator.grid_priors(maps, device="cpu"))
    np.testing.assert_array_equal(ours, theirs.numpy())


@pytest.mark.parametrize("name", ["torchvision_ssd300", "torchvision_ssdlite320", "mmdet_ssd300"])
@pytest.mark.filterwarnings("ignore")
def test_default_boxes_have_the_bits_of_the_packages(name: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip(name.partition("_")[0])
    side, counts = (300, (38, 19, 10, 5, 3, 1)) if "300" in name else (320, (20, 10, 5, 3, 2, 1))
    aspects = [[2], [2, 3], [2, 3], [2, 3], [2], [2]]
    if name.startswith("mmdet"):
        from mmdet.models.task_modules.prior_generators import SSDAnchorGenerator

        generator = SSDAnchorGenerator(
            scale_major=False,
            input_size=300,
            basesize_ratio_range=(0.15, 0.9),
            strides=[8, 16, 32, 64, 100, 300],
            ratios=aspects,
        )
        theirs = torch.cat(generator.grid_priors([(n, n) for n in counts], device="cpu"))
    else:
        from torchvision.models.detection import anchor_utils, image_list

        if side == 300:
            scales = [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]
            boxes = anchor_utils.DefaultBoxGenerator(
                aspects, scales=scales, steps=[8, 16, 32, 64, 100, 300]
            )
        else:
            boxes = anchor_utils.DefaultBoxGenerator([[2, 3]] * 6, min_ratio=0.2, max_ratio=0.95)
        images = image_list.ImageList(torch.zeros(1, 3, side, side), [(side, side)])
        (theirs,) = boxes(images, [torch.zeros(1, 1, n, n) for n in counts])
    ours = getattr(package_anchors, f"{name}_anchors")()
    np.testing.assert_array_equal(ours, theirs.numpy())


@pytest.mark.parametrize("name", ["retinanet", "rpn"])
def test_detectron2_differs_from_torchvision_in_anchors_alone(name: str) -> None:
    theirs, other = (
        getattr(TargetAssigner, f"{package}_{name}")(256, 256)
        for package in ("detectron2", "torchvision")
    )
    assert theirs.operators == other.operators
    assert len(theirs) == len(other)
    assert not np.array_equal(theirs.anchors, other.anchors)


levels = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4),
    elements=st.sampled_from([0.0, 0.25, 0.5, 0.75]),
)
unguarded = st.builds(
    UnguardedMatcher,
    high=st.sampled_from([0.5, 0.75]),
    low=st.sampled_from([None, 0.25]),
    low_quality=st.sampled_from([None, "own", "truth"]),
    min_quality=st.sampled_from([0.0, 0.25]),
    ties=st.booleans(),
    winner=st.sampled_from(["last", "first"]),
)


@given(levels, unguarded)
def test_the_guard_matters_only_to_a_ground_truth_that_overlaps_nothing(
    x: Any, matcher: UnguardedMatcher
) -> None:
    guarded = ThresholdMatcher(
        matcher.high,
        matcher.low,
        matcher.low_quality,
        matcher.min_quality,
        matcher.ties,
        matcher.winner,
    )
    bare = x.size and (x.max(-2) == 0).any()
    if not (bare and matcher.low_quality and matcher.min_quality == 0):
        np.testing.assert_array_equal(matcher(x), guarded(x))
