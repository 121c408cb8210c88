"""Where mmdet 3.3 differs, as ``refkernels check mmdet`` found."""

import numpy as np

from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.mmdet import conditions as when
from refkernels.conformance.peers.mmdet.overlap_divergences import OVERLAPS
from refkernels.conformance.peers.mmdet.value_divergences import VALUES

__all__ = ["DIVERGENCES"]

CALLS = "refkernels.conformance.peers.mmdet.calls"

MATCHERS = (
    Divergence(
        "MM-030",
        "ThresholdMatcher",
        "with a least IoU of 0, which is the default, a ground truth that overlaps nothing takes "
        "all anchors that do not overlap it, or with gt_max_assign_all=False the first of all, "
        "even from a ground truth that they match",
        when.nothing_is_the_best,
        witness({"high": 0.5, "low": 0.25, "low_quality": "truth"}, x=[[0.75, 0.0], [0.0, 0.0]]),
        authority="SPEC; its docstring assigns the nearest, and is silent on an IoU of 0",
    ),
    Divergence(
        "MM-040",
        "ThresholdMatcher",
        "without ground truths an anchor is no match, also where an IoU of 0 is not below "
        "neg_iou_thr",
        when.nothing_is_neither,
        witness({"high": 0.5, "low": 0.0}, x=np.zeros((1, 0))),
    ),
    Divergence(
        "MM-031",
        "ATSSMatcher",
        "of several anchors that are as far as the last candidate, any is a candidate",
        when.ties_in_distances,
        witness(
            {"topk": 1},
            ious=[[0.0], [0.0], [0.0], [0.0]],
            distances=[[0.0], [0.0], [0.0], [0.0]],
            inside=np.ones((4, 1), bool),
            levels=np.array([4]),
        ),
    ),
    Divergence(
        "MM-032",
        "ATSSMatcher",
        "of a single candidate the deviation is nan, and so its ground truth matches nothing",
        when.has_no_deviation,
        witness(
            {"topk": 1},
            ious=[[0.75]],
            distances=[[0.0]],
            inside=np.ones((1, 1), bool),
            levels=np.array([1]),
        ),
        authority="its docstring: candidates whose IoU is greater than or equal to mean + std",
    ),
    Divergence(
        "MM-033",
        "ATSSMatcher",
        "in float16 it raises, for what stands for infinity is no float16; in bfloat16 the "
        "threshold is rounded to that",
        when.is_half,
        witness(
            ious=[[0.0], [0.0]],
            distances=[[0.0], [1.0]],
            inside=np.ones((2, 1), bool),
            levels=np.array([2]),
        ),
        "float16",
    ),
    *(
        Divergence(
            id,
            "SimOTAMatcher",
            "of several anchors that cost as much as the last that is selected, any is selected",
            when.ties_in_costs,
            witness(cost=[[0.0]] * 4, ious=[[0.0]] * 4),
            place=f"{CALLS}.matchers:{name}",
        )
        for id, name in (("MM-034", "dynamic_k_matches"), ("MM-035", "soft_label_matches"))
    ),
    Divergence(
        "MM-036",
        "TaskAlignedMatcher",
        "of several anchors whose metric is that of the last of the topk, any is one of them",
        when.ties_in_metrics,
        witness(
            {"topk": 1},
            metric=[[0.5]] * 4,
            ious=[[0.0]] * 4,
            inside=np.ones((4, 1), bool),
        ),
    ),
    Divergence(
        "MM-037",
        "TaskAlignedMatcher",
        "in float16 it raises, for what stands for infinity is no float16",
        when.is_float16,
        witness(metric=[[0.5]] * 2, ious=[[0.5]] * 2, inside=np.ones((2, 1), bool)),
        "float16",
    ),
    Divergence(
        "MM-038",
        "PointMatcher",
        "a box of an area of 1e8 or more, such as 10,000 by 10,000, matches no point",
        when.has_infinite_area,
        witness(
            points=[[5000, 5000]],
            boxes=[[0, 0, 10000, 10000]],
            strides=[128],
            ranges=[[512, np.inf]],
        ),
        authority="its own default for the range of the last level, which is up to 1e8",
    ),
    Divergence(
        "MM-039",
        "PointMatcher",
        "in half precision distances, areas and centres are rounded",
        when.is_half,
        witness(
            {"radius": 3.9},
            points=[[0.4296875, 0.7998046875]],
            boxes=[[0.375, 0.5, 0.59375, 1.0]],
            strides=[0.0140228271484375],
            ranges=[[0.0, 1.0]],
        ),
        "float16",
    ),
)

SAMPLERS = (
    Divergence(
        "MM-045",
        "BalancedSampler",
        "the number of positives is cut from a product that rounding leaves below a whole number: "
        "of 100 at 0.29 there are 28",
        when.quota_is_cut,
        witness({"num_sample": 100, "pos_ratio": 0.29}, candidates=[1] * 29),
        authority="its docstring: the fraction of positive samples",
    ),
    Divergence(
        "MM-046",
        "OHEMSampler",
        "of several negatives of equal loss, any are kept",
        when.ties_in_losses,
        witness(matches=[-1.0] * 8, logits=[[0.0, 0.0]] * 8, ious=[[0.0]] * 8),
    ),
    Divergence(
        "MM-047",
        "OHEMSampler",
        "in half precision losses are rounded to that before the highest are taken",
        when.is_half,
        witness(
            matches=[-1.0] * 8,
            logits=[[-2048, n / 8] for n in range(8)],
            ious=[[0.0]] * 8,
        ),
        "float16",
    ),
)

DIVERGENCES = (*OVERLAPS, *MATCHERS, *SAMPLERS, *VALUES)
