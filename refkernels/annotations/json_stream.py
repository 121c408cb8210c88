"""Reading a large JSON object member by member, in the memory of one chunk.

A COCO instances file of a training set is half a gigabyte, mostly segmentations that target
assignment does not look at; parsed whole it takes several gigabytes.

Where elements of an array are objects, a run of them may be decoded at once, by something that
looks for less than Python's own decoder does and is quicker. What it does not take, that decoder
reads again one by one, and says what is wrong and where.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from refkernels.annotations.problems import Bad
from refkernels.annotations.text_files import open_text

__all__ = ["Decode", "JSONStreamError", "Run", "stream_members"]

# Characters that are read at once, and those of a run.
CHUNK = 1 << 20
RUN = 1 << 18

# What decodes the text of an array, or returns None for one that is not as it expects.
Decode = Callable[[str], Sequence[Any] | None]

_SPACE = " \t\n\r"

# What may stand between an error and the end of a file that was cut: nothing, or a piece of a
# number, a literal or an escape.
_CUT = re.compile(r"[\w.+\\-]*[ \t\n\r]*")

# What stands between two elements that are objects, after the first one's brace.
_BETWEEN = re.compile(r"[ \t\n\r]*,[ \t\n\r]*\{")


class JSONStreamError(ValueError):
    """The text is not JSON; the message says where and why, without the file's name."""


@dataclass(frozen=True)
class Run:
    """Elements of an array that were decoded at once."""

    elements: Sequence[Any]


def stream_members(
    path: Path, arrays: Mapping[str, Decode | None]
) -> Iterator[tuple[str, int, Any]]:
    """Yield the members of the JSON object in a file.

    Parameters
    ----------
    path : pathlib.Path
        The file, UTF-8 with or without a byte order mark, or gzip of that.
    arrays : mapping of str to (callable or None)
        Members that are arrays to be yielded element by element; or in runs, where the callable
        takes them.

    Yields
    ------
    key : str
        The member's name.
    index : int
        The element's index, or that of the first of a run, for a member of `arrays` that is an
        array; -1 for such an array as a whole, before its elements, with the value ``[]``, and for
        every other member.
    value : object
        The element's or member's value, or a `Run`.

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

    def members(self, arrays: Mapping[str, Decode | None]) -> Iterator[tuple[str, int, Any]]:
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
                    for index, value in self.elements(arrays[key]):
                        yield key, index, value
                else:
                    yield key, -1, self.value()
                if self.expect(",}") == "}":
                    break
        if self.peek():
            raise JSONStreamError(
                f"text after the JSON object, at character {self.passed + self.position}"
            )

    def elements(self, decode: Decode | None) -> Iterator[tuple[int, Any]]:
        """Yield the elements of the array that comes next, and their indices."""
        self.expect("[")
        if self.peek() == "]":
            self.position += 1
            return
        index, single = 0, 0  # up to which character of the file elements go one by one
        while True:
            run = None
            if decode is not None and self.passed + self.position >= single:
                end = self.run_end()
                # Brackets close as they should only where an element ends: nowhere else is this
                # text an array.
                run = decode(f"[{self.buffer[self.position : end]}]") if end else None
                single = self.passed + (end or self.position + RUN)
            if run is None:
                yield index, self.value()
                index += 1
            else:
                self.position = end
                yield index, Run(run)
                index += len(run)
            if self.expect(",]") == "]":
                return

    def run_end(self) -> int:
        """Return where an element may end that another object follows, or 0 if none is near."""
        while len(self.buffer) - self.position < RUN and not self.ended:
            self.read(CHUNK)
        place = self.position + RUN
        while (place := self.buffer.rfind("}", self.position, place)) >= 0:
            if _BETWEEN.match(self.buffer, place + 1):
                return place + 1
        return 0

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
