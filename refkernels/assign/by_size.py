"""Assigners for inputs of several sizes, each made when it is first asked for."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from refkernels.arrays import check_choice, check_integer
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.operators import check_size
from refkernels.chain.published import NETWORKS

__all__ = ["AssignersBySize"]


class AssignersBySize:
    """One detector's assigners by the size of its input, where anchors depend on that.

    Detectors that resize by the shorter side pad each batch to the largest of its images, so that
    its anchors are those of the batch. The last few are kept, and used by several threads at once.

    Parameters
    ----------
    detector : str or callable
        The name of a preset of `TargetAssigner` that takes a height and a width; or what is called
        with these two, and returns an assigner.
    kept : int, default 16
        How many assigners are kept, the latest ones.
    **options
        What else the preset takes, or the callable.

    Raises
    ------
    TypeError
        If `detector` is neither.
    ValueError
        If there is no such preset, or it is for one size alone.

    Examples
    --------
    >>> assigners = AssignersBySize("torchvision_retinanet")
    >>> assigners(256, 320)
    <TargetAssigner torchvision_retinanet: 15354 anchors, float32>
    >>> assigners(256, 320) is assigners(256, 320)
    True
    """

    def __init__(
        self, detector: str | Callable[..., TargetAssigner], *, kept: int = 16, **options: Any
    ) -> None:
        if isinstance(detector, str):
            sized = tuple(name for name, network in NETWORKS.items() if not network.fixed)
            check_choice("detector", detector, sized)
        elif not callable(detector):
            raise TypeError(f"detector: expected a preset's name or a callable, got {detector!r}")
        self.detector = detector
        self.kept = check_integer("kept", kept, low=1)
        self.options = options
        self._begin()

    def _begin(self) -> None:
        self._made: OrderedDict[tuple[int, int], TargetAssigner] = OrderedDict()
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    def __repr__(self) -> str:
        sizes = ", ".join(f"{height} x {width}" for height, width in self._made)
        return f"<AssignersBySize {self.detector!r}: {sizes or 'none made yet'}>"

    def __call__(self, height: int, width: int) -> TargetAssigner:
        """Return the assigner for an input of this size in pixels.

        Raises
        ------
        TypeError, ValueError
            If a side is no integer over 0, or the callable returns something else.
        """
        size = check_size((height, width))
        with self._lock:
            if size not in self._made:
                self._made[size] = self._make(size)
                if len(self._made) > self.kept:
                    self._made.popitem(last=False)
            self._made.move_to_end(size)
            return self._made[size]

    def _make(self, size: tuple[int, int]) -> TargetAssigner:
        named = isinstance(self.detector, str)
        make: Any = getattr(TargetAssigner, str(self.detector)) if named else self.detector
        made = make(*size, **self.options)
        if not isinstance(made, TargetAssigner):
            raise TypeError(f"detector: expected a TargetAssigner of it, got {made!r:.60}")
        return made
