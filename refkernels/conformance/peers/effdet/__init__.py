"""What of effdet 0.4 is which operator, and where it differs.

Its box lists are of float32, and have y before x.
"""

from collections.abc import Mapping
from typing import Any

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.effdet.divergences import DIVERGENCES
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers, offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

# What no representation tells.
CALLS = "refkernels.conformance.peers.effdet.calls"

CORNERS = Representation(
    fixed={"fmt": "corner", "axis": -1}, images="one", squeezed=True, widens=True
)
PAIRS = Representation(fixed={"fmt": "corner", "axis": -1, "eps": 0.0}, images="one", widens=True)

FORCED = {"min_quality": 0.0, "ties": False, "winner": "first"}

SINGLE = ("float32",)

# They raise for every other dtype, as is documented.
BOX_LISTS = offers(dtypes=SINGLE)

CODER = {"stds": "1/scale_factors"}


def _are_right_way_round(inputs: Mapping[str, Array]) -> bool:
    """Return whether the first corner is the lower one, as its name is ``y_min``, ``x_min``."""
    return bool((inputs["x"][..., 2:] >= inputs["x"][..., :2]).all())


def _matcher_takes(config: Mapping[str, Any]) -> bool:
    return config.get("low_quality") in (None, "truth")


def _are_anchors(inputs: Mapping[str, Array]) -> bool:
    """Return whether there are anchors, as on every level there are."""
    return inputs["x"].shape[-2] > 0


def _makes_grid(case: Case) -> bool:
    """Return whether a level has such anchors: of one size, at a stride that halving makes."""
    config, stride = case.config, case.config["stride"]
    return (
        isinstance(stride, float)
        and stride >= 1
        and stride.is_integer()
        and int(stride).bit_count() == 1
        and len(config["sizes"]) == 1
        and all(bool(length > 0) for length in case.inputs.values())
    )


PEER = Peer(
    "effdet",
    "0.4",
    (
        Binding(
            f"{CALLS}:area", "BBoxArea", CORNERS, offers(inputs=_are_right_way_round, dtypes=SINGLE)
        ),
        Binding(f"{CALLS}:iou", "BBoxBatchIOU", PAIRS, BOX_LISTS),
        Binding("effdet.soft_nms:pairwise_iou", "BBoxBatchIOU", PAIRS, offers(mixed=False)),
        Binding(
            f"{CALLS}:clip_boxes_xyxy",
            "BBoxClipToImage",
            Representation(inputs=("x", "img.size"), images="one", squeezed=True),
        ),
        Binding(
            f"{CALLS}:argmax_matcher",
            "ThresholdMatcher",
            Representation(fixed=FORCED, images="one"),
            offers(config=_matcher_takes),
        ),
        Binding(
            f"{CALLS}:label_anchors",
            "ThresholdMatcher",
            Representation(
                fixed={"high": 0.5, "low": None, "low_quality": "truth", **FORCED}, images="one"
            ),
            offers(inputs=_are_anchors),
        ),
        Binding(
            f"{CALLS}:regression_targets",
            "NormalizedBoxCenterEncoder",
            Representation(parameters=CODER, outputs=("targets",), images="one"),
            BOX_LISTS,
        ),
        Binding(
            f"{CALLS}:class_targets",
            "MultiClassEncoder",
            Representation(fixed={"ignore_label": 0}, images="one"),
        ),
        Binding(
            f"{CALLS}:box_coder_encode",
            "NormalizedBoxCenterEncoder",
            Representation(
                parameters=CODER, inputs=("refs", "anchors"), outputs=("targets",), aligned=True
            ),
            BOX_LISTS,
        ),
        Binding(
            f"{CALLS}:box_coder_decode",
            "NormalizedBoxCenterDecoder",
            Representation(
                parameters=CODER,
                fixed={"convert_anchor": True, "clip": -1.0},
                images="one",
            ),
            BOX_LISTS,
        ),
        Binding(
            f"{CALLS}:decode_box_outputs",
            "NormalizedBoxCenterDecoder",
            Representation(
                fixed={"convert_anchor": True, "clip": -1.0, "stds": (1.0, 1.0, 1.0, 1.0)},
                images="one",
            ),
            offers(mixed=False),
        ),
        Binding(
            f"{CALLS}:anchor_grid",
            "AnchorGrid",
            Representation(
                parameters={"ratios": "1/aspect_ratios"},
                fixed={"offset": 0.5, "rounded": False, "order": "size", "dtype": "float32"},
            ),
            Offers(case=_makes_grid),
        ),
    ),
    divergences=DIVERGENCES,
)
