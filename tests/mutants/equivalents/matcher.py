"""Generated mutants of matchers that no case can show, by the reason why."""

from tests.mutants.equivalents.equivalent import declared
from tests.mutants.equivalents.reasons import (
    ANY_LENGTH,
    AT_THE_LIMIT,
    CHECKED_AGAIN,
    FROM_ANY,
    MORE_MEMORY,
    NO_LESS,
    ONE_IMAGE,
    OVER_NOTHING,
    ROWS_AT_ONCE,
)

__all__ = ["EQUIVALENTS"]

EQUIVALENTS = declared(
    {
        "where no bar is known, more rows are looked at": (
            ("matcher/selection.py", "if largest[i] >", "if not largest[i] >"),
        ),
        CHECKED_AGAIN: (
            ("matcher/atss.py", "return True", "return False"),
            ("matcher/hungarian.py", "return True", "return False"),
            ("matcher/simota.py", "return True", "return False"),
            ("matcher/task_aligned.py", "return True", "return False"),
            ("matcher/threshold.py", "return True", "return False"),
        ),
        "what holds nan or infinity is no valid input": (
            ("matcher/atss.py", "return False", "return True"),
            ("matcher/atss.py", ") and all_finite(", ") or all_finite("),
            ("matcher/hungarian.py", "return False", "return True"),
            ("matcher/simota.py", "return False", "return True"),
            ("matcher/simota.py", ") and all_finite(", ") or all_finite("),
            ("matcher/task_aligned.py", "return False", "return True"),
            ("matcher/task_aligned.py", ") and all_finite(", ") or all_finite("),
            ("matcher/threshold.py", "return False", "return True"),
        ),
        ONE_IMAGE: (("matcher/point.py", "out[0]", "out[ -1]"),),
        "in place, where each length is read before it is written, it is slower, but the same": (
            ("matcher/hungarian.py", "then = 1 - now", "then = 0 - now"),
        ),
        (
            "only the task-aligned matcher has a limit; what does not exceed it is selected "
            "last, and is left out by the matcher again"
        ): (
            ("matcher/selection.py", "(inclusive and", "(inclusive or"),
            ("matcher/selection.py", "value > low or", "value >= low or"),
        ),
        "sums of IoUs less another of them round otherwise, but within the bound": (
            ("matcher/atss.py", "values[0] if", "values[ -1] if"),
        ),
        (
            "more is taken off a bar than rounding could raise it by, be it twice or half that:"
            " rows are looked at one by one that hold nothing to select, and none is"
        ): (
            ("matcher/selection.py", "2**-20", "2**- 21"),
            ("matcher/selection.py", "2**-20", "2**- 19"),
            ("matcher/selection.py", "2**-126", "2**- 127"),
            ("matcher/selection.py", "2**-126", "2**- 125"),
        ),
        OVER_NOTHING: (
            ("matcher/atss.py", "ious.size == 0", "ious.size == -1"),
            ("matcher/hungarian.py", "cost.size == 0", "cost.size == -1"),
            ("matcher/hungarian.py", "count == 0", "count == -1"),
            ("matcher/simota.py", "count > 0", "count >= 0"),
            ("matcher/simota.py", "count > 0", "count > -1"),
        ),
        AT_THE_LIMIT: (
            ("matcher/hungarian.py", "largest > HUGE", "largest >= HUGE"),
            ("matcher/simota.py", "most > topk", "most >= topk"),
            ("matcher/simota.py", "found >= count", "found > count"),
        ),
        "all that are read have been written before": (
            ("matcher/hungarian.py", "best, other = 0, 0", "best, other = 1, 0"),
            ("matcher/hungarian.py", "best, other = 0, 0", "best, other = -1, 0"),
            (
                "matcher/selection.py",
                "x.dtype), np.full(size, -np.inf",
                "x.dtype), np.full(size, np.inf",
            ),
        ),
        "it stays where there is one column, and then there is no second cost to be as low": (
            ("matcher/hungarian.py", "best, other = 0, 0", "best, other = 0, 1"),
            ("matcher/hungarian.py", "best, other = 0, 0", "best, other = 0, -1"),
        ),
        (
            "candidates are the same in any order, and sums that round otherwise stay within "
            "the bound"
        ): (
            ("matcher/atss.py", "candidates[k - 1] > row", "candidates[k - 2] > row"),
            ("matcher/atss.py", "candidates[k - 1] > row", "candidates[k - 0] > row"),
        ),
        "no row is a candidate of a column twice": (
            ("matcher/atss.py", "[k - 1] > row", "[k - 1] >= row"),
        ),
        "only whether it is negative is looked at": (
            ("matcher/hungarian.py", "nearest = -1", "nearest = - 2"),
            ("matcher/task_aligned.py", "best = -1", "best = - 2"),
            ("matcher/threshold.py", "chosen = -1", "chosen = - 2"),
        ),
        "rows are looked at that hold nothing to select, one by one, and none is": (
            ("matcher/selection.py", "hit = False", "hit = True"),
        ),
        "of equal numbers the least is the same": (
            ("matcher/hungarian.py", "reduced < least else", "reduced <= least else"),
        ),
        NO_LESS: (("matcher/hungarian.py", "largest = 0.0", "largest = -1.0"),),
        "all that is selected among is finite, so above -inf": (
            ("matcher/atss.py", "low, True, room", "low, False, room"),
            ("matcher/simota.py", "lowest, False, room", "lowest, True, room"),
        ),
        ANY_LENGTH: (
            ("matcher/hungarian.py", "reshape(-1)", "reshape(- 2)"),
            ("matcher/selection.py", "reshape(-1)", "reshape(- 2)"),
            ("matcher/threshold.py", "reshape(-1)", "reshape(- 2)"),
        ),
        "a best pair's IoU is above 0 whatever the least quality": (
            ("matcher/threshold.py", "float = 0.0", "float = -1.0"),
        ),
        "what comes next on the way to 1 comes next on the way to 2": (
            ("matcher/threshold.py", "kind(0), kind(1)", "kind(0), kind( 2)"),
        ),
        ROWS_AT_ONCE: (
            ("matcher/selection.py", "count < WORTHWHILE", "count <= WORTHWHILE"),
            ("matcher/selection.py", "max(1, TESTED", "max( 2, TESTED"),
            ("matcher/threshold.py", "max(1, STEP", "max( 2, STEP"),
            ("matcher/threshold.py", "max(1, BLOCK", "max( 2, BLOCK"),
        ),
        "of equal numbers the largest is the same": (
            ("matcher/hungarian.py", "> largest else", ">= largest else"),
            ("matcher/selection.py", "values[c, 0] > least[c]", "values[c, 0] >= least[c]"),
            ("matcher/selection.py", "> largest[i]", ">= largest[i]"),
            ("matcher/selection.py", "> heap[0]", ">= heap[0]"),
            ("matcher/threshold.py", "> top else", ">= top else"),
        ),
        "a number is not larger than itself": (
            ("matcher/threshold.py", "range(1, x.shape[1])", "range( 0, x.shape[1])"),
        ),
        "rows are looked at again that hold nothing more": (
            ("matcher/threshold.py", "(k + 1) * part", "(k + 2) * part"),
            ("matcher/threshold.py", "hit = False", "hit = True"),
            ("matcher/threshold.py", "found = False", "found = True"),
        ),
        "a sign is its own inverse": (
            ("matcher/selection.py", "block[i] * sign", "block[i] / sign"),
            ("matcher/selection.py", "row[c] * sign", "row[c] / sign"),
            ("matcher/selection.py", "deal[i] * sign", "deal[i] / sign"),
        ),
        (
            "a bar that is lower lets more rows be looked at one by one, of which those are "
            "taken that would have been"
        ): (
            ("matcher/selection.py", "sign > bar[i]", "sign >= bar[i]"),
            ("matcher/selection.py", "sign > bar[c]", "sign >= bar[c]"),
            ("matcher/selection.py", "floor) * eps", "floor) / eps"),
            ("matcher/selection.py", "2**-20", "2**20"),
            ("matcher/selection.py", "2**-20", " 1**-20"),
            ("matcher/selection.py", "2**-126", "2**126"),
            ("matcher/selection.py", "2**-126", " 1**-126"),
            ("matcher/selection.py", "size + 1, size", "size + 0, size"),
            ("matcher/selection.py", "WORTHWHILE * groups", "WORTHWHILE / groups"),
            ("matcher/selection.py", "heap[0]:", "heap[ 1]:"),
            ("matcher/selection.py", "heap[0]:", "heap[ -1]:"),
            ("matcher/selection.py", "places, 0, room", "places, 1, room"),
            ("matcher/selection.py", "places, 0, room", "places, -1, room"),
            ("matcher/selection.py", "size + 1, size", "size - 1, size"),
            ("matcher/selection.py", "largest[i], 0)", "largest[i], 1)"),
            ("matcher/selection.py", "largest[i], 0)", "largest[i], -1)"),
        ),
        "each column has room for one at least, so that the most is as much": (
            ("matcher/selection.py", "most = 0", "most = 1"),
            ("matcher/selection.py", "most = 0", "most = -1"),
            ("matcher/simota.py", "most = 0", "most = 1"),
            ("matcher/simota.py", "most = 0", "most = -1"),
        ),
        FROM_ANY: (
            ("matcher/atss.py", "largest, origin = 0.0", "largest, origin = 1.0"),
            ("matcher/atss.py", "largest, origin = 0.0", "largest, origin = -1.0"),
        ),
        "without candidates there is nothing that it would be taken off": (
            ("matcher/atss.py", "if count else 0.0", "if count else 1.0"),
            ("matcher/atss.py", "if count else 0.0", "if count else -1.0"),
            ("matcher/atss.py", "if count else 0.0", "if not count else 0.0"),
        ),
        "a sum below 2 selects one either way": (
            ("matcher/simota.py", "found < 1", "found <= 1"),
            ("matcher/simota.py", "found < 1", "found < 2"),
            ("matcher/simota.py", "found < 1", "found < 0"),
        ),
        (
            "sums that rounding takes to a whole number, or from it, may be either: these are "
            "the only ones"
        ): (
            ("matcher/simota.py", "total + term", "total - term"),
            ("matcher/simota.py", ") + (term", ") - (term"),
            ("matcher/simota.py", "total + lost", "total - lost"),
            ("matcher/simota.py", "- found) + lost", "- found) - lost"),
            ("matcher/simota.py", "(total - found)", "(total + found)"),
            ("matcher/simota.py", "found - total", "found + total"),
            ("matcher/simota.py", "k - 1 if", "k - 0 if"),
            ("matcher/simota.py", "lost < 0", "lost < -1"),
        ),
        "it is compared with a huge number alone, which 1 is not": (
            ("matcher/hungarian.py", "largest = 0.0", "largest = 1.0"),
        ),
        "a tile that begins before the first number has nothing more in it": (
            ("matcher/hungarian.py", "range(0, count, TILE)", "range( -1, count, TILE)"),
            ("matcher/hungarian.py", "range(0, columns, TILE)", "range( -1, columns, TILE)"),
        ),
        MORE_MEMORY: (("matcher/hungarian.py", "np.empty((2, columns)", "np.empty(( 3, columns)"),),
        "which half of the memory is first makes no difference": (
            ("matcher/hungarian.py", "now = 0", "now = 1"),
        ),
        (
            "of columns that are as good another one is chosen, and any matching of least total"
            " is right"
        ): (
            ("matcher/hungarian.py", "row_of[best] >= 0", "row_of[best] > 0"),
            ("matcher/hungarian.py", "row_of[best] >= 0", "row_of[best] >= 1"),
            ("matcher/hungarian.py", "row_of[best] >= 0", "row_of[best] >= -1"),
            ("matcher/hungarian.py", "row_of[other] < 0", "row_of[other] <= 0"),
            ("matcher/hungarian.py", "row_of[other] < 0", "row_of[other] < 1"),
            ("matcher/hungarian.py", "row_of[other] < 0", "row_of[other] < -1"),
            ("matcher/hungarian.py", "own < second", "own <= second"),
            ("matcher/hungarian.py", "own < least:", "own <= least:"),
            ("matcher/hungarian.py", "first + k] < 0", "first - k] < 0"),
            ("matcher/hungarian.py", "first + k] < 0", "first + k] <= 0"),
            ("matcher/hungarian.py", "first + k] < 0", "first + k] < 1"),
            ("matcher/hungarian.py", "first + k] < 0", "first + k] < -1"),
            ("matcher/hungarian.py", "nearest < 0", "nearest <= 0"),
            ("matcher/hungarian.py", "nearest < 0", "nearest < 1"),
            ("matcher/hungarian.py", "if row_of[first", "if not row_of[first"),
        ),
        (
            "rows bid less, or longer, and those that are left are matched along shortest "
            "paths, as well"
        ): (
            ("matcher/hungarian.py", "holder >= 0", "holder > 0"),
            ("matcher/hungarian.py", "holder >= 0", "holder >= 1"),
            ("matcher/hungarian.py", "- (second - least)", "+ (second - least)"),
            ("matcher/hungarian.py", "bids == 0", "bids == 1"),
            ("matcher/hungarian.py", "bids == 0", "bids == -1"),
            ("matcher/hungarian.py", "bids == 0", "bids != 0"),
            ("matcher/hungarian.py", "lower < price", "lower <= price"),
            ("matcher/hungarian.py", "bids -= 1", "bids -= 2"),
            ("matcher/hungarian.py", "if bids == 0", "if not bids == 0"),
        ),
        "all paths of a row are longer by the same, and none is negative": (
            (
                "matcher/hungarian.py",
                "reduced = cost[c] - price[c]",
                "reduced = cost[c] + price[c]",
            ),
        ),
        "0 is added either way": (("matcher/hungarian.py", "more > 0", "more >= 0"),),
        "it is below 0 by rounding alone, which a total may be off by": (
            ("matcher/hungarian.py", "more > 0", "more > -1"),
        ),
        "the least is looked for from any of them, and paths are searched among two at least": (
            ("matcher/hungarian.py", "bits[0]", "bits[ 1]"),
            ("matcher/hungarian.py", "bits[0]", "bits[ -1]"),
        ),
        "columns are looked at again that are not the least": (
            ("matcher/hungarian.py", "hit = False", "hit = True"),
        ),
        "what is 0 or less is selected last, and left out again, as it does not count": (
            ("matcher/task_aligned.py", "zero if inside", "zero if not inside"),
        ),
        "areas have two axes, of which it is the last": (
            ("matcher/point.py", "axis=-1, kind", "axis=1, kind"),
        ),
        "only its dtype is looked at": (
            ("matcher/point.py", "computing(0, dtype)", "computing( 1, dtype)"),
            ("matcher/point.py", "computing(0, dtype)", "computing( -1, dtype)"),
        ),
    }
)
