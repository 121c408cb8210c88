"""What of keras_hub 0.32 and of keras 3.15, whose boxes it uses, is which operator."""

from dataclasses import replace

from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.keras_hub.divergences import DIVERGENCES
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers, offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

# What no representation tells.
CALLS = "refkernels.conformance.peers.keras_hub.calls"
KERAS = "keras.utils.bounding_boxes"

FLOATS = ("float16", "float32", "float64")


def _is_a_level(case: Case) -> bool:
    """Return whether an image has such a level, with anchors of one size."""
    config, stride = case.config, case.config["stride"]
    if isinstance(stride, (tuple, list)) or len(config["sizes"]) > 1:
        return False
    is_power = stride >= 1 and stride == int(stride) and int(stride) & (int(stride) - 1) == 0
    return bool(is_power and all(case.inputs[name] > 0 for name in ("height", "width")))


def _is_of_whole_size(case: Case) -> bool:
    """Return whether besides, the size is a whole number; of others the first binding tells."""
    return _is_a_level(case) and case.config["sizes"][0] == int(case.config["sizes"][0])


def _is_a_level_of_more(case: Case) -> bool:
    """Return whether besides, an image without its last pixels has as many cells."""
    return _is_of_whole_size(case) and case.config["stride"] > 1


GRID = Representation(fixed={"offset": 0.0, "rounded": True, "order": "ratio", "dtype": "float32"})

PEER = Peer(
    "keras_hub",
    "0.32",
    (
        Binding(
            f"{CALLS}:box_matcher",
            "ThresholdMatcher",
            Representation(
                values={"low_quality": {None: False, "truth": True}},
                fixed={"min_quality": 0.0, "ties": False, "winner": "first"},
            ),
            offers(config=lambda config: config.get("low_quality") != "own"),
        ),
        Binding(
            f"{CALLS}:retinanet_matches",
            "ThresholdMatcher",
            Representation(
                fixed={
                    "high": 0.5,
                    "low": 0.4,
                    "low_quality": None,
                    "min_quality": 0.0,
                    "ties": True,
                    "winner": "last",
                }
            ),
            # IoUs are in single precision there, whatever the boxes are in.
            offers(dtypes=("float32",)),
        ),
        Binding(
            f"{KERAS}:compute_iou",
            "BBoxBatchIOU",
            Representation(
                parameters={"fmt": "bounding_box_format"},
                values={"fmt": {"corner": "xyxy", "center": "center_xywh"}},
                fixed={"axis": -1, "offset": 0, "eps": 1e-7},
                widens=True,
            ),
        ),
        Binding(
            f"{KERAS}:compute_ciou",
            "BBoxBatchCIOU",
            Representation(
                parameters={"fmt": "bounding_box_format"},
                values={"fmt": {"corner": "xyxy", "center": "center_xywh"}},
                fixed={"axis": -1},
                aligned=True,
                widens=True,
            ),
        ),
        Binding(
            f"{CALLS}:convert_to_center",
            "BBoxCornerToCenter",
            Representation(fixed={"axis": -1, "split": False}),
        ),
        Binding(
            f"{CALLS}:convert_to_corner",
            "BBoxCenterToCorner",
            Representation(fixed={"axis": -1, "split": False}),
        ),
        Binding(
            f"{CALLS}:clip_to_image_size",
            "BBoxClipToImage",
            Representation(inputs=("x", "img.size")),
        ),
        Binding(
            f"{KERAS}:encode_box_to_deltas",
            "NormalizedBoxCenterEncoder",
            Representation(
                parameters={"stds": "variance"},
                fixed={"means": (0.0, 0.0, 0.0, 0.0)},
                given={
                    "anchor_format": "xyxy",
                    "box_format": "xyxy",
                    "encoding_format": "center_xywh",
                },
                inputs=("anchors", "refs"),
                outputs=("targets",),
                aligned=True,
                widens=True,
            ),
        ),
        Binding(
            f"{KERAS}:decode_deltas_to_boxes",
            "NormalizedBoxCenterDecoder",
            Representation(
                parameters={"stds": "variance", "convert_anchor": "anchor_format"},
                values={"convert_anchor": {True: "xyxy", False: "center_xywh"}},
                fixed={"clip": None},
                given={"box_format": "xyxy", "encoded_format": "center_xywh"},
                inputs=("anchors", "x"),
                widens=True,
            ),
        ),
        Binding(
            f"{CALLS}:non_max_suppression",
            "NMS",
            Representation(parameters={"threshold": "iou_threshold"}),
            offers(dtypes=FLOATS),
        ),
        Binding(f"{CALLS}:anchor_generator", "AnchorGrid", GRID, Offers(case=_is_a_level)),
        Binding(
            f"{CALLS}:anchors_of_odd_image",
            "AnchorGrid",
            GRID,
            Offers(case=_is_a_level_of_more),
        ),
        Binding(
            f"{CALLS}:anchors_by_documented_ratio",
            "AnchorGrid",
            replace(GRID, parameters={"ratios": "1/aspect_ratios"}),
            Offers(case=_is_of_whole_size),
        ),
    ),
    divergences=DIVERGENCES,
    install="keras-hub",
)
