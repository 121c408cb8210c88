"""What stands in for packages that no registry has: ``stand_ins/`` holds them."""

import sys
from pathlib import Path

__all__ = ["stand_in"]

STAND_INS = Path(__file__).with_name("stand_ins")


def stand_in() -> None:
    """Make the stand-ins importable, here and where checks started from here run.

    They come after what is installed: the real thing, where there is one, is what is tested.
    """
    if str(STAND_INS) not in sys.path:
        sys.path.append(str(STAND_INS))
