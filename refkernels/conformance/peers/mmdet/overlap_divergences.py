"""Where the overlaps of mmdet 3.3, and its other arithmetic on boxes, differ."""

from collections.abc import Callable

from refkernels.conformance.model.case import Case
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.covering import covered_area_leaves_reals
from refkernels.conformance.peers.enclosing import enclosing_leaves_reals
from refkernels.conformance.peers.mmdet import overlaps

__all__ = ["OVERLAPS"]

CALLS = "refkernels.conformance.peers.mmdet.calls"

FLOOR = "its docstring: a value added to the denominator"
SQUARE = [[0, 0, 1, 1]]

# Of pairs, of boxes that belong together, and of pixels with an end that belongs to a box.
PLACES = (
    "mmdet.structures.bbox:bbox_overlaps",
    f"{CALLS}.places:aligned_overlaps",
    "mmdet.models.task_modules.assigners.iou2d_calculator:BboxOverlaps2D_GLIP",
)


def _of(
    operator: str,
    numbers: tuple[int, ...],
    why: str,
    when: Callable[[Case], bool],
    shown: Case,
    dtype: str = "float32",
    authority: str = "SPEC",
) -> tuple[Divergence, ...]:
    """Return a difference of the first of these functions, which are one in it."""
    return tuple(
        Divergence(
            f"MM-{n:03}",
            operator,
            why,
            when,
            shown,
            dtype,
            place=place,
            authority=authority,
        )
        for n, place in zip(numbers, PLACES, strict=False)
    )


