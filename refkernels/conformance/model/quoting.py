"""What a target says, such that it can be printed: whatever it does when it is asked.

An exception's text and an object's repr are code of the target, which may raise, return no string,
or one of any length and of any characters.
"""

from typing import Any

from refkernels.arrays.printing import printable

__all__ = ["error_text", "name_of", "printable", "represented", "text_of"]

# Of a text the first and the last characters are looked at; what is quoted of it is shorter.
LOOKED_AT, QUOTED = 10_000, 300


def name_of(value: object) -> str:
    """Return the name of an object's class, whatever the class makes of being asked for it."""
    # A metaclass may have an attribute of this name; this is the name that the class was made with.
    name = type.__dict__["__name__"].__get__(type(value))
    return printable(name[:QUOTED])


def error_text(error: BaseException) -> str:
    """Return an exception as one line: its class and the line of its text that says what is wrong.

    >>> error_text(ValueError("no"))
    'ValueError: no'
    """
    return f"{name_of(error)}: {text_of(error)}"


def text_of(error: BaseException) -> str:
    """Return the line of an exception's text that says what is wrong."""
    return _first_lines(_asked(str, error))


def represented(value: object) -> str:
    """Return what `repr` says of an object, in one line.

    >>> represented(3)
    '3'
    """
    return printable(_asked(repr, value)[:QUOTED])


def _first_lines(message: str) -> str:
    """Shorten a framework's stack trace to the line that says what is wrong."""
    if len(message) > 2 * LOOKED_AT:
        message = f"{message[:LOOKED_AT]} ... {message[-LOOKED_AT:]}"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("[bt]", "Stack trace", "Traceback"))]
    return printable(" ".join(lines[-2:])[:QUOTED])


def _asked(ask: Any, value: object) -> str:
    """Return a text of an object as a plain string, or that it has none."""
    try:
        text = ask(value)
    except BaseException as error:  # whatever it is, it is no worse than what is being told of
        return f"(its text is not to be had: {name_of(error)})"
    # A class derived from str may have methods of its own; what is joined is a plain string.
    return "".join((text, ""))
