"""Generated mutants of pairs of boxes, samplers, coders, NMS and others that no case can show."""

from tests.mutants.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

ONE_AXIS = "areas have two axes, of which it is the last"
DTYPE_ALONE = "only its dtype is looked at"
ERROR_ALONE = "what only says where an invalid input is, no valid one reaches"
INVALID = "what has a class that there is not is no valid input"
MORE_THAN_ALL = "a valid sampler has no other candidates, so that one more of them changes nothing"
SAME_FOR_ALL = "it divides by 1, however many of them there are"
CHECKED_AGAIN = "where it is not so, the check that follows finds nothing wrong"
ONLY_MEMORY = "it only says how much memory there has to be"
ROOM = "memory is taken that nothing looks at"
ONE_CHANNEL = "the mask has one channel, the first and the last"
ANY_UNIT = "any power of two near the sides keeps squares from overflow, and changes no digit"
NEVER_BELOW = "it is below 0 by rounding alone, which a radius may be off by"
ONE_ROUND = "a radius of 0 and one of less than 1 are the same"
LENGTH = "any negative length stands for all there is"
NO_EXTENT = "a box without extent overlaps in nothing, and suppresses none"
SLOWER = "it is computed as for areas that are not sure, to the same result"
ALONE = "a box alone suppresses none"
AT_THE_LIMIT = "at the limit itself, what is computed either way is as right"
MONOTONE = (
    "any cell that does not fall as a centre grows will do: it only leaves out boxes beyond reach"
)
WIDER_REACH = "boxes that are farther apart are compared too, beside all that have to be"
MORE_ROWS = "a finer grid, or a coarser one, only makes it slower"
FOUR_COLUMNS = "of four columns those at -2 and -1 are those at 2 and 3"
WIDTHS = (
    "boxes of an IoU over t have sides that differ by less than 1 - t of the longer, so that half "
    "sides are within reach of each other as centres are"
)

BY_NUMBERS = "fewer rows are written in whole vectors, and the others number by number, the same"
OVERWRITTEN = "what is written past the end of a row is written again, as the start of the next"
NO_ROW = "fewer rows than a vector has are none, be it 0 or 1"
FIRST_HALF = "a vector holds half of the four columns, or all, so that no third is begun"
FURTHER_DOWN = "columns go down by whole vectors, of which none begins between"
UNREAD = "lanes beyond the last box hold anything, and are not read"
NOTHING_BESIDE = "what is added is nothing beside so large an area"
UNUSED = "it is looked at where there is a whole exponent alone"
ZERO_TO_A_POWER = "0 to a power above 0 is 0"
ANY_MULTIPLE = "any multiple of the metrics is in their order"
LEFT_OUT_AGAIN = "what is 0 or less is selected last, and left out again, as it does not count"
ANY_NEGATIVE = "only whether it is negative is looked at"
ANY_BEST = "of columns that are as near another one is taken first, and the free one in the end"
LATER = "rows that are left are matched along shortest paths, as well"

COORDINATES = "image * boxes.shape[1] + i"

