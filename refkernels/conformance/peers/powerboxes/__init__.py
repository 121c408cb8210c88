"""What of powerboxes 0.3 is which operator, and where it differs."""

from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.peers.powerboxes.divergences import DIVERGENCES
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

# What no representation tells.
CALLS = "refkernels.conformance.peers.powerboxes.calls"

TAKEN = offers(dtypes=("float32", "float64", "int32", "int64", "uint8"), mixed=False)
SIGNED = offers(dtypes=("float32", "float64", "int32", "int64"), mixed=False)

ROWS = Representation(fixed={"axis": -1, "split": False}, images="one")
SUPPRESSION = Representation(parameters={"threshold": "iou_threshold"})

PEER = Peer(
    "powerboxes",
    "0.3",
    (
        Binding(
            "powerboxes:boxes_areas",
            "BBoxArea",
            Representation(
                fixed={"fmt": "corner", "axis": -1}, images="one", squeezed=True, widens="float64"
            ),
            TAKEN,
        ),
        Binding(f"{CALLS}:to_center", "BBoxCornerToCenter", ROWS, TAKEN),
        Binding(f"{CALLS}:to_corner", "BBoxCenterToCorner", ROWS, TAKEN),
        Binding(f"{CALLS}:nms", "NMS", SUPPRESSION, TAKEN),
        Binding(f"{CALLS}:rtree_nms", "NMS", SUPPRESSION, SIGNED),
    ),
    divergences=DIVERGENCES,
)
