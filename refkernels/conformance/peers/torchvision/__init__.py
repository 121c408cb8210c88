"""What of torchvision 0.29 is which operator, and where it differs.

Its docstrings ask for boxes with ``0 <= x1 < x2`` and ``0 <= y1 < y2``: other boxes it need not
get right.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.peers.torchvision.divergences import DIVERGENCES
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers, offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

FORMATS = {"fmt": {"corner": "xyxy", "center": "cxcywh"}}


def _proper(*names: str) -> Offers:
    """Return that these inputs are offered, and all others, if their boxes have extent."""

    def are_proper(inputs: Mapping[str, Array]) -> bool:
        """Return whether all of these boxes have extent."""
        own = [inputs[name] for name in names]
        return all(bool((boxes[..., 2:] > boxes[..., :2]).all()) for boxes in own)

    return offers(inputs=are_proper, mixed=False)


def _proper_in_format(case: Case) -> bool:
    """Return whether all boxes have extent, in the format that they are in."""
    low = 0 if case.config.get("fmt") == "center" else 1
    return all(
        bool((boxes[..., 2:] > low * boxes[..., :2]).all()) for boxes in case.inputs.values()
    )


def _is_documented(inputs: Mapping[str, Array]) -> bool:
    boxes = inputs["boxes"]
    return bool((boxes[..., 2:] > boxes[..., :2]).all() and (boxes >= 0).all())


# ``0 <= x1 < x2``; of negative coordinates the trick with offsets makes something else.
SUPPRESSED = offers(inputs=_is_documented, mixed=False)

OF_FORMAT = Offers(case=_proper_in_format, mixed=False)

# Without objects or anchors it raises, and says that these are not supported.
MATRICES = offers(inputs=lambda inputs: inputs["x"].size > 0)
# So do models without anchors.
ANCHORS = offers(inputs=lambda inputs: inputs["x"].shape[-2] > 0)


def _matcher_takes(case: Case) -> bool:
    """Return whether `Matcher` has these parameters: two thresholds, and one way to low quality."""
    config = case.config
    is_taken = config.get("low") is not None and config.get("low_quality") in (None, "own")
    return is_taken and case.inputs["x"].size > 0


def _on_one_level(case: Case) -> bool:
    """Return whether points can be the centres of anchors on one level, for boxes of any size."""
    points, boxes, strides, ranges = (case.inputs[name] for name in POINTS)
    half = strides[:, None] / 2
    anchors = np.concatenate([points - half, points + half], -1)
    return bool(
        (ranges[..., 0] <= 0).all()
        and (ranges[..., 1] == np.inf).all()
        and (boxes[..., 2:] > boxes[..., :2]).all()
        and (strides > 0).all()
        and ((anchors[:, :2] + anchors[:, 2:]) / 2 == points).all()
        and (anchors[:, 2] - anchors[:, 0] == strides).all()
    )


POINTS = ("points", "boxes", "strides", "ranges")

PAIRS = Representation(values=FORMATS, fixed={"eps": 0.0}, widens=True)

CORNERS = Representation(fixed={"fmt": "corner", "axis": -1}, widens=True)
# Next to nothing, in single precision too, so that equal boxes are not divided by 0.
NO_EPS = replace(CORNERS, given={"eps": 1e-45})

SUPPRESSION = Representation(parameters={"threshold": "iou_threshold"})

OF_SSD = {"low": None, "low_quality": "truth", "ties": False}

# What no representation tells.
CALLS = "refkernels.conformance.peers.torchvision.calls"


def _step(name: str, parameters: Mapping[str, Any]) -> Binding:
    """Return how a model matches: a matcher whose parameters are fixed, on one image at a time."""
    defaults = {"min_quality": 0.0, "ties": True, "winner": "last"}
    said = Representation(fixed={**defaults, **parameters}, images="one")
    return Binding(f"{CALLS}:{name}", "ThresholdMatcher", said, ANCHORS)


def _has_whole_strides(config: Mapping[str, Any]) -> bool:
    """Return whether strides are whole pixels, as those that it reckons itself are."""
    steps = np.broadcast_to(config["stride"], 2)
    return bool((steps == np.floor(steps)).all()) and config.get("dtype") != "float16"


def _has_radius(config: Mapping[str, Any]) -> bool:
    return config.get("radius") is not None


PEER = Peer(
    "torchvision",
    "0.29",
    (
        Binding("torchvision.ops:box_iou", "BBoxBatchIOU", PAIRS, OF_FORMAT),
        Binding(
            "torchvision.ops:box_area",
            "BBoxArea",
            Representation(values=FORMATS, squeezed=True, widens=True),
            OF_FORMAT,
        ),
        Binding(
            "torchvision.ops:clip_boxes_to_image",
            "BBoxClipToImage",
            Representation(inputs=("x", "img.size")),
            _proper("x"),
        ),
        Binding(
            "torchvision.models.detection._utils:BoxCoder.encode",
            "NormalizedBoxCenterEncoder",
            Representation(
                parameters={"stds": "1/weights"},
                inputs=("refs", "anchors"),
                outputs=("targets",),
                aligned=True,
                images="list",
            ),
            _proper("refs", "anchors"),
        ),
        Binding(
            "torchvision.models.detection._utils:BoxCoder.decode",
            "NormalizedBoxCenterDecoder",
            Representation(
                parameters={"stds": "1/weights", "clip": "bbox_xform_clip"},
                values={"clip": dict.fromkeys((None, -1.0, 0.0), float("inf"))},
                fixed={"convert_anchor": True},
                inputs=("x", "anchors.list"),
                images="one",
                squeezed=True,
            ),
            _proper("anchors"),
        ),
        Binding("torchvision.ops:generalized_box_iou", "BBoxBatchGIOU", CORNERS, _proper("a", "b")),
        Binding("torchvision.ops:distance_box_iou", "BBoxBatchDIOU", NO_EPS, _proper("a", "b")),
        Binding("torchvision.ops:complete_box_iou", "BBoxBatchCIOU", NO_EPS, _proper("a", "b")),
        Binding("torchvision.ops:nms", "NMS", SUPPRESSION, SUPPRESSED),
        Binding("torchvision.ops:batched_nms", "BatchedNMS", SUPPRESSION, SUPPRESSED),
        Binding(
            "torchvision.models.detection._utils:Matcher",
            "ThresholdMatcher",
            Representation(
                parameters={
                    "high": "high_threshold",
                    "low": "low_threshold",
                    "low_quality": "allow_low_quality_matches",
                },
                values={"low_quality": {None: False, "own": True}},
                fixed={"min_quality": 0.0, "ties": True, "winner": "last"},
                transposed=True,
                images="one",
            ),
            Offers(case=_matcher_takes),
        ),
        Binding(
            "torchvision.models.detection._utils:SSDMatcher",
            "ThresholdMatcher",
            Representation(
                parameters={"high": "threshold"},
                fixed={**OF_SSD, "min_quality": 0.0, "winner": "last"},
                transposed=True,
                images="one",
            ),
            MATRICES,
        ),
        _step("rpn_matches", {"high": 0.7, "low": 0.3, "low_quality": "own"}),
        _step("retinanet_matches", {"high": 0.5, "low": 0.4, "low_quality": "own"}),
        _step("ssd_matches", {"high": 0.5, **OF_SSD}),
        Binding(
            f"{CALLS}:fcos_matches",
            "PointMatcher",
            Representation(fixed={"inclusive": False}, images="one"),
            Offers(case=_on_one_level, config=_has_radius),
        ),
        Binding(
            f"{CALLS}:balanced_sampler",
            "BalancedSampler",
        ),
        Binding(
            f"{CALLS}:anchor_grid",
            "AnchorGrid",
            Representation(fixed={"offset": 0.0, "rounded": True, "order": "ratio"}),
            offers(config=_has_whole_strides),
        ),
    ),
    divergences=DIVERGENCES,
)
