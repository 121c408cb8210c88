"""What the classes of ground truths are called, in tables, pictures and sentences."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from refkernels.arrays.printing import printable

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["class_of", "label_of", "named", "names_of", "short"]

# What a sentence calls a ground truth.
MENTION = re.compile(r"\b[Gg]round truth (\d+)\b")

# Letters of a name that are drawn beside a box.
LETTERS = 24


def class_of(trace: "Trace", truth: int) -> str | None:
    """Return the name of a ground truth's class, or None if it is not known."""
    if trace.labels is None or trace.classes is None or not 0 <= truth < len(trace.labels):
        return None
    label = int(trace.labels[truth])
    return printable(trace.classes[label]) if 0 <= label < len(trace.classes) else None


def label_of(trace: "Trace", truth: int) -> str:
    """Return the name of a ground truth's class, or else its label; - if there is none."""
    if trace.labels is None:
        return "-"
    return class_of(trace, truth) or str(trace.labels[truth])


def short(trace: "Trace", truth: int, letters: int = LETTERS) -> str:
    """Return a ground truth's number and the name of its class, as they are drawn."""
    name = class_of(trace, truth)
    if name is None:
        return str(truth)
    return f"{truth} {name if len(name) <= letters else name[: letters - 1].rstrip() + '…'}"


def names_of(trace: "Trace") -> tuple[str | None, ...]:
    """Return the name of each ground truth's class; nothing if none is known."""
    if trace.labels is None or trace.classes is None:
        return ()
    return tuple(class_of(trace, truth) for truth in range(len(trace.labels)))


def named(names: Sequence[str | None], told: str) -> str:
    """Return a sentence in which each ground truth's first mention says of which class it is.

    Parameters
    ----------
    names : sequence of (str or None)
        What `names_of` returns.
    told : str

    Examples
    --------
    >>> named(("cat", None), "Ground truth 0 has 1 anchor, ground truth 1 none, as ground truth 0.")
    'Ground truth 0 (cat) has 1 anchor, ground truth 1 none, as ground truth 0.'
    """
    if not names:
        return told
    seen: set[int] = set()

    def with_class(found: "re.Match[str]") -> str:
        """Return a mention, with the name where it is the first."""
        truth = int(found[1])
        name = names[truth] if truth < len(names) else None
        if name is None or truth in seen:
            return found[0]
        seen.add(truth)
        return f"{found[0]} ({name})"

    return MENTION.sub(with_class, told)
