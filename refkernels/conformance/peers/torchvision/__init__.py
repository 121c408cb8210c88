"""What of torchvision 0.29 is which operator, and where it differs.

Its docstrings ask for boxes with ``0 <= x1 < x2`` and ``0 <= y1 < y2``: other boxes it need not
get right.
"""

from collections.abc import Mapping

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
        own = [inputs[name] for name in names]
        return all(bool((boxes[..., 2:] > boxes[..., :2]).all()) for boxes in own)

    return offers(inputs=are_proper, mixed=False)


def _proper_in_format(case: Case) -> bool:
    """Return whether all boxes have extent, in the format that they are in."""
    low = 0 if case.config.get("fmt") == "center" else 1
    return all(
        bool((boxes[..., 2:] > low * boxes[..., :2]).all()) for boxes in case.inputs.values()
    )


OF_FORMAT = Offers(case=_proper_in_format, mixed=False)

PAIRS = Representation(values=FORMATS, fixed={"eps": 0.0}, widens=True)

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
    ),
    divergences=DIVERGENCES,
)
