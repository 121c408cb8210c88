"""Reasons why no case can show a mutant that hold in several rooms."""

__all__ = [
    "ANY_LENGTH",
    "AT_THE_LIMIT",
    "CHECKED_AGAIN",
    "COPIED",
    "FOUR_COLUMNS",
    "FROM_ANY",
    "MORE_MEMORY",
    "NO_LESS",
    "OF_ERRORS",
    "ONE_DTYPE",
    "ONE_IMAGE",
    "OVER_NOTHING",
    "ROWS_AT_ONCE",
]

ANY_LENGTH = "any negative length stands for all there is"
AT_THE_LIMIT = "at the limit itself, what is computed either way is as right"
CHECKED_AGAIN = (
    "where it is false, the input is checked, of which a valid one passes, and what is not "
    "sure computed again, to the same result"
)
COPIED = "a copy holds the same numbers"
FOUR_COLUMNS = "of four columns those at -2 and -1 are those at 2 and 3"
FROM_ANY = "the largest is looked for from any of them"
MORE_MEMORY = "memory is taken that nothing looks at"
NO_LESS = "no magnitude is below 0, and the first that is larger takes its place"
OF_ERRORS = "what only says where an invalid input is, no valid one reaches"
ONE_DTYPE = "all inputs have one dtype by then"
ONE_IMAGE = "without a batch there is one image, the first and the last"
OVER_NOTHING = "where there is nothing, loops over it do nothing"
ROWS_AT_ONCE = "how many rows are looked at in one go is a matter of time"
