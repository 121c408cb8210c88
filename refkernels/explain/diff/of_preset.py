"""What a preset makes of the boxes of a dump, with the preset's own anchors."""

from collections.abc import Mapping
from typing import Any

from refkernels.arrays import Array, require
from refkernels.chain.roles import PLACES
from refkernels.explain.diff.dump import Dump, make_dump
from refkernels.explain.diff.stages import derive
from refkernels.sampler import NaiveSampler

__all__ = ["dump_of_preset"]


def dump_of_preset(preset: str, operators: Mapping[str, Any], dump: Dump) -> Dump:
    """Return what a preset makes of a dump's boxes, labels and logits.

    Parameters
    ----------
    preset : str
        One with anchors of one size of input, which are taken.
    operators : mapping of str to operator
        Those of the preset.
    dump : Dump
        With boxes.

    Returns
    -------
    Dump
        The stages that can be made of what there is.

    Raises
    ------
    ValueError
        If the dump has no boxes.
    """
    from refkernels.assign import TargetAssigner
    from refkernels.assign.network import network_of

    require(
        "boxes" in dump.arrays,
        f"{dump.name}: has no boxes, of which {preset} could make anything; expected a second dump",
    )
    sizes, _ = network_of(preset, None, None)
    anchors = getattr(TargetAssigner, preset)(**sizes).anchors
    names = ("boxes", "labels", "logits")
    arrays: dict[str, Array] = {n: dump.arrays[n] for n in names if n in dump.arrays}
    arrays["anchors"] = anchors[None].astype(dump.arrays.get("anchors", anchors).dtype)
    for place in PLACES:
        operator = operators[place.role]
        needs, given = place.needs(operator), dict(arrays)
        if "candidates" in needs and "matches" in arrays:
            given["candidates"] = NaiveSampler()(arrays["matches"])
        if all(name in given for name in needs):
            arrays |= derive(place, operator, tuple(given[name] for name in needs))
    return make_dump(preset, arrays, operators)
