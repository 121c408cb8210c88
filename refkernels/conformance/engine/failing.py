"""How a target fails that gives no outputs: the kind of it, and what to say of it."""

from refkernels.conformance.engine.guard import TargetInterrupt
from refkernels.conformance.model.operator import Case
from refkernels.conformance.model.outputs import OutputError
from refkernels.conformance.model.quoting import error_text, represented
from refkernels.conformance.targets.calls import InputsChanged

__all__ = ["Failed", "failure"]

# What code raises to say that it does not take something.
REFUSALS = (TypeError, ValueError, RuntimeError, NotImplementedError)


class Failed(Exception):
    """The target raises, leaves or writes to its inputs.

    `kind` is one of the failed verdicts; `is_refusal` is whether it may be its way to say that it
    does not take what it is given.
    """

    def __init__(self, kind: str, what: str, error: BaseException) -> None:
        super().__init__(what)
        self.kind, self.what = kind, what
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
        return "raises", f"raises {error_text(interrupt.__cause__ or interrupt)}"
    except BaseException as other:
        return "raises", f"raises {error_text(other)}"
