"""Samplers of mmdet, which take what an assigner returns and give the places of two kinds."""

from types import SimpleNamespace
from typing import Any

import torch
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.task_modules import samplers
from mmdet.models.task_modules.assigners import AssignResult
from mmengine.structures import InstanceData

__all__ = ["ohem_sampler", "pseudo_sampler", "random_sampler"]

__refkernels_framework__ = "torch"


def random_sampler(candidates: Any, num: int, pos_fraction: float = 0.5) -> Any:
    """Call ``RandomSampler``."""
    sampler = samplers.RandomSampler(num, pos_fraction, add_gt_as_proposals=False)
    signs = torch.where(candidates > 0.5, 1, torch.where(candidates < -0.5, 0, -1))
    return _sampled(sampler, signs)


def pseudo_sampler(matches: Any) -> Any:
    """Call ``PseudoSampler``."""
    return _sampled(samplers.PseudoSampler(), matches.to(torch.int64))


def ohem_sampler(matches: Any, logits: Any, neg_pos_ub: float) -> Any:
    """Call ``OHEMSampler`` with the loss of mmdet's own head, of logits that are given.

    Its background is the last class, and all positives fit into as many samples as there are boxes.
    """
    count = len(matches)
    head = BBoxHead(num_classes=logits.shape[-1] - 1, with_reg=False)
    ordered = torch.cat([logits[:, 1:], logits[:, :1]], -1)

    def forward(features: Any, rois: Any) -> Any:
        """Return the logits of these boxes, whose coordinates say which they are."""
        return {"cls_score": ordered[rois[:, 1].to(torch.int64)]}

    context = SimpleNamespace(bbox_head=head, _bbox_forward=forward)
    sampler = samplers.OHEMSampler(
        count, 1.0, context, neg_pos_ub=neg_pos_ub, add_gt_as_proposals=False
    )
    # Each box says which it is.
    return _sampled(sampler, matches.to(torch.int64), torch.arange(count, dtype=torch.float64))


def _sampled(sampler: Any, signs: Any, places: Any = None) -> Any:
    """Return 1 where a box is a positive sample, -1 where it is a negative one, else 0."""
    count, truths = len(signs), max(int(signs.max()), 1) if len(signs) else 1
    priors = torch.zeros(count, 4) if places is None else places[:, None].repeat(1, 4)
    assigned = AssignResult(truths, signs, torch.zeros(count), torch.zeros(count, dtype=torch.long))
    result = sampler.sample(
        assigned,
        InstanceData(priors=priors),
        InstanceData(bboxes=torch.zeros(truths, 4), labels=torch.zeros(truths, dtype=torch.long)),
    )
    samples = torch.zeros(count, dtype=torch.int64)
    samples[result.pos_inds] += 1
    samples[result.neg_inds] -= 1
    return samples
