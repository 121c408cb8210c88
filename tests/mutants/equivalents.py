"""Generated mutants that no case can show, each with the argument why."""

from typing import NamedTuple

__all__ = ["EQUIVALENTS", "why_equivalent"]


class Equivalent(NamedTuple):
    """A change of `old` into `new`, wherever it is all that changes in a line of the file."""

    file: str
    old: str
    new: str
    why: str


VECTOR = "a shape is an array of one axis, which is its first and its last"
FLAT = "a flat array has one axis, which is its first and its last"
SAME_SHAPE = "the four columns of a box have one shape"
ONE_AXIS_MORE = (
    "an array of one axis beside that of the batch is cut once and squeezed for each further axis, "
    "of which 0 and 1 both leave none"
)
OPPOSITE = "the opposite of 1 is its product with -1 and its quotient by -1"
CIPHER = (
    "another cipher of the same form: a round may be any function of a word and a key, and its "
    "lots are as different, and pass the laws of uniformity and independence, all that SPEC asks"
)
NO_MORE_THAN_ELIGIBLE = (
    "no more than the eligible anchors are ever taken, and these are among the N - P that are not "
    "positive"
)
BEYOND_ANY_ARRAY = "no image has 2**30 anchors, and the quota is limited to their number next"
ONE_OUTPUT = "there is one output, which is the first and the last"
SIGN_ALONE = "the sampler reads the sign of a match alone"
COPIED = "two of the three lengths are known, so the third is the same whether copied or inferred"
FIRST_AXIS_ALONE = "only the length of the first axis counts, and that is B whatever the others are"
CORNER = "what is squeezed has length 1 along both of the last two axes"
NOT_ZERO = "in this loop the exponent is not 0, so it is above 0 or below"
STEPS = "a power of 2 times or divided by powers of 2 is exact, in whatever steps"
KERNEL_OF_1_OR_3 = "kernels are 1 and 3 wide, and 1 // 3 == 1 // 2 and 3 // 3 == 3 // 2"
EMPTY_ANYWAY = (
    "with a side of 0 the product is 0 too, unless the other overflows, which fails nobody"
)
NO_NAME = "a pooling has no parameters, and outputs are returned by place, not by name"
GLOBAL = "a global pooling takes the whole image, whatever its kernel is"
WIDER = "a single array is as wide as itself, and one that is multiplied by 1 of its dtype stays so"

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

