"""Why an anchor was matched: decisions in words and pictures, and recorded assignments compared."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

# Loaded when they are first used: a command that explains compares nothing.
_MODULE_OF = {
    "AssignmentMonitor": "training.monitor",
    "Comparison": "beside.comparison",
    "Difference": "diff.compare",
    "Dump": "diff.dump",
    "Fate": "trace.records",
    "Flip": "trace.flips",
    "Recorder": "recording.recorder",
    "Stage": "trace.records",
    "Sweep": "trace.sweep",
    "Trace": "trace.trace",
    "compare_dumps": "diff.compare",
    "compare_traces": "beside.comparison",
    "explain": "trace.trace",
    "make_dump": "diff.dump",
    "read_dump": "diff.dump",
    "record": "recording.recorder",
    "recorded": "recording.functions",
    "thresholds": "trace.sweep",
}

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


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
