"""Functions of one's own that are operators, seen by whoever records while they are called."""

from collections.abc import Callable
from functools import partial, wraps
from inspect import isroutine, signature
from typing import Any, TypeVar

from refkernels.arrays import shown
from refkernels.chain.roles import PLACE_OF

__all__ = ["WATCHING", "operator_of", "recorded"]

Function = TypeVar("Function", bound=Callable[..., Any])

# Called with the function that was decorated, what calls it, and what that is called with.
WATCHING: list[Callable[..., Any]] = []

MARK = "__refkernels_operator__"


def recorded(operator: Any) -> Callable[[Function], Function]:
    """Say which operator a function is, so that `record` sees its calls.

    Outside of the block of `record` the function is called as before.

    Parameters
    ----------
    operator : str or operator
        The name of an operator that has a place in a chain, such as ``"BBoxBatchIOU"``, or the
        operator with its parameters, to which the function is held. A name alone stands for the
        default parameters; of an operator that has none, `record` asks for a contract.

    Returns
    -------
    callable
        A decorator of a function or method. It is to be called like the operator, by position or
        by whatever names its own parameters have, and may have more parameters after these.

    Raises
    ------
    TypeError
        If what is decorated is no function.
    ValueError
        If no operator of that name has a place in a chain.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from refkernels import MaximumMatcher
    >>> from refkernels.explain import record, recorded
    >>> @recorded(MaximumMatcher(0.5))
    ... def match(overlaps):
    ...     return np.where(overlaps.max(-1) > 0.5, overlaps.argmax(-1), -1)
    >>> with tempfile.TemporaryDirectory() as folder, record(f"{folder}/a.npz") as recorder:
    ...     matches = match(np.array([[0.5], [0.75]]))
    >>> recorder.dump.arrays["matches"], recorder.dump.operators["matcher"]
    (array([[-1,  0]]), MaximumMatcher(threshold=0.5))
    """
    name = operator if isinstance(operator, str) else type(operator).__name__
    if name not in PLACE_OF:
        expected = ", ".join(PLACE_OF)
        raise ValueError(f"operator: expected one of {expected}, got {shown(operator)}")

    def decorate(function: Function) -> Function:
        """Return the function, to be seen while somebody records."""
        if not isroutine(function):
            raise TypeError(f"recorded: expected a function, got {shown(function)}")
        skipped = _is_method(function)

        @wraps(function)
        def seen(*args: Any, **kwargs: Any) -> Any:
            """Call the function, through whoever watches."""
            if not WATCHING:
                return function(*args, **kwargs)
            call: Callable[..., Any] = function
            for watch in tuple(WATCHING):
                call = partial(watch, seen, call)
            return call(*args, **kwargs)

        setattr(seen, MARK, (name, operator, skipped))
        return seen  # type: ignore[return-value]

    return decorate


def operator_of(function: Any) -> tuple[str, Any, int] | None:
    """Return the name and operator of a decorated function, and whether its first argument is self.

    Of any other object, None.
    """
    found: tuple[str, Any, int] | None = getattr(function, MARK, None)
    return found


def _is_method(function: Any) -> int:
    first = next(iter(signature(function).parameters), "")
    return int(first in ("self", "cls"))
