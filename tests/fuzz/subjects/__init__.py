"""How each operator is called: one file a family."""

from functools import cache
from importlib import import_module

from tests.fuzz.subject import Subject

__all__ = ["subjects"]

FAMILIES = ("bbox", "matcher", "sampler", "encoder", "decoder", "predictor", "network", "assigner")
FAMILIES += ("cost", "point_coder", "detector_matcher", "suppression", "anchor", "predicting")


@cache
def subjects() -> dict[str, Subject]:
    """Return what is known of each operator, by name."""
    return {
        subject.name: subject
        for family in FAMILIES
        for subject in import_module(f"{__name__}.{family}").SUBJECTS
    }
