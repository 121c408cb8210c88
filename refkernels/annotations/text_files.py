"""Text files as data sets have them: UTF-8, with or without a byte order mark, or gzip of that."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, cast

from refkernels.annotations.problems import Bad
from refkernels.arrays.files import no_pipe

__all__ = ["numbered_lines", "open_text"]


@contextmanager
def open_text(path: Path, newline: str | None = None) -> Iterator[IO[str]]:
    """Open a text file, or a gzip of one, which its first bytes tell.

    Parameters
    ----------
    path : pathlib.Path
    newline : str, optional
        As for `open`.

    Yields
    ------
    file

    Raises
    ------
    OSError
        If it cannot be opened or read.
    Bad
        While it is read: if the text is not UTF-8, or the gzip is damaged or ends early.
    """
    with no_pipe(path).open("rb") as raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        try:
            with TextIOWrapper(stream, encoding="utf-8-sig", newline=newline) as file:
                yield cast(IO[str], file)
        except UnicodeDecodeError as error:
            raise Bad(f"not UTF-8 text ({error.reason})") from None
        except EOFError:
            raise Bad("the gzip file ends early") from None
        except (zlib.error, gzip.BadGzipFile) as error:
            raise Bad(f"the gzip file is damaged ({error})") from None


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file that hold something, and their numbers from 1.

    Raises
    ------
    OSError, Bad
        If it cannot be read.
    """
    with open_text(path) as file:
        text = file.read()
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line
