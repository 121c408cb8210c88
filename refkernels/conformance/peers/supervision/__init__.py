"""What of supervision 0.31 is which operator, and where it differs."""

from refkernels.conformance.peers.corner_and_sides import has_exact_sides
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.peers.supervision.divergences import DIVERGENCES
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers, offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

# What no representation tells.
CALLS = "refkernels.conformance.peers.supervision.calls"
CONVERTERS = "supervision.detection.utils.converters"

CORNER = {"fmt": "corner", "axis": -1, "offset": 0}

PEER = Peer(
    "supervision",
    "0.31",
    (
        Binding(
            "supervision:box_iou_batch",
            "BBoxBatchIOU",
            Representation(fixed={**CORNER, "eps": 0.0}, images="one", widens=True),
        ),
        Binding(
            f"{CALLS}:boxes_of_objects",
            "BBoxBatchIOU",
            Representation(fixed={**CORNER, "eps": 2.0**-52}, images="one", widens="float64"),
            Offers(case=has_exact_sides),
        ),
        Binding(
            f"{CALLS}:boxes_of_crowds",
            "BBoxBatchIOA",
            Representation(fixed=CORNER, images="one", widens="float64"),
            Offers(case=has_exact_sides),
        ),
        Binding(
            "supervision:xcycwh_to_xyxy",
            "BBoxCenterToCorner",
            Representation(fixed={"axis": -1, "split": False}, images="one"),
        ),
        Binding(
            f"{CALLS}:clip_boxes",
            "BBoxClipToImage",
            Representation(inputs=("x", "img.size")),
            offers(batch=False),
        ),
        Binding(
            f"{CALLS}:box_non_max_suppression",
            "NMS",
            Representation(parameters={"threshold": "iou_threshold"}),
        ),
        Binding(f"{CALLS}:with_nms", "BatchedNMS"),
    ),
    divergences=DIVERGENCES,
)
