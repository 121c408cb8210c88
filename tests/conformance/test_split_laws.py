"""A sampler of examples whose every epoch is sound breaks a law if it draws them unevenly."""

import numpy as np
import pytest

import refkernels
from refkernels.conformance import assert_conforms
from refkernels.conformance.cases import find
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.targets.subject import Subject


class InOrder(refkernels.SplitSampler):
    def __iter__(self):
        return iter(sorted(super().__iter__()))


class Rotated(refkernels.SplitSampler):
    def __iter__(self):
        first = next(super().__iter__(), 0) - self._start
        return iter(self._start + np.roll(np.arange(len(self)), first))


class OfOneEpoch(refkernels.SplitSampler):
    def __iter__(self):
        self.set_epoch(0)
        return super().__iter__()


class SortedUp(refkernels.SplitSortedBucketSampler):
    def __iter__(self):
        return (sorted(batch, key=self._keys.__getitem__) for batch in super().__iter__())


class InOrderOfKeys(refkernels.SplitSortedBucketSampler):
    def __iter__(self):
        batches = list(super().__iter__())
        return iter(sorted(batches) if self._shuffle else batches)


class OfPartsThatOverlap(refkernels.SplitSortedBucketSampler):
    def _draw(self, epoch, part):
        return super()._draw(epoch, part + 100 * self._part_index)


class OfTheSamePart(refkernels.SplitSortedBucketSampler):
    def _draw(self, epoch, part):
        return super()._draw(0 if part == 0 else epoch, part)


class WithoutBuckets(refkernels.SplitSortedBucketSampler):
    def __iter__(self):
        batches = list(super().__iter__())
        if self._shuffle and len({len(batch) for batch in batches}) == 1:
            # The same examples, dealt out to the batches and sorted there.
            dealt = np.array(batches).reshape(-1, len(batches)).T
            batches = [sorted(batch, key=self._keys.__getitem__) for batch in dealt.tolist()]
        return iter(batches)


class Broken(refkernels.SplitSortedBucketSampler):
    def __iter__(self):
        return ([*batch, 99] for batch in super().__iter__())


@pytest.mark.parametrize(
    ("sampler", "law"),
    [
        (InOrder, "every order is equally likely, in every epoch"),
        (Rotated, "every order is equally likely, in every epoch"),
        (OfOneEpoch, "every order is equally likely, in every epoch"),
        (SortedUp, "whether a bucket is sorted up or down is drawn"),
        (InOrderOfKeys, "with shuffle, every order of batches is equally likely"),
        (OfPartsThatOverlap, "with shuffle, parts are drawn, and have no example in common"),
        (WithoutBuckets, "with shuffle, batches of a bucket follow each other by key"),
    ],
)
def test_uneven_lots_break_a_law(sampler, law):
    operator = sampler.__mro__[1].__name__
    dissent = Examiner(find(operator), Subject(sampler, operator)).examine_laws(law)
    assert dissent.law == law
    assert dissent.kind == "breaks a law"


def test_a_part_that_is_never_drawn_anew_breaks_a_law_where_it_is_given():
    config = {"sort_keys": list(range(40)), "batch_size": 3, "num_parts": 4, "part_index": 2}
    config |= {"shuffle": True, "seed": 233}
    with pytest.raises(AssertionError, match="a part that is given has any examples"):
        assert_conforms(OfTheSamePart, "SplitSortedBucketSampler", config=config)
    assert_conforms(refkernels.SplitSortedBucketSampler, "SplitSortedBucketSampler", config=config)


def test_what_no_sampler_draws_is_told():
    subject = Subject(Broken, "SplitSortedBucketSampler")
    law = "with shuffle, parts are drawn, and have no example in common"
    dissent = Examiner(find("SplitSortedBucketSampler"), subject).examine_laws(law)
    assert "have [0, 1, 2, 3, 4, 5, 99, 99, 99] in the first epoch of seed 0" in dissent.what
