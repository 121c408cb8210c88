"""Where boxes and their overlaps differ in ultralytics 8.4, as was found."""

from refkernels.conformance.model.case import Case
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.ultralytics.conditions import (
    areas_round_in_half,
    areas_wrap,
    center_overflows,
    centers_are_cut,
    corners_are_cut,
    eps_counts_in_heights,
    is_double,
    is_level,
    leaves_uint8,
    point_has_no_aspect,
    steps_are_infinite,
    steps_round_in_half,
    steps_wrap,
)

__all__ = ["BOXES", "CALLS"]

CALLS = "refkernels.conformance.peers.ultralytics.calls"
METRICS = "ultralytics.utils.metrics"

WHOLE = "its own word for lists, that odd integer boxes keep fractional centres"

UNIT = [[0, 0, 1, 1]]

FORMS = (
    Divergence(
        "UL-001",
        "BBoxCornerToCenter",
        "of whole numbers a centre is one too: what is half of an odd number is cut, and in uint8 "
        "the sum of two corners wraps",
        centers_are_cut,
        witness(x=UNIT),
        "int32",
        authority=WHOLE,
    ),
    Divergence(
        "UL-002",
        "BBoxCornerToCenter",
        "the sum of two corners may be infinite where the centre is not: in float16 from 65520 on",
        center_overflows,
        witness(x=[[0, 40000, 1, 40008]]),
        "float16",
    ),
    Divergence(
        "UL-003",
        "BBoxCenterToCorner",
        "of whole numbers a corner is one too: of an odd side both are cut towards 0, and in uint8 "
        "what is below 0 wraps",
        corners_are_cut,
        witness(x=UNIT),
        "int32",
        authority=WHOLE,
    ),
    Divergence(
        "UL-004",
        "BBoxArea",
        "the area of whole numbers is of their dtype, and wraps: in int32 from 2**31 on, in uint8 "
        "from 256",
        areas_wrap,
        witness(x=[[0, 0, 65536, 32768]]),
        "int32",
    ),
    Divergence(
        "UL-005",
        "BBoxArea",
        "in float16, sides are rounded before they are multiplied",
        areas_round_in_half,
        witness(x=[[3.810546875, 1, 10, 90]]),
        "float16",
    ),
    Divergence(
        "UL-006",
        "BBoxBatchIOU",
        "boxes in double precision are rounded to single, and so are their IoUs",
        is_double,
        witness(a=UNIT, b=UNIT),
        "float64",
        place=f"{METRICS}:box_iou",
    ),
    Divergence(
        "UL-007",
        "BBoxBatchIOU",
        "of corner boxes, eps is added to the heights too, and counts there with the widths",
        eps_counts_in_heights,
        witness({"eps": 1e-3}, a=UNIT, b=UNIT),
        place=f"{METRICS}:bbox_iou",
    ),
)


def _overlaps(
    number: int, operator: str, kind: str, places: tuple[str, str], half: Case, whole: Case
) -> tuple[Divergence, ...]:
    """Return what half precision and whole numbers do to overlaps of a kind."""
    return (
        Divergence(
            f"UL-{number:03}",
            operator,
            "in half precision each step is rounded to that: the area of 300 by 300 is infinite, "
            "and the overlap with itself nan",
            steps_round_in_half(kind),
            half,
            "float16",
            place=places[0],
        ),
        Divergence(
            f"UL-{number + 1:03}",
            operator,
            "of whole numbers, steps are of their dtype, and wrap: in uint8, boxes that lie apart "
            "may overlap, and no area is above 255",
            steps_wrap(kind),
            whole,
            "uint8",
            place=places[1],
        ),
    )


DIRECT = f"{METRICS}:bbox_iou"
APART = witness(a=UNIT, b=[[2, 2, 3, 3]])
LARGE = witness(a=[[0, 0, 300, 300]], b=[[0, 0, 300, 300]])
FAR = witness(a=UNIT, b=[[0, 0, 16, 1]])

OVERLAPS = (
    *_overlaps(8, "BBoxBatchIOU", "IoU", (DIRECT, DIRECT), LARGE, APART),
    *_overlaps(
        10, "BBoxBatchIOU", "IoU of arrays", (f"{CALLS}:box_iou_of_arrays",) * 2, LARGE, APART
    ),
    *_overlaps(12, "BBoxBatchGIOU", "GIoU", (f"{CALLS}:pairwise_giou", DIRECT), LARGE, APART),
    *_overlaps(
        14,
        "BBoxBatchDIOU",
        "DIoU",
        (f"{CALLS}:pairwise_diou", DIRECT),
        LARGE,
        FAR,
    ),
    *_overlaps(
        16,
        "BBoxBatchCIOU",
        "CIoU",
        (f"{CALLS}:pairwise_ciou", DIRECT),
        LARGE,
        FAR,
    ),
    Divergence(
        "UL-018",
        "BBoxBatchCIOU",
        "of a box in centre form that has neither width nor height, 0 is divided by 0: nan",
        point_has_no_aspect,
        witness({"fmt": "center"}, a=[[0, 0, 1, 1]], b=[[0, 0, 0, 0]]),
        place=DIRECT,
        authority="its documentation, whose eps is to avoid division by zero",
    ),
    *_overlaps(
        19, "BBoxBatchIOA", "IOA", ("", ""), witness(a=[[0, 0, 69, 50]], b=[[0, 0, 69, 33]]), APART
    ),
    *(
        Divergence(
            f"UL-{number:03}",
            operator,
            "of uint8, what is below 0 or above 255 wraps around",
            leaves_uint8,
            case,
            "uint8",
        )
        for number, operator, case in (
            (21, "DistanceEncoder", witness(points=[[0, 2]], boxes=UNIT)),
            (22, "DistanceDecoder", witness(points=[[0, 0]], distances=[[0, 1, 0, 0]])),
        )
    ),
    Divergence(
        "UL-023",
        "BBoxBatchGIOU",
        "of corner boxes without height, on one line, eps that is added to heights makes a union "
        "larger than the box around both: the GIoU is the sum of their widths",
        is_level,
        witness(a=[[0, 1, 6, 1]], b=[[2, 1, 6, 1]]),
        place=DIRECT,
        authority="the paper, whose GIoU is at most 1",
    ),
)

BEYOND = tuple(
    Divergence(
        f"UL-{number:03}",
        operator,
        f"{what} that are infinite in the dtype of the boxes make the overlap no number",
        steps_are_infinite(kind),
        witness({"fmt": "center"}, a=[[0, 0, 2**80, 2**80]], b=[[0, 0, 2**80, 2**80]]),
        place=DIRECT,
    )
    for number, operator, kind, what in (
        (51, "BBoxBatchGIOU", "GIoU", "areas"),
        (52, "BBoxBatchDIOU", "DIoU", "areas, or squares of sides,"),
        (53, "BBoxBatchCIOU", "CIoU", "areas, or squares of sides,"),
    )
)

BOXES = (*FORMS, *OVERLAPS, *BEYOND)
