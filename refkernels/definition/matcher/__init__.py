"""What the matchers mean (SPEC sections 2 and 6)."""

from refkernels.definition.matcher.overlaps import *  # noqa: F403
