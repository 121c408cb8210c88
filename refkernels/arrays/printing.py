"""How texts are printed: those of others such that a terminal does nothing else, and counts."""

__all__ = ["printable", "times"]


def printable(text: str) -> str:
    r"""Return a text with control characters and half surrogate pairs written out.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def times(count: int, what: str, form: str = "") -> str:
    """Return a number of things, in the plural unless it is one.

    Parameters
    ----------
    count : int
        How many.
    what : str
        One of them.
    form : str
        How the number is written: "," with commas.

    Examples
    --------
    >>> times(1, "candidate"), times(3, "candidate"), times(0, "box"), times(4096, "match", ",")
    ('1 candidate', '3 candidates', '0 boxes', '4,096 matches')
    """
    ending = "es" if what.endswith(("x", "ch", "ss")) else "s"
    return f"{count:{form}} {what}{'' if count == 1 else ending}"
