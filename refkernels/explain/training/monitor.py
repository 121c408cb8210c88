"""`AssignmentMonitor`: how many anchors objects get, step by step, and how that drifts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from refkernels.arrays import check_flag, check_integer, require, shown
from refkernels.arrays.printing import times
from refkernels.explain.training.assigned import Assigned, assigned_of

__all__ = ["AssignmentMonitor"]

# What is logged, behind the prefix.
FIGURES = ("positives_per_object", "objects_without_anchors", "drift")


class AssignmentMonitor:
    """Log what an assigner does while a detector is trained.

    After each step there are three figures: ``positives_per_object``, the mean over the step's
    objects; ``objects_without_anchors``, their share; and ``drift``, which share of the anchors
    matched now or when the image was last seen is not matched alike, the mean over those of the
    step's images that were seen before. The first two are the same at every epoch as long as
    images are not augmented and the assigner does not look at predictions, and drift is 0.

    Parameters
    ----------
    log : callable or object
        Called with a name, a number and the step; or what has such an ``add_scalar``, as
        TensorBoard's ``SummaryWriter``.
    prefix : str, default 'assign/'
        What names begin with.
    keep : bool, default True
        Whether to keep what each image's anchors were, which drift needs: 8 bytes for each matched
        anchor of the data set.

    Raises
    ------
    TypeError
        If `log` cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> monitor = AssignmentMonitor(lambda name, value, step: print(step, name, value))
    >>> with monitor.step(["a.jpg"], [2]):
    ...     monitor.see(np.array([0, -1, 0, -1]))
    0 assign/positives_per_object 1.0
    0 assign/objects_without_anchors 0.5
    >>> with monitor.step(["a.jpg"], [2]):
    ...     monitor.see(np.array([0, -1, -1, 1]))
    1 assign/positives_per_object 1.0
    1 assign/objects_without_anchors 0.0
    1 assign/drift 0.6666666666666667
    """

    def __init__(self, log: Any, *, prefix: str = "assign/", keep: bool = True) -> None:
        self._log: Callable[[str, float, int], Any] = getattr(log, "add_scalar", log)
        if not callable(self._log):
            raise TypeError(f"log: expected a callable or a SummaryWriter, got {shown(log)}")
        self.prefix = prefix
        self.keep = check_flag("keep", keep)
        self.steps = 0
        self._last: dict[Any, Assigned] = {}
        self._open: list[tuple[Any, int]] | None = None
        self._seen: list[Assigned] = []

    @contextmanager
    def step(
        self, images: Sequence[Any], objects: Sequence[int] | None = None
    ) -> Iterator["AssignmentMonitor"]:
        """Say which images the assignments made in a ``with`` block are of, and log at its end.

        Parameters
        ----------
        images : sequence
            An id of each image of the batch; or targets as torchvision's detectors take them, dicts
            with ``boxes`` and ``image_id``, and then without `objects`.
        objects : sequence of int, optional
            How many objects each image has.

        Raises
        ------
        ValueError
            If not all images were seen when the block ends: an assigner was called for fewer or
            more. Images without objects, which some packages do not assign, may be missing.
        """
        ids, counts = _images_of(images, objects)
        require(self._open is None, "step: the one before has not ended")
        self._open, self._seen = list(zip(ids, counts, strict=True)), []
        try:
            yield self
            seen, wanted = self._seen, self._open
        finally:
            self._open, self._seen = None, []
        if len(seen) != len(wanted):
            wanted = [image for image in wanted if image[1]]
        require(
            len(seen) == len(wanted),
            f"step: {times(len(seen), 'assignment')} {'was' if len(seen) == 1 else 'were'} "
            f"seen of {times(len(ids), 'image')}; "
            "watch the assigner, "
            "and that one alone",
        )
        self._tell(seen, wanted)

    def see(self, result: Any) -> None:
        """Take what an assigner returned, for the next image or images of the step.

        Parameters
        ----------
        result : object
            As torchvision, mmdetection, ultralytics, DETR or this package give it.

        Raises
        ------
        TypeError
            If it is none of these.
        ValueError
            If there is no step.
        """
        require(self._open is not None, "see: expected to be inside of a step")
        self._seen += assigned_of(result)

    def watch(self, assigner: Any) -> Any:
        """Let what an assigner returns be seen in every step.

        Parameters
        ----------
        assigner : object
            A PyTorch module, which gets a hook; an object with a method ``assign``, as
            mmdetection's, which is wrapped; or any callable.

        Returns
        -------
        object
            The module or object itself; for another callable one to be put in its place.

        Raises
        ------
        TypeError
            If it cannot be called.
        """
        if hasattr(assigner, "register_forward_hook"):
            assigner.register_forward_hook(lambda *call: self._notice(call[-1]))
            return assigner
        if hasattr(assigner, "assign"):
            assigner.assign = _Watched(assigner.assign, self._notice)
            return assigner
        if not callable(assigner):
            raise TypeError(f"assigner: expected a callable, got {shown(assigner)}")
        return _Watched(assigner, self._notice)

    def _notice(self, result: Any) -> None:
        if self._open is not None:  # others are of no step, such as those of a validation
            self.see(result)

    def _tell(self, seen: list[Assigned], images: list[tuple[Any, int]]) -> None:
        objects = without = positives = 0
        drifts = []
        for own, (image, count) in zip(seen, images, strict=True):
            objects += count
            positives += len(own.anchors)
            without += count - len(np.unique(own.objects))
            if image in self._last:
                drifts.append(own.drift(self._last[image]))
            if self.keep:
                self._last[image] = own
        figures = {}
        if objects:
            figures = {FIGURES[0]: positives / objects, FIGURES[1]: without / objects}
        if drifts:
            figures[FIGURES[2]] = float(np.mean(drifts))
        for name, value in figures.items():
            self._log(f"{self.prefix}{name}", value, self.steps)
        self.steps += 1


class _Watched:
    """A callable whose results are noticed, and which otherwise is as it was."""

    def __init__(self, call: Any, notice: Callable[[Any], None]) -> None:
        self._call, self._notice = call, notice

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self._call(*args, **kwargs)
        self._notice(result)
        return result

    def __getattr__(self, name: str) -> Any:
        if name in ("_call", "_notice"):  # of a copy that is not made yet
            raise AttributeError(name)
        return getattr(self._call, name)


def _images_of(images: Any, objects: Any) -> tuple[list[Any], list[int]]:
    given = list(images)
    if objects is None:
        ids, counts = [], []
        for k, target in enumerate(given):
            if not (isinstance(target, Mapping) and {"boxes", "image_id"} <= set(target)):
                raise TypeError(
                    f"images[{k}]: expected a dict with boxes and image_id, or objects beside ids, "
                    f"got {shown(target)}"
                )
            own = target["image_id"]
            ids.append(own.item() if hasattr(own, "item") else own)
            counts.append(len(target["boxes"]))
        return ids, counts
    counts = [check_integer(f"objects[{k}]", n, low=0) for k, n in enumerate(objects)]
    require(
        len(counts) == len(given),
        f"objects: expected one number for each of {times(len(given), 'image')}, got {len(counts)}",
    )
    return [own.item() if hasattr(own, "item") else own for own in given], counts
