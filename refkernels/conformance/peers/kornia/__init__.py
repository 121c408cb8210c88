"""What of kornia 0.9 is which operator, and where it differs."""

from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.kornia.divergences import DIVERGENCES
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

# What no representation tells.
CALLS = "refkernels.conformance.peers.kornia.calls"


def _has_extent(case: Case) -> bool:
    """Return whether all boxes have extent, in the format that they are in; others are refused."""
    low = 0 if case.config.get("fmt") == "center" else 1
    return all(
        bool((boxes[..., 2:] > low * boxes[..., :2]).all()) for boxes in case.inputs.values()
    )


def _is_upright(case: Case) -> bool:
    """Return whether no box is inverted."""
    boxes = case.inputs["x"]
    return bool((boxes[..., 2:] >= boxes[..., :2]).all())


PEER = Peer(
    "kornia",
    "0.9",
    (
        Binding(
            "kornia.metrics:mean_iou_bbox",
            "BBoxBatchIOU",
            Representation(
                parameters={"fmt": "box_format"},
                values={"fmt": {"corner": "xyxy", "center": "cxcywh"}},
                fixed={"axis": -1, "offset": 0, "eps": 0.0},
                images="one",
            ),
            Offers(case=_has_extent),
        ),
        Binding(
            "kornia.geometry.bbox:nms",
            "NMS",
            Representation(parameters={"threshold": "iou_threshold"}),
        ),
        Binding(
            f"{CALLS}:area",
            "BBoxArea",
            Representation(fixed={"fmt": "corner", "axis": -1}, squeezed=True),
            Offers(case=_is_upright),
        ),
        Binding(
            f"{CALLS}:clamp",
            "BBoxClipToImage",
            Representation(inputs=("x", "img.size")),
            Offers(case=_is_upright),
        ),
    ),
    divergences=DIVERGENCES,
)
