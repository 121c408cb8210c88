"""Show that each divergence is found by the check itself, not only by the witness that declares it.

One at a time is left out of what is declared, and gluoncv is checked as by ``refkernels check``:
what was left out must come up as a counterexample, drawn, at a corner or by a law; which of them is
told. Images come after drawn cases there, and are left out here, so less is tried. A chain is no
exception: its declarations are left out like any other.
"""

import queue
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.conformance.engine.replay import load
from refkernels.conformance.engine.run import DTYPES, Options, Result
from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.model.operator import Case
from refkernels.conformance.peers.gluoncv import DIVERGENCES, split
from refkernels.conformance.process.supervisor import Checker

__all__ = ["example", "show_found"]

# Of longer arrays only the shape is told.
SHOWN = 24

PROCESSES = 2

# How many cases are tried for each, in each dtype.
CASES = 400

# A machine that has other things to do may take its time.
TIME_LIMIT = 600


class _Desk(NamedTuple):
    """Where gluoncv is checked, one divergence after the other."""

    nn: Checker
    data: Checker
    failures: Path

    def look_for(self, divergence: Divergence) -> tuple[bool, str]:
        """Return whether a divergence is found, and how or why not."""
        checker = self.data if divergence in split.DIVERGENCES else self.nn
        # The same cases are drawn whatever the dtype; that of the witness is the most likely one.
        for dtype in dict.fromkeys((divergence.dtype, *DTYPES)):
            options = Options(CASES, dtypes=(dtype,), undeclared=(divergence.id,))
            result = checker.check(divergence.operator, options)
            try:
                if result.dissents:
                    return True, _how(result)
            finally:  # or it would be tried first for the next one
                shutil.rmtree(self.failures, ignore_errors=True)
        return False, f"not found in {times(result.cases, 'case')} {result.note}".rstrip()


def show_found(ids: Sequence[str] = ()) -> int:
    """Print for each divergence how it is found, or that it is not.

    Parameters
    ----------
    ids : sequence of str
        Those to look for; empty for all.

    Returns
    -------
    int
        The exit status: 1 if one is not found, else 0.
    """
    chosen = sorted((d for d in DIVERGENCES if not ids or d.id in ids), key=lambda d: d.id)
    missing = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refkernels-")))
        desks: queue.SimpleQueue[_Desk] = queue.SimpleQueue()
        for i in range(PROCESSES):
            failures = folder / str(i)
            nn, data = (
                stack.enter_context(Checker(target, failures, time_limit=TIME_LIMIT))
                for target in ("gluoncv.nn", "gluoncv.data")
            )
            desks.put(_Desk(nn, data, failures))

        def look_for(divergence: Divergence) -> tuple[bool, str]:
            desk = desks.get()
            try:
                return desk.look_for(divergence)
            finally:
                desks.put(desk)

        with ThreadPoolExecutor(PROCESSES) as threads:
            for divergence, (found, how) in zip(chosen, threads.map(look_for, chosen), strict=True):
                print(f"{divergence.id} {divergence.operator}: {how}", flush=True)
                missing += not found
    print(f"{len(chosen) - missing} of {len(chosen)} found")
    return 1 if missing else 0


def example(operator: str, case: Case, dtype: str) -> str:
    """Return the call of an operator on a case cast to a dtype, in one line."""
    cast = case.astype(np.dtype(dtype))
    return f"{cast.call(operator)}({', '.join(map(_array, cast.inputs.values()))})"


def _how(result: Result) -> str:
    dissent = result.dissents[0]
    seen = f"{dissent.kind}, {dissent.dtype}, {dissent.mode}"
    if dissent.law:
        return f"{seen}, by {dissent.origin}: {dissent.what}"
    case = dissent.case if dissent.case is not None else load(Path(dissent.saved)).case
    assert case is not None
    shown = example(result.operator, case, dissent.dtype)
    return f"{seen}, case {result.cases}, {dissent.origin}: {shown}"


def _array(array: Array) -> str:
    if array.size > SHOWN:
        return f"<{' x '.join(map(str, array.shape))}>"
    return repr(array.astype(np.float64).tolist() if array.dtype.kind == "f" else array.tolist())
