"""The scopes of operators that decide (SPEC section 7): all small inputs over a few levels.

Inputs come many at a time, so that kernels and targets that take batches are quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases.space import Size, Space, grid
from refkernels.conformance.model.case import Recipe
from refkernels.conformance.model.parameters import Parameters
from refkernels.conformance.model.scope import Scope

__all__ = ["SCOPES", "scopes_of"]

LEVELS = np.array([0.0, 0.25, 0.5, 0.75])
COSTS = np.array([0.0, 1.0, 2.0, 3.0])
SIGNS = np.array([-1.0, 0.0, 1.0])
BOTH = np.array([False, True])

# On the levels and between them.
THRESHOLDS = (0.5, 0.25, 0.75, 0.375, 0.125, 0.625)

# All boxes of an extent with whole corners from 0 to 2, whose IoUs are 0, 1/4, 1/3, 1/2 and 1 and
# others, and all points there.
CORNERS = np.array(list(product(range(3), repeat=4)), np.float64)
BOXES = CORNERS[(CORNERS[:, 2:] > CORNERS[:, :2]).all(1)]
POINTS = np.array(list(product(range(3), repeat=2)), np.float64)

IOUS = {"x": (LEVELS, "NM")}
LENGTHS = tuple((n,) for n in range(1, 6))


def _levels(size: Size) -> Iterator[Mapping[str, Array]]:
    """Yield every way to have anchors on levels, none of them empty."""
    for ends in product((False, True), repeat=size[0] - 1):
        cuts = [0, *(i + 1 for i, is_end in enumerate(ends) if is_end), size[0]]
        yield {"levels": np.diff(cuts)}


def _points(size: Size) -> Iterator[Mapping[str, Array]]:
    """Yield all points of the grid, for boxes of every size and for those of one size."""
    count = len(POINTS)
    for low, high in ((0.0, np.inf), (1.0, 2.0), (0.0, 1.0)):
        ranges = np.tile([low, high], (count, 1))
        yield {"points": POINTS, "strides": np.ones(count), "ranges": ranges}


SCOPES: dict[str, Space] = {
    "MaximumMatcher": Space(grid(threshold=THRESHOLDS), IOUS),
    "BipartiteMatcher": Space(
        [
            *grid(share_max=(True, False), threshold=(1e-12, 0.25, 0.375), eps=(1e-12, 0.25)),
            *grid(is_ascend=(True,), share_max=(True, False), threshold=(0.5, 0.625)),
        ],
        IOUS,
    ),
    "CompositeMatcher": Space(
        [
            {
                "matchers": [
                    Recipe("BipartiteMatcher", {"share_max": share}),
                    Recipe("MaximumMatcher", {"threshold": threshold}),
                ]
            }
            for share in (False, True)
            for threshold in (0.5, 0.625)
        ],
        IOUS,
    ),
    "ThresholdMatcher": Space(
        [
            *grid(high=(0.5, 0.625), low=(None, 0.25, 0.375)),
            *grid(high=(0.5,), low=(0.25,), low_quality=("own", "truth"), ties=(True, False)),
            *grid(high=(0.75,), low_quality=("truth",), ties=(False,), winner=("last", "first")),
            *grid(high=(0.75,), low=(0.5,), low_quality=("own", "truth"), min_quality=(0.375,)),
        ],
        IOUS,
    ),
    "ATSSMatcher": Space(
        grid(topk=(1, 2), ddof=(1, 0)),
        {"ious": (LEVELS[:3], "NM"), "distances": (COSTS[:3], "NM"), "inside": (BOTH, "NM")},
        ((1, 1), (1, 2), (2, 1)),
        ((3, 1), (2, 2)),
        shared=_levels,
        fewer={"distances": COSTS[:2], "inside": BOTH[1:]},
        largest=((4, 1), (2, 3), (3, 2)),
    ),
    "SimOTAMatcher": Space(
        [{}, {"conflict": "selected"}, {"candidate_topk": 2}],
        {"cost": (COSTS, "NM"), "ious": (LEVELS, "NM")},
        ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1)),
        ((2, 2), (4, 1)),
        fewer={"cost": COSTS[:3], "ious": LEVELS[1::2]},
        largest=((2, 3), (3, 2)),
    ),
    "TaskAlignedMatcher": Space(
        grid(
            conflict=("all", "selected"),
            inside_first=(True, False),
            positive=(True, False),
            topk=(1, 2),
        ),
        {"metric": (LEVELS[:3], "NM"), "ious": (LEVELS[1:3], "NM"), "inside": (BOTH, "NM")},
        ((1, 1), (1, 2), (2, 1)),
        ((1, 3), (3, 1), (2, 2)),
        fewer={"inside": BOTH[1:]},
        largest=((2, 3), (3, 2)),
    ),
    "HungarianMatcher": Space([{}], {"cost": (COSTS, "NM")}),
    "PointMatcher": Space(
        grid(radius=(None, 0.5, 1.0), inclusive=(True, False)),
        {"boxes": (BOXES, "M")},
        ((9, 1), (9, 2)),
        ((9, 3),),
        shared=_points,
        order=("points", "boxes", "strides", "ranges"),
    ),
    "InsideMask": Space(
        grid(fmt=("corner", "center"), margin=(0.0, 0.25, 0.125)),
        {"points": (POINTS / 4, "N"), "boxes": (CORNERS / 4, "M")},
        ((1, 1), (2, 1)),
        ((1, 2),),
    ),
    "NMS": Space(
        grid(threshold=(0.5, 0.25, 1 / 3, 0.0)),
        {"boxes": (BOXES, "N"), "scores": (LEVELS[1:3], "N")},
        ((1,), (2,)),
        ((3,), (4,)),
        stacked=False,
    ),
    "BatchedNMS": Space(
        grid(threshold=(0.5, 0.0)),
        {
            "boxes": (BOXES[[0, 1, 4]], "N"),
            "scores": (LEVELS[1:3], "N"),
            "labels": (np.array([0, 1]), "N"),
        },
        ((1,), (2,)),
        ((3,), (4,)),
        stacked=False,
    ),
    "NaiveSampler": Space([{}], {"matches": (np.array([-1, 0, 1]), "N")}, LENGTHS, ()),
    "OHEMSampler": Space(
        [
            *grid(ratio=(1.0, 0.5, 3.0), thresh=(0.5, 0.375)),
            *grid(ratio=(1.0,), min_samples=(1,)),
        ],
        {
            "matches": (np.array([-1, 0]), "N"),
            "logits": (np.array([0.0, 1.0, 2.0]), "N2"),
            "ious": (LEVELS[1:], "N1"),
        },
        ((1,), (2,)),
        ((3,),),
    ),
    "QuotaSampler": Space(
        grid(
            num_sample=(1, 2), pos_thresh=(0.5,), neg_thresh_high=(0.5, 0.375), pos_ratio=(0.5, 1)
        ),
        {"matches": (np.array([-1, 0]), "N"), "ious": (LEVELS, "N1")},
        ((1,), (2,), (3,)),
        ((4,),),
    ),
    "BalancedSampler": Space(
        grid(num_sample=(1, 2, 3), pos_ratio=(0.0, 0.5, 1.0)),
        {"candidates": (SIGNS, "N")},
        LENGTHS,
        (),
    ),
    "MultiClassEncoder": Space(
        grid(ignore_label=(-1, 7)),
        {
            "samples": (SIGNS, "N"),
            "matches": (np.array([0, 1]), "N"),
            "refs": (np.array([0, 1, 2]), "2"),
        },
        ((1,), (2,), (3,)),
        ((4,),),
    ),
    "MultiClassDecoder": Space(
        grid(thresh=(0.01, 0.25, 0.375)), IOUS, ((1, 2), (1, 3), (2, 2), (1, 4)), ((2, 3), (3, 3))
    ),
    "MultiPerClassDecoder": Space(
        grid(num_class=(3,), thresh=(0.01, 0.25, 0.375)),
        {"x": (LEVELS, "N3")},
        ((1,), (2,)),
        ((3,),),
    ),
    "SigmoidClassEncoder": Space([{}], {"samples": (SIGNS, "N")}, LENGTHS, ()),
    "CenterNetDecoder": Space(
        grid(topk=(1, 2), scale=(1.0,)),
        {
            "x": (LEVELS, "1NM"),
            "wh": (np.array([1.0]), "2NM"),
            "reg": (np.array([0.5]), "2NM"),
        },
        ((1, 2), (2, 2), (1, 3), (3, 1)),
        ((2, 3), (3, 2)),
    ),
}


def scopes_of(name: str, parameters: Parameters, whole: bool) -> Iterator[Scope]:
    """Yield the scopes of an operator; whole, or those that are always tried."""
    if name in SCOPES:
        yield from SCOPES[name].scopes(parameters, whole)
