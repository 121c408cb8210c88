"""What is asked of a check, and the verdict on one operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from refkernels.conformance.model.bfloat16 import BFLOAT16
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.operator import DTYPES, INTEGERS

__all__ = ["ALL_DTYPES", "Options", "Result"]

ALL_DTYPES = (*DTYPES, BFLOAT16, *INTEGERS)


@dataclass(frozen=True)
class Options:
    """What to try.

    Parameters
    ----------
    max_examples : int
        Drawn cases per operator; each is run in every dtype, mode and context.
    seed : int
        What is drawn depends on it and the operator's name alone.
    dtypes : sequence of str
        Of float16, float32, float64, bfloat16 where the framework has it, and int32, int64, uint8,
        of which each case has one in turn.
    contexts : sequence of str
        Restrict to these; empty for every one found.
    strict : bool
        Whether declared divergences are none.
    undeclared : sequence of str
        The ids of some that are none: whether they would be found.
    keep_going : bool
        Whether to go on after the first counterexample, and show several that differ.
    shrink_seconds : float
        How long to make counterexamples of an operator smaller, all together.
    exhaustive : bool
        Whether scopes are tried whole, and not only their small inputs.
    scope_seconds : float
        How long scopes may take, of an operator.
    """

    max_examples: int = 100
    seed: int = 0
    dtypes: Sequence[str] = ALL_DTYPES
    contexts: Sequence[str] = ()
    strict: bool = False
    undeclared: Sequence[str] = ()
    keep_going: bool = False
    shrink_seconds: float = 10
    exhaustive: bool = False
    scope_seconds: float = 5


@dataclass
class Result:
    """The verdict on one operator.

    Parameters
    ----------
    verdict : str
        One of `verdict.VERDICTS`.
    ambiguous : int
        Decisions that rounding alone made differ from the kernel's: neither passed nor failed.
    known : dict of str to int
        How many cases each declared divergence covered.
    accepted : dict of str to str
        What each of those that are declared says.
    calls : dict of str to str
        Python that shows each of those that has shown itself, where it is short enough to read.
    remarks : dict of str to str
        What is worth knowing beside the verdict, by what it is: "prints", "shrinking".
    untried : dict of str to str
        What was not tried, and why: dtypes that the target refuses, laws that need other
        parameters, cases outside of what it says that it offers.
    not_offered : dict of str to str
        What the target does not have or take, and what it says: parameters, dtypes, forms.
    note : str
        Why there is no better verdict.
    framework : str
        The package that the target's arrays are of, such as ``torch``.
    scope : str
        Up to which size every input of its scopes was tried, if it has such (SPEC section 7).
    place : str
        Which object is this operator, where a binding says so: ``torchvision.ops:box_iou``.
    """

    operator: str
    verdict: str
    cases: int = 0
    real_cases: int = 0
    ambiguous: int = 0
    dtypes: Sequence[str] = ()
    modes: Sequence[str] = ()
    contexts: Sequence[str] = ()
    seconds: float = 0.0
    seed: int = 0
    dissents: list[Dissent] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    untried: dict[str, str] = field(default_factory=dict)
    not_offered: dict[str, str] = field(default_factory=dict)
    note: str = ""
    framework: str = ""
    scope: str = ""
    place: str = ""

    @property
    def item(self) -> str:
        """What it is called among others: the operator, with its place where it has one."""
        return f"{self.place}={self.operator}" if self.place else self.operator

    @classmethod
    def of_item(cls, item: str, verdict: str, **more: Any) -> Result:
        """Return a result of what is called so."""
        place, _, operator = item.rpartition("=")
        return cls(operator, verdict, place=place, **more)

    @property
    def is_undefined(self) -> bool:
        """Whether the operator is there, but was asked for in dtypes that it is not defined in."""
        return self.verdict == "absent" and self.note.startswith("it is defined in")

    def as_json(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes, cases included but for large arrays."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**data, "dissents": [dissent.as_json() for dissent in self.dissents]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """Restore what `as_json` gave."""
        return cls(**{**data, "dissents": [Dissent.from_json(d) for d in data["dissents"]]})
