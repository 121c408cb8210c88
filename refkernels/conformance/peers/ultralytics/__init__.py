"""What of ultralytics 8.4 is which operator, and where it differs.

Its xyxy boxes are of a top-left and a bottom-right corner, its xywh ones of a centre, a width and a
height: inverted boxes it need not get right, while a box without extent is one.
"""

from collections.abc import Mapping

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.peers.ultralytics.divergences import DIVERGENCES
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers, offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

# What no representation tells.
CALLS = "refkernels.conformance.peers.ultralytics.calls"
OPS, METRICS, NMS, TAL = (f"ultralytics.utils.{name}" for name in ("ops", "metrics", "nms", "tal"))

FORMATS = {"fmt": {"corner": False, "center": True}}

COARSE = ("float16", "bfloat16", "float32")
FINE = ("float32", "float64", "int32", "int64", "uint8")

# Next to nothing, in single precision too, so that what has no extent is not divided by 0.
LEAST = 1e-38

# What its corner forms have no parameter for.
CORNERS = {"axis": -1, "fmt": "corner"}


def _are_ordered(case: Case) -> bool:
    """Return whether no box is inverted, in the format that they are in."""
    low = 0 if case.config.get("fmt") == "center" else 1
    return all(
        bool((boxes[..., 2:] >= low * boxes[..., :2]).all()) for boxes in case.inputs.values()
    )


def _are_ordered_with_eps(case: Case) -> bool:
    """Return whether boxes are not inverted, and there is an eps, to avoid division by zero."""
    return _are_ordered(case) and case.config.get("eps", 1e-15) > 0


ORDERED = Offers(case=_are_ordered, mixed=False)
WITH_EPS = Offers(case=_are_ordered_with_eps, mixed=False)


def _are_pixels(case: Case) -> bool:
    """Return whether eps is nothing beside boxes: these are not inverted, and not less than 4."""
    boxes = [array.astype(np.float64) for array in case.inputs.values()]
    return _are_ordered(case) and all(bool((x[..., 2:] - x[..., :2] >= 2).all()) for x in boxes)


def _are_large_beside_eps(case: Case) -> bool:
    """Return whether the eps that is given is nothing beside any area; no box is inverted."""
    if not _are_ordered(case):
        return False
    unit = np.finfo(np.float64 if case.inputs["a"].dtype == np.float64 else np.float32).eps
    low = 0 if case.config.get("fmt") == "center" else 1
    for boxes in case.inputs.values():
        x = boxes.astype(np.float64)
        area = (x[..., 2:] - low * x[..., :2]).prod(-1)
        if ((area > 0) & (area * unit < LEAST)).any():
            return False
    return True


def _pairs(operator: str, kind: str) -> tuple[Binding, Binding]:
    """Return ``bbox_iou`` of one of its kinds, row by row in either form, and broadcast.

    Half precision has no eps that is next to nothing: that is tried with the one that is default,
    and boxes of some pixels.
    """
    said = Representation(
        parameters={"fmt": "xywh"},
        values=FORMATS,
        fixed={"axis": -1},
        given={"eps": LEAST, kind: True},
        aligned=True,
        squeezed=True,
    )
    own = Offers(case=_are_large_beside_eps, mixed=False, dtypes=FINE)
    pixels = Offers(case=_are_pixels, mixed=False, dtypes=COARSE)
    return (
        Binding(f"{METRICS}:bbox_iou", operator, said, own),
        Binding(
            f"{CALLS}:pairwise_{kind.lower()}", operator, Representation(fixed=CORNERS), pixels
        ),
    )


def _has_metric(inputs: Mapping[str, Array]) -> bool:
    """Return whether numbers are as those that it makes, products of what is not negative."""
    return bool((inputs["metric"] >= 0).all() and (inputs["ious"] >= 0).all())


def _have_classes(inputs: Mapping[str, Array]) -> bool:
    """Return whether every ground truth has a class; none is padding here."""
    return bool((inputs["labels"] >= 0).all()) and _are_centers(inputs)


def _are_centers(inputs: Mapping[str, Array]) -> bool:
    return all(bool((inputs[name][..., 2:] >= 0).all()) for name in ("boxes", "truths"))


# Of as many classes there is a column for each box.
CLASSES = 2000


def _are_detections(inputs: Mapping[str, Array]) -> bool:
    """Return whether boxes are not inverted, confidences are such, and labels are few classes."""
    boxes, scores, labels = inputs["boxes"], inputs["scores"], inputs.get("labels")
    few = labels is None or bool(((labels >= 0) & (labels < CLASSES)).all())
    is_sure = bool(((scores > 0) & (scores <= 1)).all())
    return few and is_sure and bool((boxes[:, 2:] >= boxes[:, :2]).all())