CHANGES = (
    ("bbox/pairs.py", "count + 1 - first", "count - 1 - first", BY_NUMBERS),
    ("bbox/pairs.py", "range(0, 4, lanes", "range(0, 3, lanes", FIRST_HALF),
    ("bbox/pairs.py", "block[:] = 0", "block[:] = 1", UNREAD),
    ("bbox/pairs.py", "block[:] = 0", "block[:] = -1", UNREAD),
    ("bbox/pairs.py", "(count - 1) // lanes", "(count - 0) // lanes", OVERWRITTEN),
    ("bbox/pairs.py", "max(0, min(rows", "max( 1, min(rows", NO_ROW),
    ("bbox/pairs.py", "range(last, -1,", "range(last, - 2,", FURTHER_DOWN),
    ("bbox/measured.py", "+ eps <= huge", "- eps <= huge", NOTHING_BESIDE),
    ("cost/aligned.py", "zero = out.dtype.type(0)", "zero = out.dtype.type( -1)", ZERO_TO_A_POWER),
    ("cost/aligned.py", "-1, False)", "-1, True)", UNUSED),
    ("matcher/task_aligned.py", "zero if inside", "zero if not inside", LEFT_OUT_AGAIN),
    ("matcher/task_aligned.py", "best = -1", "best = - 2", ANY_NEGATIVE),
    ("matcher/hungarian.py", "if row_of[first", "if not row_of[first", ANY_BEST),
    ("matcher/hungarian.py", "if bids == 0", "if not bids == 0", LATER),
    ("sampler/balanced.py", "reshape(-1, count)", "reshape(- 2, count)", LENGTH),
    *(
        ("suppression/cells.py", old, new, WIDER_REACH)
        for old, new in (
            ("(1 - 2.0**-9)", "(1 - 2.0**9)"),
            ("2.0**-48", "2.0**48"),
            ("2.0**-48", "1.0**-48"),
            ("2.0**-48", "2.0**- 47"),
        )
    ),
    ("matcher/point.py", "axis=-1, kind", "axis=1, kind", ONE_AXIS),
    ("matcher/point.py", "computing(0, dtype)", "computing( 1, dtype)", DTYPE_ALONE),
    ("matcher/point.py", "computing(0, dtype)", "computing( -1, dtype)", DTYPE_ALONE),
    ("sampler/balanced.py", "signs > 1)", "signs >= 1)", ERROR_ALONE),
    ("sampler/balanced.py", "signs > 1)", "signs > 2)", ERROR_ALONE),
    ("sampler/balanced.py", "signs > 1)", "signs > 0)", ERROR_ALONE),
    ("sampler/balanced.py", "signs < -1)", "signs <= -1)", ERROR_ALONE),
    ("sampler/balanced.py", "signs < -1)", "signs < - 2)", ERROR_ALONE),
    ("sampler/balanced.py", "signs < -1)", "signs < - 0)", ERROR_ALONE),
    ("sampler/balanced.py", ")[0])", ")[ 1])", ERROR_ALONE),
    ("sampler/balanced.py", ")[0])", ")[ -1])", ERROR_ALONE),
    ("sampler/balanced.py", "= 0, 0, 0", "= 0, 0, 1", MORE_THAN_ALL),
    ("sampler/balanced.py", "return False", "return True", ERROR_ALONE),
    ("coder/distance.py", "np.ones((1, 2)", "np.ones(( 2, 2)", SAME_FOR_ALL),
    ("coder/distance.py", "np.ones((1, 2)", "np.ones((1, 3)", SAME_FOR_ALL),
    ("coder/heatmap_encoder.py", "wrong >= 0", "wrong > 0", ERROR_ALONE),
    ("coder/heatmap_encoder.py", "wrong >= 0", "wrong >= 1", ERROR_ALONE),
    ("coder/heatmap_encoder.py", "rows.shape[1])", "rows.shape[ 2])", ERROR_ALONE),
    ("coder/heatmap_encoder.py", "rows.shape[1])", "rows.shape[ 0])", ERROR_ALONE),
    ("coder/heatmap_encoder.py", "label >= classes", "label > classes", INVALID),
    ("coder/heatmap_encoder.py", "label < 0", "label < -1", INVALID),
    ("coder/heatmap_encoder.py", "label < 0 or", "label < 0 and", INVALID),
    ("coder/heatmap_encoder.py", COORDINATES, "image * boxes.shape[1] - i", ERROR_ALONE),
    ("coder/heatmap_encoder.py", COORDINATES, "image / boxes.shape[1] + i", ERROR_ALONE),
    ("coder/heatmap_encoder.py", COORDINATES, "image * boxes.shape[ 2] + i", ERROR_ALONE),
    ("coder/heatmap_encoder.py", COORDINATES, "image * boxes.shape[ 0] + i", ERROR_ALONE),
    ("coder/heatmap_encoder.py", "return -1", "return - 2", ERROR_ALONE),
    ("coder/heatmap_encoder.py", "num_class, 2)", "num_class, 3)", ONLY_MEMORY),
    ("coder/heatmap_encoder.py", "num_class, 2)", "num_class, 1)", ONLY_MEMORY),
    ("coder/heatmap_encoder.py", "num_class, 2, 2, 1)", "num_class, 2, 2, 2)", ROOM),
    ("coder/heatmap_encoder.py", "mask[:, 0]", "mask[:, -1]", ONE_CHANNEL),
    ("coder/heatmap_encoder.py", "mask[image, 0,", "mask[image, -1,", ONE_CHANNEL),
    ("coder/heatmap_encoder.py", "reach + 1, profile", "reach + 2, profile", ROOM),
    ("coder/heatmap_encoder.py", "height == 0", "height == 1", ONE_ROUND),
    ("coder/heatmap_encoder.py", "[1] - 1)", "[1] + 1)", ANY_UNIT),
    ("coder/heatmap_encoder.py", "[1] - 1)", "[1] - 2)", ANY_UNIT),
    ("coder/heatmap_encoder.py", "[1] - 1)", "[1] - 0)", ANY_UNIT),
    ("coder/heatmap_encoder.py", "ldexp(1.0", "ldexp( 2.0", ANY_UNIT),
    ("anchor/grid.py", "count - len(halves)", "count + len(halves)", ERROR_ALONE),
    ("anchor/grid.py", "reshape(-1, 4)", "reshape(- 2, 4)", LENGTH),
    ("suppression/nms.py", "extended < 2", "extended < 1", ALONE),
    ("suppression/nms.py", "not has_extent or", "not has_extent and", SLOWER),
    ("suppression/nms.py", "sure = 0, True", "sure = 0, False", SLOWER),
    ("suppression/cells.py", "box[2] > box[0]", "box[2] >= box[0]", NO_EXTENT),
    ("suppression/cells.py", "box[3] > box[1]", "box[3] >= box[1]", NO_EXTENT),
    ("suppression/cells.py", "span > NEAREST", "span >= NEAREST", AT_THE_LIMIT),
    ("suppression/cells.py", "threshold < 2.0**-9", "threshold <= 2.0**-9", AT_THE_LIMIT),
    ("suppression/cells.py", "box[low + 2]", "box[low - 2]", FOUR_COLUMNS),
    ("suppression/cells.py", "first + 0.5", "first - 0.5", WIDTHS),
    ("suppression/cells.py", "centres.max() - least", "centres.max() + least", MONOTONE),
    ("suppression/cells.py", "centre - least", "centre + least", MONOTONE),
    ("suppression/cells.py", "largest * 2.0", "largest / 2.0", WIDER_REACH),
    ("suppression/cells.py", "/ PER_ROW", "* PER_ROW", MORE_ROWS),
)

EQUIVALENTS = tuple(Equivalent(*change) for change in CHANGES)
