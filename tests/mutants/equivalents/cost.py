"""Generated mutants of costs that no case can show, by the reason why."""

from tests.mutants.equivalents.equivalent import declared
from tests.mutants.equivalents.reasons import (
    ANY_LENGTH,
    AT_THE_LIMIT,
    CHECKED_AGAIN,
    COPIED,
    FOUR_COLUMNS,
    FROM_ANY,
    MORE_MEMORY,
    ONE_DTYPE,
    ONE_IMAGE,
    OVER_NOTHING,
    ROWS_AT_ONCE,
)

__all__ = ["EQUIVALENTS"]

EQUIVALENTS = declared(
    {
        CHECKED_AGAIN: (
            ("cost/aligned.py", "return True", "return False"),
            ("cost/aligned.py", "own_scores.dtype.type(0)", "own_scores.dtype.type( 1)"),
            ("cost/aligned.py", "own_scores.dtype.type(0)", "own_scores.dtype.type( -1)"),
            ("cost/aligned.py", "own_scores.dtype.type(1)", "own_scores.dtype.type( 2)"),
            ("cost/aligned.py", "right = True", "right = False"),
            ("cost/simota.py", "return True", "return False"),
            ("cost/simota.py", ">= zero) &", "> zero) &"),
            ("cost/simota.py", "<= largest)", "< largest)"),
            ("cost/simota.py", "right = True", "right = False"),
        ),
        ONE_IMAGE: (
            ("cost/aligned.py", "metrics[0]", "metrics[ -1]"),
            ("cost/detr.py", "costs[0]", "costs[ -1]"),
            ("cost/distance.py", "distances[0]", "distances[ -1]"),
            ("cost/inside.py", "out[0]", "out[ -1]"),
            ("cost/simota.py", "costs[0]", "costs[ -1]"),
        ),
        COPIED: (
            ("cost/aligned.py", "copy=False", "copy=True"),
            ("cost/detr.py", "copy=False", "copy=True"),
            ("cost/distance.py", "copy=False", "copy=True"),
            ("cost/simota.py", "copy=False", "copy=True"),
        ),
        ONE_DTYPE: (("cost/detr.py", "inputs[0].dtype)", "inputs[ 1].dtype)"),),
        "0 to a power above 0 is 0": (
            ("cost/aligned.py", "values[i] > zero", "values[i] >= zero"),
            ("cost/aligned.py", "zero = out.dtype.type(0)", "zero = out.dtype.type( -1)"),
        ),
        "only the check of the input uses it, and where that sees a fault, a slower one none": (
            ("cost/aligned.py", "own_scores.dtype.type(1)", "own_scores.dtype.type( 0)"),
        ),
        "where no score is 1, nothing times the clamp is added to the same cross entropy": (
            ("cost/simota.py", "if count > zero", "if count >= zero"),
        ),
        ANY_LENGTH: (
            ("cost/aligned.py", "reshape(-1)", "reshape(- 2)"),
            ("cost/simota.py", "reshape(-1)", "reshape(- 2)"),
        ),
        FOUR_COLUMNS: (
            ("cost/inside.py", "k + 2]", "k - 2]"),
            ("cost/inside.py", "k + 2, j]", "k - 2, j]"),
        ),
        MORE_MEMORY: (
            ("cost/detr.py", "np.empty((14,", "np.empty(( 15,"),
            ("cost/inside.py", "np.empty((4,", "np.empty(( 5,"),
            ("cost/simota.py", "np.empty(1, row", "np.empty( 2, row"),
        ),
        OVER_NOTHING: (
            ("cost/aligned.py", "out.size == 0", "out.size == -1"),
            ("cost/detr.py", "logits.size == 0", "logits.size == -1"),
            ("cost/simota.py", "out.size == 0", "out.size == -1"),
        ),
        ROWS_AT_ONCE: (
            ("cost/aligned.py", "max(1, BLOCK", "max( 2, BLOCK"),
            ("cost/simota.py", "max(1, BLOCK", "max( 2, BLOCK"),
        ),
        "what it changes is less than the bound allows": (
            ("cost/logarithm.py", "+ LOG2_REST", "- LOG2_REST"),
            ("cost/logarithm.py", "/ 2.0**digits", "/ 3.0**digits"),
            ("cost/logarithm.py", "series[0]", "series[ 1]"),
            ("cost/logarithm.py", "series[0]", "series[ -1]"),
            ("cost/logarithm.py", "range(1, len", "range( 0, len"),
        ),
        AT_THE_LIMIT: (
            ("cost/detr.py", "logit >= zero", "logit > zero"),
            ("cost/simota.py", "part[0] >= tiny", "part[0] > tiny"),
            ("cost/simota.py", ">= numbers.tiny", "> numbers.tiny"),
            ("cost/simota.py", "< numbers.least", "<= numbers.least"),
        ),
        "products that vanish are taken one by one, to the same result": (
            ("cost/simota.py", "|= count > zero", "|= count >= zero"),
            ("cost/simota.py", "any_zeros = False", "any_zeros = True"),
            ("cost/simota.py", "rows.dtype.type(1)", "rows.dtype.type( 0)"),
        ),
        "it holds one number, the first and the last": (
            ("cost/simota.py", "part[0]", "part[ -1]"),
        ),
        FROM_ANY: (("cost/detr.py", "logits[0], zero", "logits[ -1], zero"),),
        "centres that are all mirrored at the origin are as far apart": (
            ("cost/distance.py", "type(0.5)", "type( -0.5)"),
        ),
        "what is raised so is looked at for being negative alone": (
            ("cost/aligned.py", "value, -1", "value, - 2"),
        ),
        "powers come out the same either way, within the bound": (
            ("cost/aligned.py", "<= 2 * LARGEST", "< 2 * LARGEST"),
            ("cost/aligned.py", "<= 2 * LARGEST", "<= 3 * LARGEST"),
            ("cost/aligned.py", "<= 2 * LARGEST", "<= 1 * LARGEST"),
            ("cost/aligned.py", "<= 2 * LARGEST", "<= 2 / LARGEST"),
        ),
        "it is looked at where there is a whole exponent alone": (
            ("cost/aligned.py", "-1, False)", "-1, True)"),
        ),
    }
)
