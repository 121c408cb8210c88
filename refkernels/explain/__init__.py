"""Why an anchor was matched: dumps of an assignment, recorded, compared and told in words."""

from refkernels.explain.diff import Difference, diff
from refkernels.explain.dump import Dump, make_dump, read_dump
from refkernels.explain.recorder import Recorder, record

__all__ = ["Difference", "Dump", "Recorder", "diff", "make_dump", "read_dump", "record"]
