"""Generated mutants of the Hungarian matcher, of which any matching of least total is right."""

from tests.mutants.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

FILE = "matcher/hungarian.py"

ANY_BEST = (
    "of columns that are as good another one is chosen, and any matching of least total is right"
)
LATER = (
    "rows bid less, or longer, and those that are left are matched along shortest paths, as well"
)
FARTHER = "all paths of a row are longer by the same, and none is negative"
NOTHING = "without rows, loops over them do nothing"
EMPTY_TILE = "a tile that begins before the first number has nothing more in it"
ONLY_HUGE = "it is compared with a huge number alone, which 1 is not"
SAME_LARGEST = "of equal numbers the largest is the same"
ROOM = "memory is taken that nothing looks at"
EITHER_HALF = "which half of the memory is first makes no difference"
ANY_OF_THEM = "the least is looked for from any of them, and paths are searched among two at least"
ANY_NEGATIVE = "only whether it is negative is looked at"
ADDS_NOTHING = "0 is added either way"
ROUNDING = "it is below 0 by rounding alone, which a total may be off by"

CHANGES = (
    ("> largest else", ">= largest else", SAME_LARGEST),
    ("largest = 0.0", "largest = 1.0", ONLY_HUGE),
    ("cost.size == 0", "cost.size == -1", NOTHING),
    ("count == 0", "count == -1", NOTHING),
    ("range(0, count, TILE)", "range( -1, count, TILE)", EMPTY_TILE),
    ("range(0, columns, TILE)", "range( -1, columns, TILE)", EMPTY_TILE),
    ("np.empty((2, columns)", "np.empty(( 3, columns)", ROOM),
    ("now = 0", "now = 1", EITHER_HALF),
    ("row_of[best] >= 0", "row_of[best] > 0", ANY_BEST),
    ("row_of[best] >= 0", "row_of[best] >= 1", ANY_BEST),
    ("row_of[best] >= 0", "row_of[best] >= -1", ANY_BEST),
    ("row_of[other] < 0", "row_of[other] <= 0", ANY_BEST),
    ("row_of[other] < 0", "row_of[other] < 1", ANY_BEST),
    ("row_of[other] < 0", "row_of[other] < -1", ANY_BEST),
    ("holder >= 0", "holder > 0", LATER),
    ("holder >= 0", "holder >= 1", LATER),
    ("- (second - least)", "+ (second - least)", LATER),
    ("bids == 0", "bids == 1", LATER),
    ("bids == 0", "bids == -1", LATER),
    ("bids == 0", "bids != 0", LATER),
    ("lower < price", "lower <= price", LATER),
    ("bids -= 1", "bids -= 2", LATER),
    ("own < second", "own <= second", ANY_BEST),
    ("own < least:", "own <= least:", ANY_BEST),
    ("reduced = cost[c] - price[c]", "reduced = cost[c] + price[c]", FARTHER),
    ("more > 0", "more >= 0", ADDS_NOTHING),
    ("more > 0", "more > -1", ROUNDING),
    ("bits[0]", "bits[ 1]", ANY_OF_THEM),
    ("bits[0]", "bits[ -1]", ANY_OF_THEM),
    ("nearest = -1", "nearest = - 2", ANY_NEGATIVE),
    ("hit = False", "hit = True", "columns are looked at again that are not the least"),
    ("first + k] < 0", "first - k] < 0", ANY_BEST),
    ("first + k] < 0", "first + k] <= 0", ANY_BEST),
    ("first + k] < 0", "first + k] < 1", ANY_BEST),
    ("first + k] < 0", "first + k] < -1", ANY_BEST),
    ("nearest < 0", "nearest <= 0", ANY_BEST),
    ("nearest < 0", "nearest < 1", ANY_BEST),
)

EQUIVALENTS = tuple(Equivalent(FILE, old, new, why) for old, new, why in CHANGES)
