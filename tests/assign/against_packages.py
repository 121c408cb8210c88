"""Hold presets to the packages whose names they have, image by image.

The command is ``python -m tests.assign.against_packages ANNOTATIONS``, for a COCO file; without one
boxes are generated. It prints a table of how many images are equal: matches, class targets, and box
targets within the bound.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.assign import TargetAssigner, read_coco, sample_images
from refkernels.assign.network import network_of
from refkernels.bounds.coder import box_center_encoder
from refkernels.sampler import NaiveSampler

__all__ = ["PRESETS", "Outcome", "compare", "resized"]

# torchvision's and mmdetection's marks of what is neither and of what is not matched.
TORCHVISION, MMDET = (-2, -1), (-1, 0)


class Outcome(NamedTuple):
    """What a package makes of an image: for each anchor the truth, -1 or -2, and box targets."""

    anchors: Array
    matches: Array
    box_targets: Callable[[Array], Array]


def _torchvision(model: Any, anchors: Array, boxes: Array) -> Outcome:
    import torch
    from torchvision.ops import box_iou

    given, own = torch.from_numpy(boxes), torch.from_numpy(anchors)
    matches = model.proposal_matcher(box_iou(given, own)).numpy()

    def encode(rows: Array) -> Array:
        """Return the box targets of positive anchors."""
        picked = own[torch.from_numpy(rows)]
        encoded = model.box_coder.encode_single(given[torch.from_numpy(matches[rows])], picked)
        return encoded.numpy()

    return Outcome(anchors, matches, encode)


def _mmdet(assigner: Any, stds: Iterable[float], anchors: Array, boxes: Array) -> Outcome:
    import torch
    from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
    from mmengine.structures import InstanceData

    given, own = torch.from_numpy(boxes), torch.from_numpy(anchors)
    labels = torch.zeros(len(boxes), dtype=torch.int64)
    truth = InstanceData(bboxes=given, labels=labels)
    found = assigner.assign(InstanceData(priors=own), truth).gt_inds.numpy()
    matches = np.where(found > 0, found - 1, np.where(found == 0, -1, -2))
    coder = DeltaXYWHBBoxCoder(target_stds=tuple(stds))

    def encode(rows: Array) -> Array:
        """Return the box targets of positive anchors."""
        picked = own[torch.from_numpy(rows)]
        return coder.encode(picked, given[torch.from_numpy(matches[rows])]).numpy()

    return Outcome(anchors, matches, encode)


def _torchvision_model(name: str) -> Any:
    import torch

    with torch.device("meta"):  # weights are not looked at, and take a minute to draw
        return _with_weights(name)


def _with_weights(name: str) -> Any:
    from torchvision.models import detection

    if name == "torchvision_rpn":
        whole = detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None).rpn
        return SimpleNamespace(proposal_matcher=whole.proposal_matcher, box_coder=whole.box_coder)
    built = {
        "torchvision_ssd300": detection.ssd300_vgg16,
        "torchvision_ssdlite320": detection.ssdlite320_mobilenet_v3_large,
        "torchvision_retinanet": detection.retinanet_resnet50_fpn,
    }[name]
    return built(weights=None, weights_backbone=None)


def _mmdet_assigner(name: str) -> tuple[Any, tuple[float, ...]]:
    from mmdet.models.task_modules.assigners import MaxIoUAssigner

    unscaled, ssd = (1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.2, 0.2)
    if name == "mmdet_rpn":
        return MaxIoUAssigner(0.7, 0.3, min_pos_iou=0.3, match_low_quality=True), unscaled
    if name == "mmdet_retinanet":
        return MaxIoUAssigner(0.5, 0.4, min_pos_iou=0), unscaled
    return MaxIoUAssigner(0.5, 0.5, min_pos_iou=0.0, gt_max_assign_all=False), ssd


def _package(name: str) -> Callable[[Array, Array], Outcome]:
    """Return what the package of a preset makes of anchors and boxes."""
    if name.startswith("torchvision"):
        model = _torchvision_model(name)
        return lambda anchors, boxes: _torchvision(model, anchors, boxes)
    assigner, stds = _mmdet_assigner(name)
    return lambda anchors, boxes: _mmdet(assigner, stds, anchors, boxes)


PRESETS = (
    "torchvision_ssd300",
    "torchvision_ssdlite320",
    "torchvision_retinanet",
    "torchvision_rpn",
    "mmdet_ssd300",
    "mmdet_retinanet",
    "mmdet_rpn",
)


def resized(preset: str, annotations: Iterable[Any]) -> list[Array]:
    """Return the boxes of images, those with an extent, as the preset's network sees them."""
    resize = network_of(preset)[1]
    found = []
    for image in annotations:
        sx, sy = resize.scale(image)
        boxes = (image.boxes[~image.iscrowd.astype(bool)] * [sx, sy, sx, sy]).astype(np.float32)
        found.append(boxes[(boxes[:, 2:] > boxes[:, :2]).all(1)])
    return found


def compare(preset: str, images: Iterable[Array], *, unguarded: bool = False) -> list[str]:
    """Return for each image "" if all is equal, or the first thing that differs."""
    make = getattr(TargetAssigner, preset)
    ours = make(unguarded=unguarded, sampler=NaiveSampler())
    theirs = _package(preset)
    return [_difference(ours, theirs, boxes) for boxes in images]


def _difference(
    ours: TargetAssigner, theirs: Callable[[Array, Array], Outcome], boxes: Array
) -> str:
    targets = ours(boxes, np.arange(len(boxes)))
    if not len(boxes):  # which models answer before they match
        return "" if (targets.matches == -1).all() else "matches without a ground truth"
    found = theirs(np.array(ours.anchors), boxes)
    wrong = np.flatnonzero(targets.matches != found.matches)
    if len(wrong):
        own, other = targets.matches[wrong[0]], found.matches[wrong[0]]
        return f"{len(wrong)} matches: anchor {wrong[0]} has {own} here and {other} there"
    rows = np.flatnonzero(found.matches >= 0)
    encoder = ours.operators.box_encoder
    bound = box_center_encoder(
        np.ones(len(rows), np.int64),
        found.matches[rows],
        found.anchors[rows],
        boxes,
        stds=encoder.stds,
        means=encoder.means,
    )
    # Each of the two may be off by the bound.
    off = np.abs(targets.box_targets[rows] - found.box_targets(rows)) > 2 * bound
    return f"{off.any(1).sum()} box targets" if off.any() else ""


def main(arguments: list[str]) -> None:
    """Print the table."""
    annotations = read_coco(Path(arguments[0])) if arguments else sample_images(100)
    images = list(annotations)
    print("| preset | images | equal | equal unguarded | first difference |\n|---|---|---|---|---|")
    for preset in PRESETS:
        boxes = resized(preset, images)
        guarded, bare = (compare(preset, boxes, unguarded=own) for own in (False, True))
        first = next((said for said in (*bare, *guarded) if said), "")
        print(
            f"| {preset} | {len(boxes)} | {guarded.count('')} | {bare.count('')} | {first} |",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
