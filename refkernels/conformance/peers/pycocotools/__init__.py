"""What of pycocotools 2.0 is which operator, and where it differs."""

from refkernels.conformance.peers.corner_and_sides import has_exact_sides
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.peers.pycocotools.divergences import DIVERGENCES
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

# What no representation tells.
CALLS = "refkernels.conformance.peers.pycocotools.calls"

CORNER = {"fmt": "corner", "axis": -1, "offset": 0}

PEER = Peer(
    "pycocotools",
    "2.0",
    (
        Binding(
            f"{CALLS}:iou",
            "BBoxBatchIOU",
            Representation(fixed={**CORNER, "eps": 0.0}, images="one", widens="float64"),
            Offers(case=has_exact_sides),
        ),
        Binding(
            f"{CALLS}:iou_of_crowds",
            "BBoxBatchIOA",
            Representation(fixed=CORNER, images="one", widens="float64"),
            Offers(case=has_exact_sides),
        ),
    ),
    divergences=DIVERGENCES,
)
