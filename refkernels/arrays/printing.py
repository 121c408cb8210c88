"""What others have written, such that a terminal shows it and does nothing else."""

__all__ = ["printable"]


def printable(text: str) -> str:
    r"""Return a text with control characters and half surrogate pairs written out.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
