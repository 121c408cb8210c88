"""What the operators on boxes mean (SPEC sections 1 and 6)."""

from refkernels.definition.bbox.boxes import *  # noqa: F403
from refkernels.definition.bbox.overlaps import *  # noqa: F403
