"""Calls of other people's code, watched for a while."""

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import signature
from typing import Any

__all__ = ["Patches", "given", "subclasses"]

# Called with what was there, and what that is called with.
Around = Callable[..., Any]


class Patches:
    """Attributes of classes and modules that are replaced until `undo`."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def put(self, place: Any, name: str, around: Around) -> None:
        """Let a function or method go through `around`, which is given it and its arguments."""
        own, call = vars(place).get(name), getattr(place, name)

        @wraps(call)
        def seen(*args: Any, **kwargs: Any) -> Any:
            """Call what was there, through `around`."""
            return around(call, *args, **kwargs)

        def undo() -> None:
            """Let it be what it was before: inherited, or its own."""
            if own is None:
                delattr(place, name)
            else:
                setattr(place, name, own)

        setattr(place, name, seen)
        self._undo.append(undo)

    def undo(self) -> None:
        """Put back what was there, the last first."""
        while self._undo:
            self._undo.pop()()


def subclasses(kind: Any, name: str) -> Iterator[Any]:
    """Yield a class and those derived from it that have a method of this name of their own."""
    yield kind
    found = list(kind.__subclasses__())
    while found:
        own = found.pop()
        found += own.__subclasses__()
        if name in vars(own):
            yield own


def given(call: Callable[..., Any], args: Any, kwargs: Any) -> dict[str, Any]:
    """Return what a call is given, by the names of its parameters."""
    bound = signature(call).bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)
