"""Generated mutants of blocks that no case can show, each with the argument why."""

from tests.mutants.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

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

EQUIVALENTS = (
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
