"""Run the witness of a divergence that ends the process it is in, in a process of its own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from refkernels.conformance.engine.replay import Saved, save
from refkernels.conformance.model.divergence import Divergence

__all__ = ["conforms_elsewhere"]

SECONDS = 300


def conforms_elsewhere(divergence: Divergence, target: str) -> bool:
    """Return whether a divergence's witness conforms, without running it here.

    Parameters
    ----------
    divergence : Divergence
        One that is `fatal`.
    target : str
        The module under test.
    """
    seen = (divergence.dtype, "", "", "crashes", divergence.why)
    saved = Saved(target, divergence.operator, divergence.witness, "", *seen)
    with tempfile.TemporaryDirectory(prefix="refkernels-") as folder:
        place = save(Path(folder), saved)
        command = [sys.executable, "-m", "refkernels", "replay", str(place), "--strict"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    return done.returncode == 0
