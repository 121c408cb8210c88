"""Generated mutants that no case can show, each with the argument why."""

__all__ = ["EQUIVALENTS"]

# By the file, the line as it is, and the line as it becomes.
EQUIVALENTS: dict[tuple[str, str, str], str] = {}
