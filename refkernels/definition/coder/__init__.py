"""What the coders mean (SPEC sections 4 and 6)."""

from refkernels.definition.coder.distance import *  # noqa: F403
from refkernels.definition.coder.heatmap import *  # noqa: F403
from refkernels.definition.coder.targets import *  # noqa: F403
