"""Generated mutants of operators without a block that no case can show, and why."""

from tests.mutants.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

EITHER_WAY = "along whichever set of boxes vectors run, each overlap is computed in the same steps"
NOTHING = "without boxes, loops over them do nothing"
SAFE_SIDE = "more overlaps than need be are computed with scaled coordinates, which changes none"
LOWER_GOAL = "a goal that is lower by a power of two leaves as much room below as above"
NO_DISTANCE = "the distance is 0, by whatever it is divided"
NEGATIVE_ZERO = "-0 equals 0 in all that is made of it"
SURE_ALONE = (
    "it only decides which areas are sure, where 1 is nothing beside the limits; and what is not "
    "sure is computed again, to the same result"
)
FINITE_ALONE = (
    "finite boxes are taken for others, so that rows are looked at again, of which those that are "
    "sure are left; an infinite one still makes nan of the sum, or an infinity"
)
SLOWER = "rows are looked at that hold nothing to select, one by one, and none is"
SAME_NUMBER = "of equal numbers the least is the same"
NO_LESS = "no magnitude is below 0, and the first that is larger takes its place"
ABOVE_INFINITY = "all that is selected among is finite, so above -inf"
ANY_NEGATIVE = "only whether it is negative is looked at"
FOUR_COLUMNS = "of four columns those at -2 and -1 are those at 2 and 3"
WIDTHS = (
    "boxes of an IoU over t have sides that differ by less than 1 - t of the longer, so that half "
    "sides are within reach of each other as centres are: other boxes are compared, beside all "
    "that have to be"
)
ADDS_NOTHING = "where no score is 1, nothing times the clamp is added to the same cross entropy"
SLOWER_CHECK = "only the check of the input uses it, and where that sees a fault, a slower one none"
LEFT_OUT_AGAIN = (
    "only the task-aligned matcher has a limit; what does not exceed it is selected last, and is "
    "left out by the matcher again"
)
ANY_ORIGIN = "sums of IoUs less another of them round otherwise, but within the bound"
COPY = "a copy holds the same numbers"
FLAT = "a flat array has one axis, which is its first and its last"
WIDER_REACH = "boxes that are farther apart are compared too, beside all that have to be"
BY_NUMBERS = (
    "the condition is met by fewer blocks, and those that are left are copied number by number, to "
    "the same bits"
)
MONOTONE = (
    "any cell that does not fall as a centre grows will do: it only leaves out boxes beyond reach"
)
LOWER_BAR = (
    "more is taken off a bar than rounding could raise it by, be it twice or half that: rows are "
    "looked at one by one that hold nothing to select, and none is"
)
AT_THE_LIMIT = "at the limit itself, what is computed either way is as right"
ANY_ORDER = (
    "candidates are the same in any order, and sums that round otherwise stay within the bound"
)
ALL_DIFFERENT = "no row is a candidate of a column twice"
ONE_IMAGE = "without a batch there is one image, the first and the last"
OVERWRITTEN = "all that are read have been written before"
NO_SECOND = "it stays where there is one column, and then there is no second cost to be as low"
ERROR_ALONE = "what only says where an invalid input is, no valid one reaches"
CHECKED_ONCE_MORE = (
    "where it is false, the input is checked, of which a valid one passes, and what is not sure "
    "computed again, to the same result"
)
NOT_FINITE_ALONE = "what holds nan or infinity is no valid input"

# Kernels that return whether all of their input is finite, or sure.
TELLING = (
    *(f"matcher/{name}.py" for name in ("hungarian", "atss", "simota", "threshold")),
    "matcher/task_aligned.py",
)
UNSURE = ("bbox/ioa.py", "bbox/enclosing.py", "cost/aligned.py", "cost/simota.py")

# Files, and what they return the only image of.
UNBATCHED = (
    ("bbox/pairs.py", "result"),
    ("coder/distance.py", "coded"),
    ("coder/heatmap_encoder.py", "result"),
    ("cost/aligned.py", "metrics"),
    ("cost/detr.py", "costs"),
    ("cost/distance.py", "distances"),
    ("cost/inside.py", "out"),
    ("cost/simota.py", "costs"),
    ("matcher/point.py", "out"),
)

