"""An examiner that ends a check at the first dissent, and makes no smaller one of it."""

from typing import Any

from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.operator import Case

__all__ = ["FirstFailure", "Killed"]


class Killed(BaseException):
    """Carries a dissent out of everything that would look for a smaller one."""

    def __init__(self, dissent: Dissent, *, law: bool) -> None:
        super().__init__(str(dissent))
        self.dissent, self.law = dissent, law


class FirstFailure(Examiner):
    """To take the place of the examiner in `refkernels.conformance.engine.run`."""

    def examine(self, case: Case, *arguments: Any) -> None:
        return _raised(super().examine(case, *arguments))

    def examine_laws(self, name: str = "") -> None:
        return _raised(super().examine_laws(name), law=True)


def _raised(dissent: Dissent | None, *, law: bool = False) -> None:
    if dissent is not None:
        if dissent.who == "kernel":
            raise RuntimeError(f"the kernel dissents, not the mutant: {dissent.what}")
        raise Killed(dissent, law=law)
