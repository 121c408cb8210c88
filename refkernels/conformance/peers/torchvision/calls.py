"""Calls of torchvision that no representation tells: methods of models, masks in place of marks.

Each has the name and parameters of an operator and does nothing but carry arrays to and fro.
"""

from collections import OrderedDict
from functools import cache
from typing import Any
from unittest import mock

import torch
from torchvision.models.detection import _utils as detection
from torchvision.models.detection import anchor_utils, fcos, retinanet, rpn, ssd

__all__ = [
    "anchor_grid",
    "balanced_sampler",
    "fcos_matches",
    "retinanet_matches",
    "rpn_matches",
    "ssd_matches",
]

__refkernels_framework__ = "torch"


def balanced_sampler(candidates: Any, num_sample: int, pos_ratio: float = 0.5) -> Any:
    """Call ``BalancedPositiveNegativeSampler``, which takes 1, 0 and -1, and gives masks."""
    marks = torch.where(candidates > 0.5, 1, torch.where(candidates < -0.5, 0, -1))
    sampler = detection.BalancedPositiveNegativeSampler(num_sample, pos_ratio)
    images = list(marks) if marks.ndim > 1 else [marks]
    if not images:
        return marks
    positive, negative = (torch.stack(masks).to(torch.int64) for masks in sampler(images))
    return (positive - negative).reshape(candidates.shape)


def anchor_grid(
    height: Any, width: Any, sizes: Any, ratios: Any, stride: Any, dtype: str = "float32"
) -> Any:
    """Call ``AnchorGenerator.grid_anchors`` for one feature map."""
    generator = anchor_utils.AnchorGenerator((tuple(sizes),), (tuple(ratios),))
    generator.set_cell_anchors(getattr(torch, dtype), torch.device("cpu"))
    pair = stride if isinstance(stride, (list, tuple)) else (stride, stride)
    steps = [torch.tensor(int(step)) for step in pair]
    (anchors,) = generator.grid_anchors([[int(height), int(width)]], [steps])
    return anchors


def rpn_matches(x: Any) -> Any:
    """Call ``RegionProposalNetwork.assign_targets_to_anchors`` on IoUs that are given."""
    network = rpn.RegionProposalNetwork(
        anchor_utils.AnchorGenerator(),
        torch.nn.Identity(),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={},
        post_nms_top_n={},
        nms_thresh=0.7,
    )
    network.box_similarity = lambda boxes, anchors: x.T
    boxes = torch.arange(4.0 * x.shape[1], dtype=torch.float64, device=x.device).reshape(-1, 4)
    anchors = torch.zeros(x.shape[0], 4, device=x.device)
    labels, matched = network.assign_targets_to_anchors([anchors], [{"boxes": boxes}])
    truths = (matched[0][:, 0] / 4).to(torch.int64)
    return torch.where(labels[0] > 0, truths, torch.where(labels[0] < 0, -2, -1))


def retinanet_matches(x: Any) -> Any:
    """Call ``RetinaNet.compute_loss`` on IoUs that are given, up to the matches."""
    model, count = _retinanet(), x.shape[0]
    with mock.patch.object(retinanet.box_ops, "box_iou", return_value=x.T):
        anchors = torch.zeros(count, 4, device=x.device)
        return _matches(model.compute_loss, [_truths(x)], {}, [anchors])


def ssd_matches(x: Any) -> Any:
    """Call ``SSD`` in training on IoUs that are given, up to the matches."""
    with mock.patch.object(ssd.box_ops, "box_iou", return_value=x.T):
        matches = _matches(_ssd(), [torch.zeros(3, 8, 8, device=x.device)], [_truths(x)])
    # Without objects it says the same of all anchors of its own.
    return matches if x.shape[1] else matches[:1].expand(x.shape[0])


def fcos_matches(points: Any, boxes: Any, strides: Any, ranges: Any, radius: float) -> Any:
    """Call ``FCOS.compute_loss`` on points that are all of one level, up to the matches."""
    model, half = _fcos(radius), strides[:, None] / 2
    anchors = torch.cat([points - half, points + half], -1)
    return _matches(model.compute_loss, [{"boxes": boxes}], {}, [anchors], [len(points)])


class _Matched(Exception):
    """Leaves a model with the matches of its first image."""


def _stop(*arguments: Any) -> None:
    raise _Matched(arguments[3][0])


def _matches(call: Any, *arguments: Any) -> Any:
    try:
        call(*arguments)
    except _Matched as stopped:
        return stopped.args[0]
    raise AssertionError("no matches were made")


def _truths(ious: Any) -> dict[str, Any]:
    """Return a box with extent for each column; where they are, nobody looks."""
    corners = torch.zeros(ious.shape[1], 2, device=ious.device)
    return {
        "boxes": torch.cat([corners, corners + 1], -1),
        "labels": torch.zeros(ious.shape[1], dtype=torch.int64, device=ious.device),
    }


class _Backbone(torch.nn.Module):
    """The least that models are built on: the image is the feature map."""

    out_channels = 4

    def forward(self, images: Any) -> Any:
        """Return the images as the only level."""
        return OrderedDict({"0": images})


@cache
def _retinanet() -> Any:
    generator = anchor_utils.AnchorGenerator(((8,),), ((1.0,),))
    model = retinanet.RetinaNet(_Backbone(), 2, anchor_generator=generator)
    model.head.compute_loss = _stop
    return model


@cache
def _ssd() -> Any:
    generator = anchor_utils.DefaultBoxGenerator([[2]])
    model = ssd.SSD(_Backbone(), generator, (8, 8), 2, head=torch.nn.Identity())
    model.compute_loss = _stop
    return model.train()


@cache
def _fcos(radius: float) -> Any:
    generator = anchor_utils.AnchorGenerator(((8,),), ((1.0,),))
    head = torch.nn.Identity()
    head.compute_loss = _stop
    return fcos.FCOS(
        _Backbone(), 2, anchor_generator=generator, head=head, center_sampling_radius=radius
    )
