"""Generated mutants of samplers that no case can show, by the reason why."""

from tests.mutants.equivalents.equivalent import declared
from tests.mutants.equivalents.reasons import (
    ANY_LENGTH,
    OF_ERRORS,
)

__all__ = ["EQUIVALENTS"]

EQUIVALENTS = declared(
    {
        OF_ERRORS: (
            ("sampler/balanced.py", "signs < -1", "signs < 1"),
            ("sampler/balanced.py", "signs > 1)", "signs >= 1)"),
            ("sampler/balanced.py", "signs > 1)", "signs > 2)"),
            ("sampler/balanced.py", "signs > 1)", "signs > 0)"),
            ("sampler/balanced.py", "signs < -1)", "signs <= -1)"),
            ("sampler/balanced.py", "signs < -1)", "signs < - 2)"),
            ("sampler/balanced.py", "signs < -1)", "signs < - 0)"),
            ("sampler/balanced.py", ")[0])", ")[ 1])"),
            ("sampler/balanced.py", ")[0])", ")[ -1])"),
            ("sampler/balanced.py", "return False", "return True"),
        ),
        ANY_LENGTH: (("sampler/balanced.py", "reshape(-1, count)", "reshape(- 2, count)"),),
        "a valid sampler has no other candidates, so that one more of them changes nothing": (
            ("sampler/balanced.py", "= 0, 0, 0", "= 0, 0, 1"),
        ),
    }
)
