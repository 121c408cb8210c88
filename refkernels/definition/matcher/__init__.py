"""What the matchers mean (SPEC sections 2 and 6)."""

from refkernels.definition.matcher.atss import *  # noqa: F403
from refkernels.definition.matcher.hungarian import *  # noqa: F403
from refkernels.definition.matcher.overlaps import *  # noqa: F403
from refkernels.definition.matcher.point import *  # noqa: F403
from refkernels.definition.matcher.simota import *  # noqa: F403
from refkernels.definition.matcher.task_aligned import *  # noqa: F403
from refkernels.definition.matcher.threshold import *  # noqa: F403
