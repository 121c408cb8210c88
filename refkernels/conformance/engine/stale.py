"""Whether declared divergences are still there: each has a witness that must still fail."""

from collections.abc import Callable
from dataclasses import replace

from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.divergence import Divergence

__all__ = ["Elsewhere", "find_stale"]

# Tells whether the witness of a divergence conforms, of a target's module, in another process.
Elsewhere = Callable[[Divergence, str], bool]

# A call with more numbers than that shows nothing to anybody.
READABLE = 200


def find_stale(examiner: Examiner, elsewhere: Elsewhere | None = None) -> Dissent | None:
    """Return a declared divergence whose witness conforms, or that does not cover it.

    A witness that ends the process it is run in is run `elsewhere`, or not at all, which is noted.
    """
    declarations, examiner.divergences = examiner.divergences, ()
    try:
        for divergence in declarations:
            witness = _settled(examiner, divergence)
            if witness is None:
                examiner.untried[f"the witness of {divergence.id}"] = "it has other parameters"
                continue
            if not divergence.when(witness.astype(divergence.dtype)):
                what = f"{divergence.id} does not cover its own witness"
            elif divergence.fatal and elsewhere is None:
                examiner.untried[f"the witness of {divergence.id}"] = "it ends its process"
                continue
            elif _conforms(examiner, divergence, witness, elsewhere):
                what = f"{divergence.id} is stale: its witness conforms"
            else:
                continue
            return examiner.dissent(
                "declaration",
                "stale",
                what,
                divergence.dtype,
                examiner.modes[0],
                examiner.contexts[0],
                witness,
                divergence.id,
            )
    finally:
        examiner.divergences = declarations
    return None


def _settled(examiner: Examiner, divergence: Divergence) -> Case | None:
    """Return the witness of a divergence, with the parameters at which the target stands.

    It is None if the target has others.
    """
    witness, parameters = divergence.witness, examiner.parameters
    config = {**witness.config, **parameters.pinned}
    return replace(witness, config=config) if parameters.allow(config) else None


def _conforms(
    examiner: Examiner, divergence: Divergence, witness: Case, elsewhere: Elsewhere | None
) -> bool:
    """Return whether a witness conforms; if not, the examiner keeps its call, to be shown."""
    if divergence.fatal and elsewhere is not None:
        return elsewhere(divergence, examiner.target.module)
    dtypes, modes = (divergence.dtype,), divergence.modes or None
    dissent = examiner.examine(witness, divergence.id, dtypes, modes)
    if dissent is not None and sum(array.size for array in witness.inputs.values()) <= READABLE:
        examiner.calls[divergence.id] = dissent.paste
    return dissent is None
