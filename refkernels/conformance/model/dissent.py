"""What is said of a case on which somebody differs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from refkernels.conformance.model.encoding import decode_case, encode_case
from refkernels.conformance.model.operator import Case

__all__ = ["NOT_SAVED", "Dissent"]

# What the origin of a dissent ends with that could not be saved, before the reason.
NOT_SAVED = "; it cannot be saved: "


@dataclass(frozen=True)
class Dissent:
    """A case on which somebody differs.

    Parameters
    ----------
    who : str
        "target", "kernel" (it differs from the definition) or "both", or "declaration" (it says
        that the target differs where it conforms).
    kind : str
        How, as one of the failed verdicts (`verdict.VERDICTS`).
    what : str
        Where it differs and by how much.
    paste : str
        Python that shows it.
    origin : str
        Where the case comes from.
    law : str
        The law that is broken; empty for a case.
    saved : str
        The folder it is saved in, once it is.
    case : Case or None
        The case, before it is cast to `dtype`; None for a law.
    """

    who: str
    kind: str
    what: str
    dtype: str
    mode: str
    context: str
    paste: str
    origin: str
    law: str = ""
    saved: str = ""
    case: Case | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.who} dissents ({self.dtype}, {self.mode}, {self.context}): {self.what}"

    def as_json(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes, the case included but for large arrays."""
        texts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "case"}
        return {**texts, "case": None if self.case is None else encode_case(self.case)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Dissent":
        """Restore what `as_json` gave."""
        case = data["case"]
        return cls(**{**data, "case": None if case is None else decode_case(case)})
