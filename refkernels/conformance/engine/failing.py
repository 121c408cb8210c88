"""How a target fails that gives no outputs: the kind of it, and what to say of it."""

from pathlib import Path
from typing import Any

from refkernels.conformance.engine.guard import TargetInterrupt
from refkernels.conformance.model.operator import Case
from refkernels.conformance.model.outputs import OutputError
from refkernels.conformance.model.quoting import error_text, printable, represented
from refkernels.conformance.targets.calls import InputsChanged

__all__ = ["Failed", "failure"]

PACKAGE = Path(__file__).parents[2]

# Between what an exception says and where it was raised.
AT = "; at "

# So many of a target's frames are told, of so many that are looked at.
FRAMES, DEEPEST = 3, 1000

# What code raises to say that it does not take something.
REFUSALS = (TypeError, ValueError, RuntimeError, NotImplementedError)


class Failed(Exception):
    """The target raises, leaves or writes to its inputs.

    `kind` is one of the failed verdicts, and `said` is what without its place in the code;
    `is_refusal` is whether it may be its way to say that it does not take what it is given.
    """

    def __init__(self, kind: str, what: str, error: BaseException) -> None:
        super().__init__(what)
        self.kind, self.what = kind, what
        self.said = what.partition(AT)[0]
        # Of the class alone: the object may say anything of itself.
        self.is_refusal = kind == "raises" and issubclass(type(error), REFUSALS)


def failure(error: BaseException, case: Case) -> tuple[str, str]:
    """Return the kind of a failure that came as an exception, and what to say of it."""
    try:
        raise error  # an except looks at the class alone, whatever the object says that it is
    except InputsChanged as changed:
        name = changed.name or [*case.inputs, "an input"][min(changed.position, len(case.inputs))]
        return "inputs changed", f"{name}{changed}"
    except OutputError as no_array:
        return "wrong outputs", str(no_array)
    except SystemExit as leaving:
        code = vars(SystemExit)["code"].__get__(leaving)
        return "exits", f"calls sys.exit({represented(code)})"
    except TargetInterrupt as interrupt:
        cause = interrupt.__cause__ or interrupt
        return "raises", f"raises {error_text(cause)}{_where(cause)}"
    except BaseException as other:
        return "raises", f"raises {error_text(other)}{_where(other)}"


def _where(error: BaseException) -> str:
    """Return the last frames of a target's own code that an exception came through, or "".

    Frames of this package are none of its, and neither are those of installed packages, unless
    there are no others.
    """
    frames: list[tuple[Path, int, str]] = []
    trace: Any = BaseException.__dict__["__traceback__"].__get__(error)
    while trace is not None and len(frames) < DEEPEST:
        code = trace.tb_frame.f_code
        file = Path(code.co_filename)
        if not file.is_relative_to(PACKAGE):
            frames.append((file, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    own = [frame for frame in frames if not {"site-packages", "dist-packages"} & {*frame[0].parts}]
    own = [frame for frame in own if frame[0].suffix == ".py" and frame[0].is_file()] or frames
    shown = [f"{_named(file)}:{line} in {name}" for file, line, name in own[-FRAMES:]]
    return printable(f"{AT}{', '.join(reversed(shown))}") if shown else ""


def _named(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)
