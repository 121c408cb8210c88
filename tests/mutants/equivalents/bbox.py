"""Generated mutants of overlaps of boxes that no case can show, by the reason why."""

from tests.mutants.equivalents.equivalent import declared
from tests.mutants.equivalents.reasons import (
    ANY_LENGTH,
    AT_THE_LIMIT,
    CHECKED_AGAIN,
    MORE_MEMORY,
    ONE_IMAGE,
    OVER_NOTHING,
)

__all__ = ["EQUIVALENTS"]

EQUIVALENTS = declared(
    {
        CHECKED_AGAIN: (
            ("bbox/enclosing.py", "return True", "return False"),
            ("bbox/enclosing.py", "all_sure = True", "all_sure = False"),
            ("bbox/ioa.py", "return True", "return False"),
        ),
        ONE_IMAGE: (("bbox/pairs.py", "result[0]", "result[ -1]"),),
        "-0 equals 0 in all that is made of it": (
            ("bbox/enclosing.py", "left + zero", "left - zero"),
            ("bbox/enclosing.py", "top + zero", "top - zero"),
            ("bbox/enclosing.py", "right + zero", "right - zero"),
            ("bbox/enclosing.py", "bottom + zero", "bottom - zero"),
            ("bbox/measured.py", "left + zero, top + zero", "left - zero, top + zero"),
            ("bbox/measured.py", "left + zero, top + zero", "left + zero, top - zero"),
            ("bbox/measured.py", "bottom + zero", "bottom - zero"),
            ("bbox/measured.py", "right + zero, bottom", "right - zero, bottom"),
        ),
        "a flat array has one axis, which is its first and its last": (
            ("bbox/enclosing.py", "powers.shape[0]", "powers.shape[ -1]"),
            ("bbox/pairs.py", "boxes.shape[0]", "boxes.shape[ -1]"),
            ("bbox/pairs.py", "out.shape[0]", "out.shape[ -1]"),
        ),
        (
            "the condition is met by fewer blocks, and those that are left are copied number by"
            " number, to the same bits"
        ): (
            ("bbox/pairs.py", "// count + 1 - first", "// count + 0 - first"),
            ("bbox/pairs.py", "BLOCK) <= boxes", "BLOCK) < boxes"),
            ("bbox/pairs.py", "4 * (first + BLOCK)", "5 * (first + BLOCK)"),
        ),
        MORE_MEMORY: (
            ("bbox/enclosing.py", "(out.shape[2], 2)", "(out.shape[2], 3)"),
            ("bbox/enclosing.py", "shape[0], 6)", "shape[0], 7)"),
            ("bbox/enclosing.py", "np.empty(8 * BLOCK", "np.empty( 9 * BLOCK"),
            ("bbox/enclosing.py", "1 if along_b", "2 if along_b"),
            ("bbox/enclosing.py", "(j + 1) * BLOCK", "(j + 2) * BLOCK"),
            ("bbox/ioa.py", "shape[0], 5)", "shape[0], 6)"),
            ("bbox/ioa.py", "np.empty(8 * BLOCK", "np.empty( 9 * BLOCK"),
            ("bbox/ioa.py", "1 if along_b", "2 if along_b"),
            ("bbox/ioa.py", "(j + 1) * BLOCK", "(j + 2) * BLOCK"),
        ),
        "along whichever set of boxes vectors run, each overlap is computed in the same steps": (
            ("bbox/enclosing.py", "count_b > count_a", "count_b >= count_a"),
            ("bbox/enclosing.py", "a.shape[0], b.shape[0]", "a.shape[ 1], b.shape[0]"),
            ("bbox/enclosing.py", "a.shape[0], b.shape[0]", "a.shape[ -1], b.shape[0]"),
            ("bbox/ioa.py", "count_b > count_a", "count_b >= count_a"),
            ("bbox/ioa.py", "a.shape[0], b.shape[0]", "a.shape[ 1], b.shape[0]"),
            ("bbox/ioa.py", "a.shape[0], b.shape[0]", "a.shape[ -1], b.shape[0]"),
        ),
        OVER_NOTHING: (
            ("bbox/enclosing.py", "count_a == 0", "count_a == -1"),
            ("bbox/enclosing.py", "count_b == 0", "count_b == -1"),
            ("bbox/enclosing.py", "count_a == 0 or", "count_a == 0 and"),
            ("bbox/ioa.py", "count_b == 0", "count_b == -1"),
            ("bbox/ioa.py", "count_a == 0", "count_a == -1"),
        ),
        (
            "it only decides which areas are sure, where 1 is nothing beside the limits; and "
            "what is not sure is computed again, to the same result"
        ): (
            ("bbox/ioa.py", "type(0), tiny", "type( -1), tiny"),
            ("bbox/ioa.py", "zero, half = out.dtype.type(0)", "zero, half = out.dtype.type( 1)"),
            ("bbox/ioa.py", "zero, half = out.dtype.type(0)", "zero, half = out.dtype.type( -1)"),
        ),
        (
            "finite boxes are taken for others, so that rows are looked at again, of which "
            "those that are sure are left; an infinite one still makes nan of the sum, or an "
            "infinity"
        ): (
            ("bbox/ioa.py", "(box[2] - box[2])", "(box[2] + box[2])"),
            ("bbox/ioa.py", "(box[2] - box[2])", "(box[ 3] - box[2])"),
            ("bbox/ioa.py", "(box[1] - box[1])", "(box[1] - box[ 0])"),
        ),
        "more overlaps than need be are computed with scaled coordinates, which changes none": (
            ("bbox/enclosing.py", "int(info.minexp) // 2", "int(info.minexp) // 3"),
            ("bbox/enclosing.py", "kind(2.0**least)", "kind( 1.0**least)"),
            ("bbox/enclosing.py", "kind(2.0**most)", "kind( 1.0**most)"),
            ("bbox/enclosing.py", "limits[0], limits[1]", "limits[ 1], limits[1]"),
            ("bbox/enclosing.py", "limits[0], limits[1]", "limits[0], limits[ 2]"),
            ("bbox/enclosing.py", "limits[0], limits[1]", "limits[0], limits[ 0]"),
        ),
        (
            "of a pair the larger box is nearer to 1, or farther from it, and both ends of the "
            "dtype are far: the smaller one loses digits only where its share is below all numbers"
        ): (
            ("bbox/enclosing.py", "most - 1, int", "most - 2, int"),
            ("bbox/enclosing.py", "int(info.maxexp) // 2 - 4", "int(info.maxexp) // 3 - 4"),
            ("bbox/enclosing.py", "int(info.maxexp) // 2 - 4", "int(info.maxexp) // 2 - 5"),
            ("bbox/enclosing.py", "int(info.maxexp) - 1)", "int(info.maxexp) - 2)"),
        ),
        "twice as much is within the dtype, too: 32 squares of 2 ** (maxexp // 2 - 3)": (
            ("bbox/enclosing.py", "int(info.maxexp) // 2 - 4", "int(info.maxexp) // 2 - 3"),
            ("bbox/enclosing.py", "most - 1, int", "most - 0, int"),
            ("bbox/enclosing.py", "most - 1, int", "most + 1, int"),
        ),
        "of a centre box, edges on either side are those on the other": (
            ("bbox/enclosing.py", "type(0.5), limits[0]", "type( -0.5), limits[0]"),
        ),
        (
            "it only decides what is sure: edges within the limits have nearer ones between them, "
            "none of which is nearer to 0 than a unit of a centre that is itself within them"
        ): (("bbox/enclosing.py", "type(0.5), limits[0]", "type( 1.5), limits[0]"),),
        "what only CIoU looks at": (
            ("bbox/enclosing.py", "CIOU else 0.0", "CIOU else 1.0"),
            ("bbox/enclosing.py", "CIOU else 0.0", "CIOU else -1.0"),
        ),
        "lengths that suit each other stay below 2 ** (goal + 2), whose squares are numbers": (
            ("bbox/enclosing.py", "math.frexp(width)[1]", "math.frexp(width)[ 0]"),
            ("bbox/enclosing.py", "math.frexp(height)[1]", "math.frexp(height)[ 0]"),
        ),
        "the distance is 0, by whatever it is divided": (
            ("bbox/enclosing.py", "return 0.0, 0.0", "return 1.0, 0.0"),
            ("bbox/enclosing.py", "return 0.0, 0.0", "return -1.0, 0.0"),
            ("bbox/enclosing.py", "return 0.0, 0.0", "return 0.0, 1.0"),
            ("bbox/enclosing.py", "return 0.0, 0.0", "return 0.0, -1.0"),
        ),
        ANY_LENGTH: (
            ("bbox/enclosing.py", "reshape(-1)", "reshape(- 2)"),
            ("bbox/ioa.py", "reshape(-1)", "reshape(- 2)"),
        ),
        "seven parts of a block are used at most": (
            ("bbox/enclosing.py", "np.empty(8 * BLOCK", "np.empty( 7 * BLOCK"),
            ("bbox/ioa.py", "np.empty(8 * BLOCK", "np.empty( 7 * BLOCK"),
        ),
        "of a whole block results are in their place, and are copied onto themselves": (
            ("bbox/enclosing.py", "rows < BLOCK", "rows <= BLOCK"),
            ("bbox/ioa.py", "rows < BLOCK else 0", "rows <= BLOCK else 0"),
            ("bbox/ioa.py", "rows < BLOCK else 0", "rows < BLOCK else 1"),
            ("bbox/ioa.py", "rows < BLOCK else 0", "rows < BLOCK else -1"),
        ),
        "a side of 0 makes an area of 0": (
            ("bbox/enclosing.py", "(width > zero)", "(width >= zero)"),
            ("bbox/enclosing.py", "(height > zero)", "(height >= zero)"),
        ),
        "the arc tangent of infinity is a right angle": (
            ("bbox/enclosing.py", "if height > 0 else 1.0", "if height >= 0 else 1.0"),
        ),
        AT_THE_LIMIT: (
            ("bbox/enclosing.py", ">= least)", "> least)"),
            ("bbox/enclosing.py", "<= most)", "< most)"),
        ),
        "what is not sure is computed again, to the same result": (
            ("bbox/enclosing.py", "least - least", "least + least"),
            ("bbox/measured.py", "area >= tiny", "area > tiny"),
            ("bbox/measured.py", "width <= zero", "width < zero"),
            ("bbox/measured.py", "height <= zero", "height < zero"),
            ("bbox/measured.py", "eps <= huge", "eps < huge"),
            ("bbox/measured.py", "all_sure = True", "all_sure = False"),
        ),
        (
            "each coordinate is still looked at: finite boxes are taken for others, so that "
            "rows are seen to again, of which those that are sure are left"
        ): (
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[ 1] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[ -1] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[ 1]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[ -1]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] + box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[ 2] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[ 0] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[ 2]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[ 0]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] + box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[ 3] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[ 1] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[ 3]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[ 1]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] + box[2]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[ 2] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[ 2])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] + box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) - (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
            ),
            (
                "bbox/ioa.py",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) + (box[3] - box[3])",
                "(box[0] - box[0]) + (box[2] - box[2]), (box[1] - box[1]) - (box[3] - box[3])",
            ),
            ("bbox/ioa.py", "x + y == x - x", "x + y == x + x"),
            ("bbox/ioa.py", "x + y == x - x", "x - y == x - x"),
        ),
        "a box whose ends are infinite covers what they are beyond, as it does computed again": (
            ("bbox/ioa.py", "x + y == x - x", "x + y != x - x"),
        ),
        "fewer rows are written in whole vectors, and the others number by number, the same": (
            ("bbox/pairs.py", "count + 1 - first", "count - 1 - first"),
        ),
        "a vector holds half of the four columns, or all, so that no third is begun": (
            ("bbox/pairs.py", "range(0, 4, lanes", "range(0, 3, lanes"),
        ),
        "lanes beyond the last box hold anything, and are not read": (
            ("bbox/pairs.py", "block[:] = 0", "block[:] = 1"),
            ("bbox/pairs.py", "block[:] = 0", "block[:] = -1"),
        ),
        "what is written past the end of a row is written again, as the start of the next": (
            ("bbox/pairs.py", "(count - 1) // lanes", "(count - 0) // lanes"),
        ),
        "fewer rows than a vector has are none, be it 0 or 1": (
            ("bbox/pairs.py", "max(0, min(rows", "max( 1, min(rows"),
        ),
        "columns go down by whole vectors, of which none begins between": (
            ("bbox/pairs.py", "range(last, -1,", "range(last, - 2,"),
        ),
        "what is added is nothing beside so large an area": (
            ("bbox/measured.py", "+ eps <= huge", "- eps <= huge"),
        ),
    }
)