DETECTIONS = offers(inputs=_are_detections)


def _have_areas(inputs: Mapping[str, Array]) -> bool:
    """Return whether no box is of an area below 0: inverted along one axis alone."""
    boxes = inputs["boxes"].astype(np.float64)
    return bool(((boxes[:, 2:] - boxes[:, :2]).prod(-1) >= 0).all())


# The centre of a cell is a number of the dtype here: of half precision it is not near enough.
GRIDS = offers(config=lambda config: config.get("dtype") != "float16")

GRID = {"sizes": (1.0,), "ratios": (1.0,), "stride": 1.0, "rounded": False, "order": "ratio"}

PEER = Peer(
    "ultralytics",
    "8.4",
    (
        Binding(
            f"{OPS}:xyxy2xywh",
            "BBoxCornerToCenter",
            Representation(fixed={"axis": -1, "split": False}),
        ),
        Binding(
            f"{OPS}:xywh2xyxy",
            "BBoxCenterToCorner",
            Representation(fixed={"axis": -1, "split": False}),
        ),
        Binding(f"{CALLS}:clipped", "BBoxClipToImage", Representation(inputs=("x", "img.size"))),
        Binding(
            f"{CALLS}:areas",
            "BBoxArea",
            Representation(
                values={"fmt": {"corner": "xyxy", "center": "xywh"}},
                fixed={"axis": -1},
                images="one",
                squeezed=True,
            ),
            ORDERED,
        ),
        Binding(
            f"{METRICS}:box_iou",
            "BBoxBatchIOU",
            Representation(
                parameters={"eps": "eps"},
                fixed={**CORNERS, "offset": 0},
                images="one",
                widens=True,
            ),
            WITH_EPS,
        ),
        Binding(
            f"{CALLS}:box_iou_of_arrays",
            "BBoxBatchIOU",
            Representation(parameters={"eps": "eps"}, fixed={**CORNERS, "offset": 0}, images="one"),
            WITH_EPS,
        ),
        Binding(
            f"{METRICS}:bbox_iou",
            "BBoxBatchIOU",
            Representation(
                parameters={"fmt": "xywh", "eps": "eps"},
                values=FORMATS,
                fixed={"axis": -1, "offset": 0},
                aligned=True,
                squeezed=True,
            ),
            WITH_EPS,
        ),
        *_pairs("BBoxBatchGIOU", "GIoU"),
        *_pairs("BBoxBatchDIOU", "DIoU"),
        *_pairs("BBoxBatchCIOU", "CIoU"),
        Binding(
            f"{CALLS}:box_ioa",
            "BBoxBatchIOA",
            Representation(fixed={**CORNERS, "offset": 0}, images="one"),
            ORDERED,
        ),
        Binding(f"{TAL}:bbox2dist", "DistanceEncoder", Representation(fixed={"normalize": False})),
        Binding(
            f"{TAL}:dist2bbox",
            "DistanceDecoder",
            Representation(
                fixed={"normalize": False},
                given={"xywh": False},
                inputs=("distances", "points"),
            ),
        ),
        Binding(f"{CALLS}:anchor_points", "AnchorGrid", Representation(fixed=GRID), GRIDS),
        Binding(
            f"{CALLS}:inside", "InsideMask", Representation(fixed={"fmt": "corner"}, images="one")
        ),
        Binding(
            f"{CALLS}:task_aligned_matches",
            "TaskAlignedMatcher",
            Representation(fixed={"conflict": "all", "inside_first": True, "positive": True}),
            offers(inputs=_has_metric),
        ),
        Binding(f"{CALLS}:task_aligned_metric", "TaskAlignedMetric", offers=offers(mixed=False)),
        Binding(f"{CALLS}:assignment", "HungarianMatcher", Representation(images="one")),
        Binding(
            f"{CALLS}:assignment_without_scipy", "HungarianMatcher", Representation(images="one")
        ),
        Binding(f"{CALLS}:hungarian_matches", "HungarianMatcher"),
        Binding(
            f"{CALLS}:detr_cost",
            "DETRCost",
            Representation(fixed={"eps": 1e-8}, widens=True),
            offers(inputs=_have_classes, mixed=False),
        ),
        Binding(
            f"{NMS}:TorchNMS.nms",
            "NMS",
            Representation(parameters={"threshold": "iou_threshold"}),
            offers(inputs=_have_areas),
        ),
        Binding(f"{CALLS}:one_class_nms", "NMS", offers=DETECTIONS),
        Binding(f"{CALLS}:batched_nms", "BatchedNMS", offers=DETECTIONS),
        Binding(f"{CALLS}:batched_nms_without_torchvision", "BatchedNMS", offers=DETECTIONS),
    ),
    divergences=DIVERGENCES,
)
