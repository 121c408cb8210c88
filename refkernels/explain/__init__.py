"""Why an anchor was matched: decisions in words and pictures, and recorded assignments compared."""

from refkernels.explain.beside.comparison import Comparison, compare_traces
from refkernels.explain.diff.compare import Difference, compare_dumps
from refkernels.explain.diff.dump import Dump, make_dump, read_dump
from refkernels.explain.recording.functions import recorded
from refkernels.explain.recording.recorder import Recorder, record
from refkernels.explain.trace.flips import Flip
from refkernels.explain.trace.records import Fate, Stage
from refkernels.explain.trace.sweep import Sweep, thresholds
from refkernels.explain.trace.trace import Trace, explain
from refkernels.explain.training.monitor import AssignmentMonitor

__all__ = [
    "AssignmentMonitor",
    "Comparison",
    "Difference",
    "Dump",
    "Fate",
    "Flip",
    "Recorder",
    "Stage",
    "Sweep",
    "Trace",
    "compare_dumps",
    "compare_traces",
    "explain",
    "make_dump",
    "read_dump",
    "record",
    "recorded",
    "thresholds",
]
