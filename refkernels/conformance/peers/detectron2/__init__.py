"""What of detectron2 0.6 is which operator, and where it differs.

No registry has it, so all this is tested against stand-ins, ``tests/peers/stand_ins/detectron2``,
that were written from its public documentation. Only differences that follow from this are
declared; of half precision and of integers it says nothing, and they are not offered.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.detectron2.divergences import DIVERGENCES
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers, offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

# What no representation tells.
CALLS = "refkernels.conformance.peers.detectron2.calls"
TRANSFORM = "detectron2.modeling.box_regression:Box2BoxTransform"

# Boxes are in single precision, and what deltas make of them is.
SINGLE = ("float32",)
REALS = ("float32", "float64")

CODER = {"stds": "1/weights"}


def _are_right_way_round(inputs: Mapping[str, Array]) -> bool:
    """Return whether all boxes are (x1, y1, x2, y2), the first corner the lower one."""
    own = [inputs[name] for name in ("x", "a", "b") if name in inputs]
    return all(bool((boxes[..., 2:] >= boxes[..., :2]).all()) for boxes in own)


def _have_extent(*names: str) -> Offers:
    """Return that these boxes are offered if they have extent; of others they are not valid."""

    def have(inputs: Mapping[str, Array]) -> bool:
        """Return whether all of these boxes have extent."""
        own = [inputs[name] for name in names]
        return all(bool((boxes[..., 2:] > boxes[..., :2]).all()) for boxes in own)

    return offers(inputs=have, dtypes=SINGLE if "refs" not in names else REALS, mixed=False)


BOXES = offers(inputs=_are_right_way_round, dtypes=SINGLE)


def _matcher_takes(case: Case) -> bool:
    """Return whether `Matcher` has these parameters: thresholds and qualities are not negative."""
    config, low = case.config, case.config.get("low")
    return (
        config.get("low_quality") in (None, "own")
        and config["high"] > 0
        and (low is None or low > 0)
        and bool((case.inputs["x"] >= 0).all())
    )


def _are_squares(case: Case) -> bool:
    """Return whether points are the centres of squares, and no distance is negative."""
    points = case.inputs["points"]
    half = case.inputs["sizes"] / 2 if "sizes" in case.inputs else np.ones_like(points)
    low, high = points - half, points + half
    is_centre = bool(((low + high) / 2 == points).all() and (high - low == 2 * half).all())
    distances = case.inputs.get("distances", points[:0])
    return is_centre and bool((half[:, 0] == half[:, 1]).all() and (distances >= 0).all())


def _makes_grid(case: Case) -> bool:
    """Return whether it takes these parameters: a whole stride, and an offset below 1.

    Numbers are those of single precision: of others it is not said when they are rounded.
    """
    config = case.config
    stride, offset = config["stride"], config.get("offset", 0.5)
    is_whole = isinstance(stride, float) and stride >= 1 and stride.is_integer()
    numbers = (offset, *config["sizes"], *config["ratios"])
    are_single = all(float(np.float32(number)) == number for number in numbers)
    has_cells = all(bool(n > 0) for n in case.inputs.values())
    return is_whole and 0 <= offset < 1 and are_single and has_cells


CORNERS: dict[str, Any] = {"fmt": "corner", "axis": -1}
QUALITY = {"min_quality": 0.0, "ties": True, "winner": "last"}

PEER = Peer(
    "detectron2",
    "0.6",
    (
        Binding(
            f"{CALLS}:area",
            "BBoxArea",
            Representation(fixed=CORNERS, images="one", squeezed=True),
            BOXES,
        ),
        Binding(
            f"{CALLS}:clip",
            "BBoxClipToImage",
            Representation(inputs=("x", "img.size"), images="one"),
            BOXES,
        ),
        Binding(
            f"{CALLS}:pairwise_iou",
            "BBoxBatchIOU",
            Representation(fixed={**CORNERS, "eps": 0.0}, images="one"),
            BOXES,
        ),
        Binding(
            f"{CALLS}:pairwise_ioa",
            "BBoxBatchIOA",
            Representation(fixed={**CORNERS, "offset": 0}, images="one"),
            BOXES,
        ),
        Binding(
            f"{CALLS}:matches",
            "ThresholdMatcher",
            Representation(fixed=QUALITY, images="one"),
            Offers(case=_matcher_takes, dtypes=REALS),
        ),
        Binding(
            f"{TRANSFORM}.get_deltas",
            "NormalizedBoxCenterEncoder",
            Representation(
                parameters=CODER, inputs=("anchors", "refs"), outputs=("targets",), aligned=True
            ),
            _have_extent("refs", "anchors"),
        ),
        Binding(
            f"{TRANSFORM}.apply_deltas",
            "NormalizedBoxCenterDecoder",
            Representation(
                parameters={**CODER, "clip": "scale_clamp"},
                values={"clip": dict.fromkeys((None, -1.0, 0.0), float("inf"))},
                fixed={"convert_anchor": True},
                images="one",
            ),
            _have_extent("anchors"),
        ),
        Binding(
            f"{CALLS}:linear_encode",
            "DistanceEncoder",
            Representation(images="one"),
            Offers(case=_are_squares, dtypes=REALS, mixed=False),
        ),
        Binding(
            f"{CALLS}:linear_decode",
            "DistanceDecoder",
            Representation(images="one"),
            Offers(case=_are_squares, dtypes=REALS, mixed=False),
        ),
        Binding(f"{CALLS}:subsample_labels", "BalancedSampler", Representation(images="one")),
        Binding(
            f"{CALLS}:anchor_grid",
            "AnchorGrid",
            Representation(fixed={"rounded": False, "order": "size", "dtype": "float32"}),
            Offers(case=_makes_grid),
        ),
    ),
    divergences=DIVERGENCES,
    install="git+https://github.com/facebookresearch/detectron2",
    note="It was not detectron2 itself that was tested here, but stand-ins that were written from "
    "its public documentation, for no registry has it. What is declared follows from that "
    "documentation; whether there are more differences is for a check where it is installed.",
)