EQUIVALENTS = (
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
    Equivalent("matcher/hungarian.py", "own < least else", "own <= least else", SAME_NUMBER),
    Equivalent("matcher/hungarian.py", "largest = 0.0", "largest = -1.0", NO_LESS),
    Equivalent("matcher/simota.py", "lowest, False, room", "lowest, True, room", ABOVE_INFINITY),
    Equivalent("suppression/cells.py", "+ 0.5 * second", "+ -0.5 * second", WIDTHS),
    Equivalent("suppression/nms.py", "a[axis + 2]", "a[axis - 2]", FOUR_COLUMNS),
    Equivalent("bbox.py", "axis=0, begin=-2", "axis= -1, begin=-2", VECTOR),
    Equivalent("bbox.py", "parts[0]", "parts[ 1]", SAME_SHAPE),
    Equivalent("bbox.py", "parts[0]", "parts[ -1]", SAME_SHAPE),
    Equivalent(
        "matcher.py",
        "scores + 0.0",
        "scores - 0.0",
        "-0 stays -0, which only the radix sort of a GPU takes for less than 0: where there is a "
        "GPU a check may show it, and on a CPU none can",
    ),
    Equivalent("matcher.py", "F.ones_like(own) * -1", "F.ones_like(own) / -1", OPPOSITE),
    Equivalent(
        "sampler.py",
        "F.ones_like(matched)) - positives",
        "F.ones_like(matched)) + positives",
        NO_MORE_THAN_ELIGIBLE,
    ),
    *(
        Equivalent("sampler.py", "2**31", other, BEYOND_ANY_ARRAY)
        for other in ("3**31", "2** 32", "2** 30")
    ),
    Equivalent(
        "sampler.py",
        "begin=1, end=None",
        "begin= 0, end=None",
        "the logarithm of the sum of all classes, less the background, is the score as SPEC writes "
        "it; it grows with the log-odds, and rounds as the bound of scores allows",
    ),
    Equivalent(
        "sampler.py",
        "quota - 1",
        "quota - 0",
        "if the next key equals the last that is taken, both are the same number; if it is lower, "
        "the keys above it are exactly the quota, and none is left for its equals; beyond either "
        "end of a row the index is clipped",
    ),
    Equivalent(
        "sampler.py",
        "shape=(1,)",
        "shape=( 0,)",
        "the length that 0 copies is 1",
    ),
    Equivalent("sampler.py", "range(2)", "range( 3)", "a third key is drawn, but never used"),
    *(
        Equivalent("sampler.py", old, new, CIPHER)
        for old, new in (
            ("+ i * ROUND_STEP", "- i * ROUND_STEP"),
            ("i * ROUND_STEP", "i / ROUND_STEP"),
            ("keys[i % 2]", "keys[i % 1]"),
            ("right + middle", "right - middle"),
            ("/ 2 **", "/ 3 **"),
            ("/ 2 **", "/ 1 **"),
            ("WORD_BITS // 2", "WORD_BITS // 3"),
            ("left * WORDS + right", "left * WORDS - right"),
            ("left * WORDS + right", "left / WORDS + right"),
        )
    ),
    Equivalent("quota_sampler.py", "np.int64(0)", "np.int64( 1)", SIGN_ALONE),
    Equivalent("quota_sampler.py", "np.int64(-1)", "np.int64(- 2)", SIGN_ALONE),
    Equivalent("quota_sampler.py", "out_data[0]", "out_data[ -1]", ONE_OUTPUT),
    Equivalent("quota_sampler.py", "req[0]", "req[ -1]", ONE_OUTPUT),
    Equivalent(
        "quota_sampler.py",
        "writeable = False",
        "writeable = True",
        "kernels write to no input; for one that may be written to they are compiled again",
    ),
    *(
        Equivalent(file, old, old.replace("1", "0"), ONE_AXIS_MORE)
        for file, names in (
            ("coder/box_encoder.py", ("samples", "matches", "labels")),
            ("coder/class_encoder.py", ("samples", "matches", "refs")),
        )
        for old in (f"({name}, 1)" for name in names)
    ),
    Equivalent(
        "coder/box_encoder.py",
        "boxes[k + 2]",
        "boxes[k - 2]",
        "of four columns those at -2 and -1 are those at 2 and 3",
    ),
    Equivalent(
        "coder/class_decoder.py", "F.ones_like(ids) * -1", "F.ones_like(ids) / -1", OPPOSITE
    ),
    Equivalent("coder/heatmap_decoder.py", "axis=0, begin=3", "axis= -1, begin=3", VECTOR),
    Equivalent("coder/heatmap_decoder.py", "axis=0, begin=2", "axis= -1, begin=2", VECTOR),
    Equivalent(
        "predictor.py",
        "self.predictor(images), axis=0",
        "self.predictor(images), axis= 1",
        "an axis of length 1 before or behind the first moves no number, and both shapes are then "
        "given that of the input",
    ),
    Equivalent("feature.py", "kernel=(1, 1)))", "kernel=( 2, 1)))", GLOBAL),
    Equivalent("feature.py", "kernel=(1, 1)))", "kernel=(1, 2)))", GLOBAL),
    Equivalent("feature.py", "pad=(kernel // 2,", "pad=(kernel // 3,", KERNEL_OF_1_OR_3),
    Equivalent("feature.py", "kernel // 2),", "kernel // 3),", KERNEL_OF_1_OR_3),
    Equivalent(
        "feature.py",
        "strict=True",
        "strict=False",
        "that there are as many filters as outputs is required before",
    ),
    *(
        Equivalent("feature.py", '{deepest + 1}_pre"', other, NO_NAME)
        for other in ('{deepest - 1}_pre"', '{deepest + 2}_pre"', '{deepest + 0}_pre"')
    ),
    Equivalent("rows.py", "axis=-2)", "axis=- 1)", CORNER),
    Equivalent("rows.py", "end=(None, 1, 1)", "end=(None, 2, 1)", FIRST_AXIS_ALONE),
    Equivalent("rows.py", "end=(None, 1, 1)", "end=(None, 1, 2)", FIRST_AXIS_ALONE),
    *(
        Equivalent("rows.py", "shape=(0, -1)", other, FIRST_AXIS_ALONE)
        for other in ("shape=(0, 1)", "shape=(0, - 2)", "shape=(0, - 0)")
    ),
    Equivalent("rows.py", "axis=0, begin=1", "axis= -1, begin=1", VECTOR),
    Equivalent("rows.py", "shape=(-3, 0)", "shape=(-3, -1)", COPIED),
    Equivalent("rows.py", "shape=(0, 0)", "shape=(0, -1)", COPIED),
    Equivalent("rows.py", "shape=(0, 0)", "shape=( -1, 0)", COPIED),
    Equivalent("precision.py", "len(arrays) > 1", "len(arrays) >= 1", WIDER),
    Equivalent("precision.py", "len(arrays) > 1", "len(arrays) > 0", WIDER),
    Equivalent("precision.py", "arrays[1:]", "arrays[ 0:]", WIDER),
    Equivalent("precision.py", "wide[0]", "wide[ -1]", "the only one is the first and the last"),
    Equivalent(
        "bbox.py", "(width > 0) * (height > 0)", "(width >= 0) * (height > 0)", EMPTY_ANYWAY
    ),
    Equivalent(
        "bbox.py", "(width > 0) * (height > 0)", "(width > 0) * (height >= 0)", EMPTY_ANYWAY
    ),
    Equivalent("precision.py", "dim=0", "dim= -1", FLAT),
    Equivalent("precision.py", "axis=0", "axis= -1", FLAT),
    Equivalent(
        "precision.py",
        "int_ind=0",
        "int_ind= -1",
        "in an array of one element the place before the last is that before the first",
    ),
    Equivalent("precision.py", "exponent > 0", "exponent >= 0", NOT_ZERO),
    Equivalent("precision.py", "exponent > 0", "exponent > -1", NOT_ZERO),
    Equivalent("precision.py", "(exponent), 52)", "(exponent), 53)", STEPS),
    Equivalent("precision.py", "(exponent), 52)", "(exponent), 51)", STEPS),
)


def why_equivalent(file: str, before: str, after: str) -> str:
    """Return why the change of a line is declared equivalent; empty if it is not."""
    for entry in EQUIVALENTS:
        parts = before.split(entry.old)
        changed = (
            entry.old.join(parts[:i]) + entry.new + entry.old.join(parts[i:])
            for i in range(1, len(parts))
        )
        if file == entry.file and after in changed:
            return entry.why
    return ""
