"""Generated mutants of operators that change how a result is computed, and not what it is."""

from tests.mutants.equivalents.equivalent import Equivalent
from tests.mutants.mutant import OPERATOR_FILES, source

__all__ = ["EQUIVALENTS"]

LENGTH = "any negative length stands for all there is"
EITHER_WAY = "along whichever set of boxes vectors run, each overlap is computed in the same steps"
NOTHING = "without boxes, loops over them do nothing"
ROOM = "memory is taken that nothing looks at"
UNUSED = "seven parts of a block are used at most"
ONTO_ITSELF = "of a whole block results are in their place, and are copied onto themselves"
NEGATIVE_ZERO = "-0 equals 0 in all that is made of it"
NO_SIDE = "a side of 0 makes an area of 0"
ONE_RIGHT_ANGLE = "the arc tangent of infinity is a right angle"
AT_THE_LIMIT = "at the limit itself, what is computed either way is as right"
COMPUTED_AGAIN = "what is not sure is computed again, to the same result"
FINITE_ALONE = (
    "each coordinate is still looked at: finite boxes are taken for others, so that rows are seen "
    "to again, of which those that are sure are left"
)
BEYOND_ALL = "a box whose ends are infinite covers what they are beyond, as it does computed again"
ROWS_AT_ONCE = "how many rows are looked at in one go is a matter of time"
SAME_LARGEST = "of equal numbers the largest is the same"
WITH_ITSELF = "a number is not larger than itself"
LOOKED_AT_AGAIN = "rows are looked at again that hold nothing more"
SAME_NEIGHBOUR = "what comes next on the way to 1 comes next on the way to 2"
ABOVE_ZERO = "a best pair's IoU is above 0 whatever the least quality"
OF_A_SIGN = "a sign is its own inverse"
LOWER_BAR = (
    "a bar that is lower lets more rows be looked at one by one, of which those are taken that "
    "would have been"
)
LEFT_OUT_AGAIN = (
    "only the task-aligned matcher has a limit; what does not exceed it is selected last, and is "
    "left out by the matcher again"
)
AT_LEAST_ONE = "each column has room for one at least, so that the most is as much"
FOUR_COLUMNS = "of four columns those at -2 and -1 are those at 2 and 3"
SLOWER_POWER = "powers come out the same either way, within the bound"
BELOW_THE_BOUND = "what it changes is less than the bound allows"
MIRRORED = "centres that are all mirrored at the origin are as far apart"
ONE_NUMBER = "it holds one number, the first and the last"
ONE_BY_ONE = "products that vanish are taken one by one, to the same result"
ANY_SCALE = "the largest is looked for from any of them"
OVERWRITTEN = "all that are read have been written before"
ANY_MULTIPLE = "any multiple of the distances is in their order"
ANY_ORDER = (
    "candidates are the same in any order, and sums that round otherwise stay within the bound"
)
NO_CANDIDATE = "without candidates there is nothing that it would be taken off"
ABOVE_INFINITY = "all that is selected among is finite, so above -inf"
INVALID = "what holds nan or infinity is no valid input"
ONE_AT_LEAST = "a sum below 2 selects one either way"
WITHIN_ROUNDING = (
    "sums that rounding takes to a whole number, or from it, may be either: these are the only ones"
)
NOT_A_POWER = "what is raised so is looked at for being negative alone"
CHECKED_AGAIN = "where it is false, the input is checked once more, and a valid one passes"

FINITE = "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])"
OVERLAPS = ("bbox/ioa.py", "bbox/enclosing.py")

