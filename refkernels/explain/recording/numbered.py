"""Assigners that have no names, told apart by the order in which they are first called."""

from collections.abc import Callable
from threading import current_thread
from typing import Any

from refkernels.explain.recording.images import Found
from refkernels.explain.recording.packages import Seen

__all__ = ["Numbered"]


class Numbered:
    """Assigners by number, from 1, each with what it has assigned."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._known: list[tuple[Any, Any]] = []  # the objects, and the threads that called first

    def whole(self, assigner: Any, make: Callable[[], Found]) -> None:
        """Take a batch that an assigner has assigned as a whole, its first."""
        self._seen.finish(str(self._number(assigner)), make)

    def image(self, assigner: Any, make: Callable[[], Found]) -> Found | None:
        """Take an image that an assigner has assigned, and return all that it has, if recorded."""
        seen = self._seen
        with seen.lock:
            number = self._number(assigner)
            whose = self._known[number - 1][1]
            before = seen.found.get(str(number))
            if str(number) not in seen.found:
                seen.finish(str(number), make, more=True)
            elif before is not None and whose is current_thread():
                more = seen.tried(make)
                if more is not None:
                    before.images += more.images
                    before.remarks += [own for own in more.remarks if own not in before.remarks]
            seen.forget()
            return seen.found.get(str(number)) if whose is current_thread() else None

    def _number(self, assigner: Any) -> int:
        with self._seen.lock:
            for number, (known, _) in enumerate(self._known, 1):
                if known is assigner:
                    return number
            self._known.append((assigner, current_thread()))
            return len(self._known)
