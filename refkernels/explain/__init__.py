"""Why an anchor was matched: decisions in words and pictures, and recorded assignments compared."""

from refkernels.explain.diff import Difference, compare_dumps
from refkernels.explain.dump import Dump, make_dump, read_dump
from refkernels.explain.recorder import Recorder, record
from refkernels.explain.records import Fate, Stage
from refkernels.explain.sensitivity import Flip
from refkernels.explain.sweep import Sweep, thresholds
from refkernels.explain.trace import Trace, explain

__all__ = [
    "Difference",
    "Dump",
    "Fate",
    "Flip",
    "Recorder",
    "Stage",
    "Sweep",
    "Trace",
    "compare_dumps",
    "explain",
    "make_dump",
    "read_dump",
    "record",
    "thresholds",
]