OVERLAPS = (
    *_of(
        "BBoxBatchIOU",
        (1, 2),
        "eps is not added to the union, but stands in place of one that is smaller",
        overlaps.eps_is_a_floor,
        witness({"eps": 0.5}, a=SQUARE, b=SQUARE),
        authority=FLOOR,
    ),
    *_of(
        "BBoxBatchIOU",
        (3, 4),
        "where eps is 0, as it is for integers and if float16 is too coarse for it, the IoU of two "
        "boxes without extent is nan",
        overlaps.divides_by_nothing(),
        witness({"eps": 0.0}, a=[[0, 0, 0, 0]], b=[[0, 0, 0, 0]]),
    ),
    *_of(
        "BBoxBatchIOU",
        (5, 6, 7),
        "in half precision sides, areas and unions are rounded, and areas from 65,520 on are "
        "infinite: a box of 256 by 256 has an IoU of nan with itself",
        overlaps.overlaps_round_in_half(),
        witness(a=[[0, 0, 256, 256]], b=[[0, 0, 256, 256]]),
        "float16",
    ),
    *_of(
        "BBoxBatchIOU",
        (8, 9, 10),
        "of integers, sides, areas and unions are such integers and wrap: uint8 boxes that lie "
        "apart overlap, and int32 areas are right below 2**31 alone",
        overlaps.overlaps_leave_integers(),
        witness(a=[[0, 0, 1, 1]], b=[[3, 3, 4, 4]]),
        "uint8",
    ),
    Divergence(
        "MM-011",
        "BBoxBatchIOA",
        "an area below eps counts as eps, 1e-6: of boxes smaller than a thousandth of an image, in "
        "its units, the share that is covered is too small",
        overlaps.small_areas_count_as_eps("ioa"),
        witness(a=[[0, 0, 2**-11, 2**-11]], b=SQUARE),
    ),
    Divergence(
        "MM-012",
        "BBoxBatchIOA",
        "of integers eps is 0: the share of a box without extent that is covered is nan",
        overlaps.divides_by_nothing("ioa"),
        witness(a=[[0, 0, 0, 0]], b=SQUARE),
        "int32",
    ),
    Divergence(
        "MM-013",
        "BBoxBatchIOA",
        "in half precision sides and areas are rounded, and areas from 65,520 on are infinite",
        overlaps.overlaps_round_in_half("ioa"),
        witness(a=[[0, 0, 256, 256]], b=[[0, 0, 256, 256]]),
        "float16",
    ),
    Divergence(
        "MM-014",
        "BBoxBatchIOA",
        "of integers, sides and areas are such integers, and wrap",
        overlaps.overlaps_leave_integers("ioa"),
        witness(a=[[0, 0, 1, 1]], b=[[2, 2, 3, 3]]),
        "uint8",
    ),
    Divergence(
        "MM-088",
        "BBoxBatchIOA",
        "an area that is infinite in the dtype of the boxes is divided by itself: the share of a "
        "box that is covered by an equal one is not a number",
        covered_area_leaves_reals,
        witness(a=[[0, 0, 2**80, 2**80]], b=[[0, 0, 2**80, 2**80]]),
    ),
    *_of(
        "BBoxBatchGIOU",
        (15, 25),
        "a union, or an area around two boxes, below eps counts as eps, 1e-6: two boxes of a "
        "thousandth of an image, in its units, have a GIoU of about 0 wherever they are",
        overlaps.small_areas_count_as_eps("giou"),
        witness(a=[[0, 0, 2**-12, 2**-12]], b=[[0, 2**-11, 2**-12, 3 * 2**-12]]),
    ),
    *_of(
        "BBoxBatchGIOU",
        (16, 26),
        "of integers eps is 0: the GIoU of boxes without extent is nan",
        overlaps.divides_by_nothing("giou"),
        witness(a=[[0, 0, 0, 0]], b=[[0, 0, 0, 0]]),
        "int32",
    ),
    *_of(
        "BBoxBatchGIOU",
        (17, 27),
        "in half precision sides, areas, unions and fractions are rounded, and areas from 65,520 "
        "on are infinite",
        overlaps.overlaps_round_in_half("giou"),
        witness(a=[[0, 0, 256, 256]], b=[[0, 0, 256, 256]]),
        "float16",
    ),
    *_of(
        "BBoxBatchGIOU",
        (18, 28),
        "of integers, sides, areas and unions are such integers, and wrap",
        overlaps.overlaps_leave_integers("giou"),
        witness(a=[[0, 0, 1, 1]], b=[[2, 2, 3, 3]]),
        "uint8",
    ),
    *_of(
        "BBoxBatchGIOU",
        (19, 29),
        "a box that ends before it begins has an area, of either sign",
        overlaps.is_inverted,
        witness(a=SQUARE, b=[[0, 2, 0, 0]]),
    ),
    *_of(
        "BBoxBatchGIOU",
        (89, 90),
        "areas that are infinite in the dtype of the boxes make the GIoU no number",
        enclosing_leaves_reals,
        witness(a=[[0, 0, 2**80, 2**80]], b=[[0, 0, 2**80, 2**80]]),
    ),
    Divergence(
        "MM-020",
        "BBoxCornerToCenter",
        "of integers, sums and differences of corners are such integers: uint8 centres wrap",
        overlaps.sums_leave_integers,
        witness(x=[[17, 0, 239, 1]]),
        "uint8",
    ),
    Divergence(
        "MM-021",
        "BBoxCornerToCenter",
        "a sum of corners overflows where their middle does not: in float16 from 65,520 on",
        overlaps.sums_overflow,
        witness(x=[[32768, 0, 32800, 1]]),
        "float16",
    ),
    Divergence(
        "MM-022",
        "BBoxArea",
        "a box that ends before it begins has an area, of either sign",
        overlaps.is_inverted,
        witness(x=[[0, 1, 1, 0]]),
    ),
    Divergence(
        "MM-023",
        "BBoxArea",
        "in half precision the sides are rounded",
        overlaps.areas_round_in_half,
        witness(x=[[8.5, 0, 1715, 27]]),
        "float16",
    ),
    Divergence(
        "MM-024",
        "BBoxArea",
        "the area of integers is such an integer, and wraps",
        overlaps.areas_leave_integers,
        witness(x=[[0, 0, 65536, 32768]]),
        "int32",
    ),
)
