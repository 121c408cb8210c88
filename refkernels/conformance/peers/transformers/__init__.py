"""What of transformers 5.24 is which operator, and where it differs.

Boxes have no negative sides: its ``generalized_box_iou`` refuses others.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from refkernels.arrays import Array
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.peers.transformers.divergences import DIVERGENCES
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers, offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

DETECTION = "transformers.loss.loss_for_object_detection"

TRANSFORMS = "transformers.image_transforms"

# What no representation tells.
CALLS = "refkernels.conformance.peers.transformers.calls"


def _right_way_round(*names: str) -> Offers:
    """Return that these boxes are offered, in corner form, if they have no negative sides."""

    def are(inputs: Mapping[str, Array]) -> bool:
        """Return whether none of these boxes has a negative side."""
        own = [inputs[name] for name in names]
        return all(bool((boxes[..., 2:] >= boxes[..., :2]).all()) for boxes in own)

    return offers(inputs=are, mixed=False)


PAIRS = _right_way_round("a", "b")

CORNERS = Representation(fixed={"fmt": "corner", "axis": -1}, images="one", widens=True)
NO_EPS = replace(CORNERS, fixed={**CORNERS.fixed, "eps": 0.0})


def _has_weights(config: Mapping[str, Any]) -> bool:
    """Return whether something weighs anything: else it says that it does not take that."""
    own = {"class_weight": 1.0, "l1_weight": 5.0, "giou_weight": 2.0, **config}
    return any(own[name] for name in ("class_weight", "l1_weight", "giou_weight"))


def _are_objects(inputs: Mapping[str, Array]) -> bool:
    """Return whether all ground truths have a class, and all boxes sides that are not negative."""
    boxes, truths = inputs["boxes"], inputs["truths"]
    sides = bool((boxes[..., 2:] >= 0).all() and (truths[..., 2:] >= 0).all())
    return sides and bool((inputs["labels"] >= 0).all())


COSTS = offers(config=_has_weights, inputs=_are_objects, mixed=False)

# Its memory grows with the square of the predictions, for it samples so many points.
MANY = 4000


def _are_few(inputs: Mapping[str, Array]) -> bool:
    return _are_objects(inputs) and inputs["boxes"].size <= 4 * MANY


# The points are in single precision, and so are masks to be.
FEW = offers(config=_has_weights, inputs=_are_few, dtypes=("float32",), mixed=False)

FOCAL = {"kind": "focal", "alpha": 0.25, "gamma": 2.0, "eps": 1e-8}


def _cost(name: str, fixed: Mapping[str, Any], offered: Offers = COSTS) -> Binding:
    said = Representation(fixed=fixed, widens=True)
    return Binding(f"{CALLS}:{name}_cost", "DETRCost", said, offered)


MATCHERS = (
    "detr",
    "deformable_detr",
    "rt_detr",
    "grounding_dino",
    "lw_detr",
    "maskformer",
    "mask2former",
    "oneformer",
)

PEER = Peer(
    "transformers",
    "5.24",
    (
        Binding(
            f"{DETECTION}:box_area",
            "BBoxArea",
            replace(CORNERS, squeezed=True),
            _right_way_round("x"),
        ),
        Binding(f"{CALLS}:box_iou", "BBoxBatchIOU", NO_EPS, PAIRS),
        Binding(f"{DETECTION}:generalized_box_iou", "BBoxBatchGIOU", CORNERS, PAIRS),
        Binding(f"{TRANSFORMS}:center_to_corners_format", "BBoxCenterToCorner"),
        Binding(f"{TRANSFORMS}:corners_to_center_format", "BBoxCornerToCenter"),
        Binding(f"{CALLS}:center_to_corners_numpy", "BBoxCenterToCorner"),
        Binding(f"{CALLS}:corners_to_center_numpy", "BBoxCornerToCenter"),
        _cost("detr", {"kind": "softmax"}),
        _cost("deformable_detr", FOCAL),
        _cost("rt_detr", {"eps": 1e-8}),
        _cost("grounding_dino", FOCAL),
        _cost("lw_detr", FOCAL),
        _cost("rf_detr", FOCAL, FEW),
        *(Binding(f"{CALLS}:{name}_matches", "HungarianMatcher") for name in MATCHERS),
    ),
    divergences=DIVERGENCES,
)
