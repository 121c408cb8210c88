"""Reading a large JSON object member by member, in the memory of one chunk.

A COCO instances file of a training set is half a gigabyte, mostly segmentations that target
assignment does not look at; parsed whole it takes several gigabytes.
"""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

from refkernels.annotations.problems import Bad
from refkernels.annotations.text_files import open_text

__all__ = ["JSONStreamError", "stream_members"]

CHUNK = 1 << 20

_SPACE = " \t\n\r"

# What may stand between an error and the end of a file that was cut: nothing, or a piece of a
# number, a literal or an escape.
_CUT = re.compile(r"[\w.+\\-]*[ \t\n\r]*")


class JSONStreamError(ValueError):
    """The text is not JSON; the message says where and why, without the file's name."""


def stream_members(path: Path, arrays: Collection[str]) -> Iterator[tuple[str, int, Any]]:
    """Yield the members of the JSON object in a file.

    Parameters
    ----------
    path : pathlib.Path
        The file, UTF-8 with or without a byte order mark, or gzip of that.
    arrays : collection of str
        Members that are arrays to be yielded element by element.

    Yields
    ------
    key : str
        The member's name.
    index : int
        The element's index, for a member of `arrays` that is an array; -1 for such an array as a
        whole, before its elements, with the value ``[]``, and for every other member.
    value : object
        The element's or member's value.

    Raises
    ------
    OSError
        If the file cannot be read.
    JSONStreamError
        If the text is not a JSON object, or ends early.
    """
    try:
        with open_text(path) as file:
            yield from _Reader(file).members(arrays)
    except Bad as bad:
        raise JSONStreamError(str(bad)) from None
    except RecursionError:
        raise JSONStreamError("values are nested too deeply") from None


class _Reader:
    """A buffer over a text file: `position` is the next character, `passed` what was dropped."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file
        self.decoder = json.JSONDecoder()
        self.buffer = ""
        self.position = 0
        self.passed = 0
        self.ended = False

    def members(self, arrays: Collection[str]) -> Iterator[tuple[str, int, Any]]:
        """Yield each member of the object, and of these arrays each element (`stream_members`)."""
        if self.peek() != "{":
            raise self.error("expected a JSON object")
        self.position += 1
        if self.peek() == "}":
            self.position += 1
        else:
            while True:
                if self.peek() != '"':
                    raise self.error("expected a name in double quotes")
                key = self.value()
                self.expect(":")
                if key in arrays and self.peek() == "[":
                    yield key, -1, []
                    for index, value in enumerate(self.elements()):
                        yield key, index, value
                else:
                    yield key, -1, self.value()
                if self.expect(",}") == "}":
                    break
        if self.peek():
            raise JSONStreamError(
                f"text after the JSON object, at character {self.passed + self.position}"
            )

    def elements(self) -> Iterator[Any]:
        """Yield the elements of the array that comes next."""
        self.expect("[")
        if self.peek() == "]":
            self.position += 1
            return
        while True:
            yield self.value()
            if self.expect(",]") == "]":
                return

    def value(self) -> Any:
        """Decode the next value, reading on for as long as it may only be cut off."""
        self.peek()
        size = CHUNK
        while True:
            # More text may mend a cut value, which fails near the end of the buffer, and a cut
            # string, which fails at its start; nothing else. And a number may go on in the file.
            safe = len(self.buffer) - 16
            try:
                value, end = self.decoder.raw_decode(self.buffer, self.position)
            except json.JSONDecodeError as error:
                open_string = error.msg.startswith("Unterminated string")
                if self.ended:
                    raise self.error(
                        error.msg, len(self.buffer) if open_string else error.pos
                    ) from None
                if not open_string and error.pos < safe:
                    raise self.error(error.msg, error.pos) from None
            except ValueError as error:  # an integer of more digits than Python converts
                raise self.error(str(error).split(";")[0]) from None
            else:
                if end < safe or self.ended:
                    self.position = end
                    return value
            self.read(size)
            size *= 2  # so that a value of any length costs time in proportion to it

    def peek(self) -> str:
        """Skip white space and return the next character, or '' at the end."""
        while True:
            while self.position < len(self.buffer):
                character = self.buffer[self.position]
                if character not in _SPACE:
                    return character
                self.position += 1
            if self.ended:
                return ""
            self.read(CHUNK)

    def expect(self, characters: str) -> str:
        """Skip white space and take one of these characters."""
        found = self.peek()
        if not found or found not in characters:
            wanted = " or ".join(repr(character) for character in characters)
            raise self.error(f"expected {wanted}")
        self.position += 1
        return found

    def read(self, size: int) -> None:
        """Read on, and forget what is behind."""
        text = self.file.read(size)
        self.ended = not text
        self.passed += self.position
        self.buffer = self.buffer[self.position :] + text
        self.position = 0

    def error(self, reason: str, position: int | None = None) -> JSONStreamError:
        """Return the error that says why and where, or that the file ends early."""
        at = self.position if position is None else position
        if self.ended and _CUT.fullmatch(self.buffer, at):
            return JSONStreamError(f"the file ends early, at character {self.passed + at}")
        return JSONStreamError(f"not JSON at character {self.passed + at}: {reason}")