EQUIVALENTS = (
    *(
        Equivalent(file, "return True", "return False", CHECKED_ONCE_MORE)
        for file in (*TELLING, *UNSURE)
    ),
    *(Equivalent(file, "return False", "return True", NOT_FINITE_ALONE) for file in TELLING),
    *(Equivalent(file, f"{name}[0]", f"{name}[ -1]", ONE_IMAGE) for file, name in UNBATCHED),
    *(
        Equivalent("suppression/cells.py", "2.0**-9:", other, WIDER_REACH)
        for other in ("1.0**-9:", "2.0**- 8:", "2.0**9:")
    ),
    *(
        Equivalent(
            "suppression/cells.py", "return (1 - least) * max(1.0, 0.5 / least)", other, WIDER_REACH
        )
        for other in (
            "return (1 + least) * max(1.0, 0.5 / least)",
            "return ( 2 - least) * max(1.0, 0.5 / least)",
            "return (1 - least) * max( 2.0, 0.5 / least)",
            "return (1 - least) * max(1.0, 1.5 / least)",
        )
    ),
    *(
        Equivalent(file, "copy=False", "copy=True", COPY)
        for file in (
            "anchor/grid.py",
            "coder/distance.py",
            "coder/heatmap_encoder.py",
            "cost/aligned.py",
            "cost/detr.py",
            "cost/distance.py",
            "cost/simota.py",
        )
    ),
    *(
        Equivalent("bbox/measured.py", old, new, NEGATIVE_ZERO)
        for old, new in (
            ("left + zero, top + zero", "left - zero, top + zero"),
            ("left + zero, top + zero", "left + zero, top - zero"),
            ("bottom + zero", "bottom - zero"),
        )
    ),
    *(
        Equivalent(file, "inputs[0].dtype)", other, "all inputs have one dtype by then")
        for file in ("coder/distance.py", "cost/detr.py")
        for other in ("inputs[ 1].dtype)", "inputs[ -1].dtype)")
    ),
    Equivalent("suppression/cells.py", "largest < FARTHEST", "largest <= FARTHEST", AT_THE_LIMIT),
    Equivalent("suppression/cells.py", "cells / span", "cells * span", MONOTONE),
    Equivalent(
        "cost/aligned.py", "values[i] > zero", "values[i] >= zero", "0 to a power above 0 is 0"
    ),
    Equivalent(
        "matcher/hungarian.py",
        "then = 1 - now",
        "then = 0 - now",
        "in place, where each length is read before it is written, it is slower, but the same",
    ),
    Equivalent("matcher/selection.py", "(inclusive and", "(inclusive or", LEFT_OUT_AGAIN),
    Equivalent("matcher/atss.py", "values[0] if", "values[ -1] if", ANY_ORIGIN),
    *(
        Equivalent("bbox/pairs.py", f"{flat}.shape[0]", f"{flat}.shape[ -1]", FLAT)
        for flat in ("boxes", "out")
    ),
    *(
        Equivalent("bbox/pairs.py", old, new, BY_NUMBERS)
        for old, new in (
            ("// count + 1 - first", "// count + 0 - first"),
            ("BLOCK) <= boxes", "BLOCK) < boxes"),
            ("4 * (first + BLOCK)", "5 * (first + BLOCK)"),
        )
    ),
    *(
        Equivalent("suppression/cells.py", f"0.5 * ({side}", f"1.5 * ({side}", WIDER_REACH)
        for side in ("width", "height")
    ),
    *(
        Equivalent("suppression/cells.py", "longest, largest = np.float64(0)", other, why)
        for other, why in (
            ("longest, largest = np.float64( 1)", WIDER_REACH),
            ("longest, largest = np.float64( -1)", NO_LESS),
        )
    ),
    Equivalent("suppression/cells.py", ", np.float64(0)", ", np.float64( 1)", WIDER_REACH),
    Equivalent("suppression/cells.py", ", np.float64(0)", ", np.float64( -1)", NO_LESS),
    Equivalent("suppression/cells.py", "least) * scale", "least) / scale", MONOTONE),
    *(
        Equivalent("suppression/nms.py", old, new, AT_THE_LIMIT)
        for old, new in (
            ("least < tiny", "least <= tiny"),
            ("largest > huge", "largest >= huge"),
            ("area >= tiny", "area > tiny"),
            ("area <= huge", "area < huge"),
        )
    ),
    *(
        Equivalent("matcher/selection.py", old, new, LOWER_BAR)
        for old, new in (
            ("2**-20", "2**- 21"),
            ("2**-20", "2**- 19"),
            ("2**-126", "2**- 127"),
            ("2**-126", "2**- 125"),
        )
    ),
    *(
        Equivalent("matcher/simota.py", "count > 0", other, NOTHING)
        for other in ("count >= 0", "count > -1")
    ),
    Equivalent("matcher/hungarian.py", "largest > HUGE", "largest >= HUGE", AT_THE_LIMIT),
    *(
        Equivalent("matcher/hungarian.py", "best, other = 0, 0", other, why)
        for other, why in (
            ("best, other = 1, 0", OVERWRITTEN),
            ("best, other = -1, 0", OVERWRITTEN),
            ("best, other = 0, 1", NO_SECOND),
            ("best, other = 0, -1", NO_SECOND),
        )
    ),
    Equivalent("matcher/atss.py", "candidates[k - 1] > row", "candidates[k - 2] > row", ANY_ORDER),
    Equivalent("matcher/atss.py", "[k - 1] > row", "[k - 1] >= row", ALL_DIFFERENT),
    Equivalent(
        "bbox/enclosing.py",
        "(out.shape[2], 2)",
        "(out.shape[2], 3)",
        "nothing looks at the column that is added",
    ),
    Equivalent("sampler/balanced.py", "signs < -1", "signs < 1", ERROR_ALONE),
    *(
        Equivalent(file, "count_b > count_a", "count_b >= count_a", EITHER_WAY)
        for file in ("bbox/ioa.py", "bbox/enclosing.py")
    ),
    Equivalent("bbox/ioa.py", "count_b == 0", "count_b == -1", NOTHING),
    Equivalent("bbox/ioa.py", "type(0), tiny", "type( -1), tiny", SURE_ALONE),
    *(
        Equivalent("bbox/ioa.py", "zero, half = out.dtype.type(0)", other, SURE_ALONE)
        for other in ("zero, half = out.dtype.type( 1)", "zero, half = out.dtype.type( -1)")
    ),
    Equivalent("bbox/ioa.py", "(box[2] - box[2])", "(box[2] + box[2])", FINITE_ALONE),
    Equivalent("bbox/ioa.py", "(box[2] - box[2])", "(box[ 3] - box[2])", FINITE_ALONE),
    Equivalent("bbox/ioa.py", "(box[1] - box[1])", "(box[1] - box[ 0])", FINITE_ALONE),
    Equivalent("bbox/enclosing.py", "int(info.minexp) // 2", "int(info.minexp) // 3", SAFE_SIDE),
    Equivalent("bbox/enclosing.py", "most - 1, int", "most - 2, int", LOWER_GOAL),
    Equivalent("bbox/enclosing.py", "return 0.0, 0.0", "return 1.0, 0.0", NO_DISTANCE),
    Equivalent("bbox/measured.py", "right + zero, bottom", "right - zero, bottom", NEGATIVE_ZERO),
    Equivalent(
        "cost/aligned.py", "own_scores.dtype.type(1)", "own_scores.dtype.type( 0)", SLOWER_CHECK
    ),
    Equivalent("cost/simota.py", "if count > zero", "if count >= zero", ADDS_NOTHING),
    Equivalent("matcher/threshold.py", "chosen = -1", "chosen = - 2", ANY_NEGATIVE),
    Equivalent("matcher/selection.py", "hit = False", "hit = True", SLOWER),
    Equivalent(
        "matcher/hungarian.py", "reduced < least else", "reduced <= least else", SAME_NUMBER
    ),
    Equivalent("matcher/hungarian.py", "largest = 0.0", "largest = -1.0", NO_LESS),
    Equivalent("matcher/simota.py", "lowest, False, room", "lowest, True, room", ABOVE_INFINITY),
    Equivalent("suppression/cells.py", "+ 0.5 * second", "+ -0.5 * second", WIDTHS),
    Equivalent("suppression/nms.py", "a[axis + 2]", "a[axis - 2]", FOUR_COLUMNS),
)