EQUIVALENTS = (
    *(
        Equivalent(file, "reshape(-1)", "reshape(- 2)", LENGTH)
        for file in OPERATOR_FILES
        if "reshape(-1)" in source(file)
    ),
    *(
        Equivalent(file, "a.shape[0], b.shape[0]", f"a.shape[ {axis}], b.shape[0]", EITHER_WAY)
        for file in OVERLAPS
        for axis in (1, -1)
    ),
    *(Equivalent(file, "count_a == 0", "count_a == -1", NOTHING) for file in OVERLAPS),
    Equivalent("bbox/enclosing.py", "count_b == 0", "count_b == -1", NOTHING),
    Equivalent("bbox/ioa.py", "shape[0], 5)", "shape[0], 6)", ROOM),
    Equivalent("bbox/enclosing.py", "shape[0], 6)", "shape[0], 7)", ROOM),
    *(
        Equivalent(file, "np.empty(8 * BLOCK", f"np.empty( {parts} * BLOCK", why)
        for file in OVERLAPS
        for parts, why in ((9, ROOM), (7, UNUSED))
    ),
    *(Equivalent(file, "1 if along_b", "2 if along_b", ROOM) for file in OVERLAPS),
    *(Equivalent(file, "(j + 1) * BLOCK", "(j + 2) * BLOCK", ROOM) for file in OVERLAPS),
    *(
        Equivalent("bbox/ioa.py", "rows < BLOCK else 0", other, ONTO_ITSELF)
        for other in ("rows <= BLOCK else 0", "rows < BLOCK else 1", "rows < BLOCK else -1")
    ),
    Equivalent("bbox/enclosing.py", "rows < BLOCK", "rows <= BLOCK", ONTO_ITSELF),
    *(
        Equivalent("bbox/enclosing.py", f"{side} + zero", f"{side} - zero", NEGATIVE_ZERO)
        for side in ("left", "top", "right", "bottom")
    ),
    *(
        Equivalent("bbox/enclosing.py", f"({side} > zero)", f"({side} >= zero)", NO_SIDE)
        for side in ("width", "height")
    ),
    Equivalent(
        "bbox/enclosing.py", "if height > 0 else 1.0", "if height >= 0 else 1.0", ONE_RIGHT_ANGLE
    ),
    *(
        Equivalent("bbox/enclosing.py", old, new, AT_THE_LIMIT)
        for old, new in ((">= least)", "> least)"), ("<= most)", "< most)"))
    ),
    Equivalent("bbox/enclosing.py", "least - least", "least + least", COMPUTED_AGAIN),
    *(
        Equivalent("bbox/measured.py", old, new, COMPUTED_AGAIN)
        for old, new in (
            ("area >= tiny", "area > tiny"),
            ("width <= zero", "width < zero"),
            ("height <= zero", "height < zero"),
            ("eps <= huge", "eps < huge"),
            ("all_sure = True", "all_sure = False"),
        )
    ),
    *(
        Equivalent("bbox/ioa.py", FINITE, FINITE.replace(old, new, 1), FINITE_ALONE)
        for k in range(4)
        for old, new in (
            *((f"(box[{k}] -", f"(box[ {i}] -") for i in (k + 1, k - 1) if i < 4),
            *((f"- box[{k}])", f"- box[ {i}])") for i in (k + 1, k - 1) if i < 4),
            (f"(box[{k}] - box[{k}])", f"(box[{k}] + box[{k}])"),
        )
    ),
    *(
        Equivalent("bbox/ioa.py", FINITE, FINITE.replace(old, new, 1), FINITE_ALONE)
        for old, new in (("box[0]) + (", "box[0]) - ("), ("box[1]) + (", "box[1]) - ("))
    ),
    *(
        Equivalent("bbox/ioa.py", "x + y == x - x", other, why)
        for other, why in (
            ("x + y == x + x", FINITE_ALONE),
            ("x - y == x - x", FINITE_ALONE),
            ("x + y != x - x", BEYOND_ALL),
        )
    ),
    Equivalent("matcher/threshold.py", "float = 0.0", "float = -1.0", ABOVE_ZERO),
    Equivalent("matcher/threshold.py", "kind(0), kind(1)", "kind(0), kind( 2)", SAME_NEIGHBOUR),
    *(
        Equivalent("matcher/threshold.py", old, new, ROWS_AT_ONCE)
        for old, new in (
            ("max(1, STEP", "max( 2, STEP"),
            ("max(1, BLOCK", "max( 2, BLOCK"),
        )
    ),
    Equivalent("matcher/threshold.py", "> top else", ">= top else", SAME_LARGEST),
    Equivalent(
        "matcher/threshold.py", "range(1, x.shape[1])", "range( 0, x.shape[1])", WITH_ITSELF
    ),
    Equivalent("matcher/threshold.py", "(k + 1) * part", "(k + 2) * part", LOOKED_AT_AGAIN),
    *(
        Equivalent("matcher/threshold.py", f"{name} = False", f"{name} = True", LOOKED_AT_AGAIN)
        for name in ("hit", "found")
    ),
    *(
        Equivalent("matcher/selection.py", f"{number} * sign", f"{number} / sign", OF_A_SIGN)
        for number in ("block[i]", "row[c]", "deal[i]")
    ),
    *(
        Equivalent("matcher/selection.py", f"sign > bar[{i}]", f"sign >= bar[{i}]", LOWER_BAR)
        for i in "ic"
    ),
    Equivalent(
        "matcher/selection.py",
        "values[c, 0] > least[c]",
        "values[c, 0] >= least[c]",
        SAME_LARGEST,
    ),
    Equivalent("matcher/selection.py", "> largest[i]", ">= largest[i]", SAME_LARGEST),
    *(
        Equivalent("matcher/selection.py", old, new, ROWS_AT_ONCE)
        for old, new in (
            ("count < WORTHWHILE", "count <= WORTHWHILE"),
            ("max(1, TESTED", "max( 2, TESTED"),
        )
    ),
    Equivalent("matcher/selection.py", "value > low or", "value >= low or", LEFT_OUT_AGAIN),
    *(
        Equivalent("matcher/selection.py", old, new, LOWER_BAR)
        for old, new in (
            ("floor) * eps", "floor) / eps"),
            ("2**-20", "2**20"),
            ("2**-20", " 1**-20"),
            ("2**-126", "2**126"),
            ("2**-126", " 1**-126"),
            ("size + 1, size", "size + 0, size"),
            ("WORTHWHILE * groups", "WORTHWHILE / groups"),
        )
    ),
    *(
        Equivalent("matcher/selection.py", "most = 0", f"most = {other}", AT_LEAST_ONE)
        for other in (1, -1)
    ),
    Equivalent("matcher/selection.py", "> heap[0]", ">= heap[0]", SAME_LARGEST),
    *(
        Equivalent("matcher/selection.py", old, new, LOWER_BAR)
        for old, new in (
            ("heap[0]:", "heap[ 1]:"),
            ("heap[0]:", "heap[ -1]:"),
            ("places, 0, room", "places, 1, room"),
            ("places, 0, room", "places, -1, room"),
            ("size + 1, size", "size - 1, size"),
        )
    ),
    Equivalent(
        "matcher/selection.py",
        "x.dtype), np.full(size, -np.inf",
        "x.dtype), np.full(size, np.inf",
        OVERWRITTEN,
    ),
    *(
        Equivalent("matcher/selection.py", "largest[i], 0)", f"largest[i], {row})", LOWER_BAR)
        for row in (1, -1)
    ),
    *(
        Equivalent("cost/inside.py", f"k + 2{end}", f"k - 2{end}", FOUR_COLUMNS)
        for end in ("]", ", j]")
    ),
    Equivalent("cost/inside.py", "np.empty((4,", "np.empty(( 5,", ROOM),
    *(
        Equivalent(file, f"{name}.size == 0", f"{name}.size == -1", NOTHING)
        for file, name in (
            ("cost/aligned.py", "out"),
            ("cost/simota.py", "out"),
            ("cost/detr.py", "logits"),
        )
    ),
    *(
        Equivalent(f"cost/{name}.py", "max(1, BLOCK", "max( 2, BLOCK", ROWS_AT_ONCE)
        for name in ("aligned", "simota")
    ),
    *(
        Equivalent("cost/logarithm.py", old, new, BELOW_THE_BOUND)
        for old, new in (
            ("+ LOG2_REST", "- LOG2_REST"),
            ("/ 2.0**digits", "/ 3.0**digits"),
            ("series[0]", "series[ 1]"),
            ("series[0]", "series[ -1]"),
            ("range(1, len", "range( 0, len"),
        )
    ),
    *(
        Equivalent("cost/simota.py", old, new, AT_THE_LIMIT)
        for old, new in (
            ("part[0] >= tiny", "part[0] > tiny"),
            (">= numbers.tiny", "> numbers.tiny"),
            ("< numbers.least", "<= numbers.least"),
        )
    ),
    *(
        Equivalent("cost/simota.py", old, new, CHECKED_AGAIN)
        for old, new in (
            (">= zero) &", "> zero) &"),
            ("<= largest)", "< largest)"),
            ("right = True", "right = False"),
        )
    ),
    *(
        Equivalent("cost/simota.py", old, new, ONE_BY_ONE)
        for old, new in (
            ("|= count > zero", "|= count >= zero"),
            ("any_zeros = False", "any_zeros = True"),
            ("rows.dtype.type(1)", "rows.dtype.type( 0)"),
        )
    ),
    Equivalent("cost/simota.py", "np.empty(1, row", "np.empty( 2, row", ROOM),
    Equivalent("cost/simota.py", "part[0]", "part[ -1]", ONE_NUMBER),
    Equivalent("cost/detr.py", "logit >= zero", "logit > zero", AT_THE_LIMIT),
    Equivalent("cost/detr.py", "logits[0], zero", "logits[ -1], zero", ANY_SCALE),
    Equivalent("cost/detr.py", "np.empty((14,", "np.empty(( 15,", ROOM),
    Equivalent("cost/distance.py", "type(0.5)", "type( -0.5)", MIRRORED),
    Equivalent("cost/aligned.py", "value, -1", "value, - 2", NOT_A_POWER),
    *(
        Equivalent("cost/aligned.py", old, new, CHECKED_AGAIN)
        for old, new in (
            ("own_scores.dtype.type(0)", "own_scores.dtype.type( 1)"),
            ("own_scores.dtype.type(0)", "own_scores.dtype.type( -1)"),
            ("own_scores.dtype.type(1)", "own_scores.dtype.type( 2)"),
        )
    ),
    *(
        Equivalent("cost/aligned.py", old, new, SLOWER_POWER)
        for old, new in (
            ("<= 2 * LARGEST", "< 2 * LARGEST"),
            ("<= 2 * LARGEST", "<= 3 * LARGEST"),
            ("<= 2 * LARGEST", "<= 1 * LARGEST"),
            ("<= 2 * LARGEST", "<= 2 / LARGEST"),
        )
    ),
    *(
        Equivalent(file, name, name.replace("True", "False"), CHECKED_AGAIN)
        for file, name in (
            ("bbox/enclosing.py", "all_sure = True"),
            ("cost/aligned.py", "right = True"),
        )
    ),
    Equivalent("matcher/atss.py", "ious.size == 0", "ious.size == -1", NOTHING),
    Equivalent("matcher/atss.py", "candidates[k - 1] > row", "candidates[k - 0] > row", ANY_ORDER),
    *(
        Equivalent("matcher/atss.py", "largest, origin = 0.0", f"largest, origin = {x}", ANY_SCALE)
        for x in ("1.0", "-1.0")
    ),
    *(
        Equivalent("matcher/atss.py", "if count else 0.0", other, NO_CANDIDATE)
        for other in ("if count else 1.0", "if count else -1.0", "if not count else 0.0")
    ),
    Equivalent("matcher/atss.py", "low, True, room", "low, False, room", ABOVE_INFINITY),
    *(
        Equivalent(f"matcher/{name}.py", ") and all_finite(", ") or all_finite(", INVALID)
        for name in ("atss", "simota", "task_aligned")
    ),
    Equivalent("matcher/simota.py", "most > topk", "most >= topk", AT_THE_LIMIT),
    Equivalent("matcher/simota.py", "found >= count", "found > count", AT_THE_LIMIT),
    *(
        Equivalent("matcher/simota.py", "found < 1", other, ONE_AT_LEAST)
        for other in ("found <= 1", "found < 2", "found < 0")
    ),
    *(
        Equivalent("matcher/simota.py", old, new, WITHIN_ROUNDING)
        for old, new in (
            ("total + term", "total - term"),
            (") + (term", ") - (term"),
            ("total + lost", "total - lost"),
            ("- found) + lost", "- found) - lost"),
            ("(total - found)", "(total + found)"),
            ("found - total", "found + total"),
            ("k - 1 if", "k - 0 if"),
            ("lost < 0", "lost < -1"),
        )
    ),
    *(
        Equivalent("matcher/simota.py", "most = 0", f"most = {other}", AT_LEAST_ONE)
        for other in (1, -1)
    ),
)
