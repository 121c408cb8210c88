"""What of cython_bbox 0.1 is which operator, and where it differs."""

from refkernels.conformance.peers.cython_bbox.divergences import DIVERGENCES
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

PEER = Peer(
    "cython_bbox",
    "0.1",
    (
        Binding(
            "refkernels.conformance.peers.cython_bbox.calls:bbox_overlaps",
            "BBoxBatchIOU",
            Representation(
                fixed={"fmt": "corner", "axis": -1, "offset": 1, "eps": 0.0},
                images="one",
                widens="float64",
            ),
        ),
    ),
    divergences=DIVERGENCES,
    install="cython-bbox",
)
