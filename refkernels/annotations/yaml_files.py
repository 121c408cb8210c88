"""Files of YAML, read by PyYAML, which is imported when there is one."""

from importlib import import_module
from pathlib import Path
from typing import Any

from refkernels.annotations.problems import Bad
from refkernels.annotations.text_files import open_text

__all__ = ["read_yaml"]


def read_yaml(path: Path) -> Any:
    """Return what a file of YAML says.

    Raises
    ------
    ImportError
        Without PyYAML: one line that says what to install.
    OSError, Bad
        If the file cannot be read, or is not YAML.
    """
    try:
        yaml = import_module("yaml")
    except ImportError:
        raise ImportError(f"{path}: needs PyYAML; install it with: pip install pyyaml") from None
    with open_text(path) as file:
        text = file.read()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" at line {mark.line + 1}"
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "no document"
        raise Bad(f"not YAML{where}: {reason}") from None
    # A date that there is not, a number that is too long, a list as a key.
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Bad(f"not YAML: {str(error).splitlines()[0]}") from None
