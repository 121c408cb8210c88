"""Generated mutants of NMS that no case can show, by the reason why."""

from tests.mutants.equivalents.equivalent import declared
from tests.mutants.equivalents.reasons import (
    AT_THE_LIMIT,
    FOUR_COLUMNS,
    MORE_MEMORY,
    NO_LESS,
)

__all__ = ["EQUIVALENTS"]

EQUIVALENTS = declared(
    {
        "boxes that are farther apart are compared too, beside all that have to be": (
            ("suppression/cells.py", "2.0**-9:", "1.0**-9:"),
            ("suppression/cells.py", "2.0**-9:", "2.0**- 8:"),
            ("suppression/cells.py", "2.0**-9:", "2.0**9:"),
            ("suppression/cells.py", "(1 - least) / (2", "(1 + least) / (2"),
            ("suppression/cells.py", "(1 - least) / (2", "( 2 - least) / (2"),
            ("suppression/cells.py", "(2 * least)", "( 1 * least)"),
            ("suppression/cells.py", "0.5 * (width", "1.5 * (width"),
            ("suppression/cells.py", "0.5 * (height", "1.5 * (height"),
            (
                "suppression/cells.py",
                "longest, largest = np.float64(0)",
                "longest, largest = np.float64( 1)",
            ),
            ("suppression/cells.py", ", np.float64(0)", ", np.float64( 1)"),
            ("suppression/cells.py", "(1 - 2.0**-9)", "(1 - 2.0**9)"),
            ("suppression/cells.py", "2.0**-48", "2.0**48"),
            ("suppression/cells.py", "2.0**-48", "1.0**-48"),
            ("suppression/cells.py", "2.0**-48", "2.0**- 47"),
            ("suppression/cells.py", "largest * 2.0", "largest / 2.0"),
        ),
        "what is rounded is within a smaller share, or margin, too": (
            ("suppression/cells.py", "2.0**-9:", "3.0**-9:"),
            ("suppression/cells.py", "2.0**-9:", "2.0**- 10:"),
            ("suppression/cells.py", "(1 - 2.0**-9)", "(1 - 3.0**-9)"),
            ("suppression/cells.py", "(1 - 2.0**-9)", "(1 - 2.0**- 10)"),
            ("suppression/cells.py", "2.0**-48", "2.0**- 49"),
        ),
        "of a larger share, more boxes are compared than have to be": (
            ("suppression/cells.py", "(1 - 2.0**-9)", "(1 - 2.0**- 8)"),
        ),
        AT_THE_LIMIT: (
            ("suppression/cells.py", "span > NEAREST", "span >= NEAREST"),
            ("suppression/cells.py", "threshold < 2.0**-9", "threshold <= 2.0**-9"),
            ("suppression/nms.py", "least < tiny", "least <= tiny"),
            ("suppression/nms.py", "largest > huge", "largest >= huge"),
            ("suppression/nms.py", "area >= tiny", "area > tiny"),
            ("suppression/nms.py", "area <= huge", "area < huge"),
        ),
        (
            "any cell that does not fall as a centre grows will do: it only leaves out boxes "
            "beyond reach"
        ): (
            ("suppression/cells.py", "least) * scale", "least) / scale"),
            ("suppression/cells.py", "centres.max() - least", "centres.max() + least"),
            ("suppression/cells.py", "centre - least", "centre + least"),
            ("suppression/cells.py", "scale, 0.0)", "scale, 1.0)"),
            ("suppression/cells.py", "NEAREST else 0.0", "NEAREST else 1.0"),
        ),
        NO_LESS: (
            (
                "suppression/cells.py",
                "longest, largest = np.float64(0)",
                "longest, largest = np.float64( -1)",
            ),
            ("suppression/cells.py", ", np.float64(0)", ", np.float64( -1)"),
        ),
        (
            "boxes of an IoU over t have sides that differ by less than 1 - t of the longer, so"
            " that half sides are within reach of each other as centres are: other boxes are "
            "compared, beside all that have to be"
        ): (
            ("suppression/cells.py", "+ 0.5 * second", "+ -0.5 * second"),
            ("suppression/cells.py", "first + 0.5", "first - 0.5"),
            ("suppression/cells.py", "= 0.5 * first", "= -0.5 * first"),
        ),
        FOUR_COLUMNS: (
            ("suppression/cells.py", "box[low + 2]", "box[low - 2]"),
            ("suppression/nms.py", "a[axis + 2]", "a[axis - 2]"),
            ("suppression/nms.py", "b[axis + 2]", "b[axis - 2]"),
        ),
        "a box alone suppresses none": (("suppression/nms.py", "extended < 2", "extended < 1"),),
        "it is computed as for areas that are not sure, to the same result": (
            ("suppression/nms.py", "not has_extent or", "not has_extent and"),
            ("suppression/nms.py", "sure = 0, True", "sure = 0, False"),
        ),
        "a box without extent overlaps in nothing, and suppresses none": (
            ("suppression/cells.py", "box[2] > box[0]", "box[2] >= box[0]"),
            ("suppression/cells.py", "box[3] > box[1]", "box[3] >= box[1]"),
            ("suppression/cells.py", "and box[3]", "or box[3]"),
        ),
        "a finer grid, or a coarser one, only makes it slower": (
            ("suppression/cells.py", "/ PER_ROW", "* PER_ROW"),
            ("suppression/cells.py", "rows = max(1,", "rows = max( 2,"),
        ),
        "what is no 0 is gone": (("suppression/cells.py", "type(1)", "type( 2)"),),
        MORE_MEMORY: (("suppression/cells.py", "columns + 1, np", "columns + 2, np"),),
        "without an intersection the quotient is 0, or no number: neither is above a threshold": (
            ("suppression/nms.py", "if inter > zero", "if inter >= zero"),
        ),
    }
)
