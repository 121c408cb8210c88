"""Where compiled kernels are kept: those of exactly these sources, as pytest keeps them."""

import hashlib
import os
from pathlib import Path

__all__ = ["ROOT", "kernel_cache"]

ROOT = Path(__file__).parents[2]


def kernel_cache() -> Path:
    """Return the folder that conftest.py gives to kernels of today's sources.

    Those that check every index have another one.
    """
    digest = hashlib.sha256(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    for source in sorted((ROOT / "refkernels").rglob("*.py")):
        digest.update(source.read_bytes())
    folder = ROOT / ".pytest_cache" / "d" / "numba" / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)  # which pytest removes a day after its last use
    return folder
