"""Samplers: modules, and a sampler of examples for a `DataLoader`."""

import torch
from torch import nn
from torch.utils.data import Sampler


def real(x):
    return x if x.is_floating_point() else x.double()


class OHEMSampler(nn.Module):
    def __init__(self, ratio, min_samples=0, thresh=0.5):
        super().__init__()
        self.ratio = ratio
        self.min_samples = min_samples
        self.thresh = thresh

    def forward(self, matches, logits, ious):
        ious = real(ious)
        if ious.dim() > matches.dim():
            ious = ious.amax(-1) if ious.shape[-1] else ious.new_zeros(matches.shape)
        samples = (matches >= 0).long()
        eligible = (samples == 0) & (ious < torch.tensor(self.thresh, dtype=ious.dtype))
        scores = self.scores(real(logits))
        count = matches.shape[-1]
        images = (samples, eligible, scores)
        for own, free, hard in zip(*(x.reshape(-1, count) for x in images), strict=True):
            positives = int(own.sum())
            quota = min(max(self.min_samples, self.ratio * positives), count - positives)
            places = free.nonzero()[:, 0]
            order = hard[places].sort(descending=True, stable=True).indices
            own[places[order[: int(quota)]]] = -1
        return samples

    def scores(self, logits):
        # Halves, so that no difference overflows.
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32)) / 2
        top = logits[..., 1:].amax(-1, keepdim=True)
        odds = ((logits[..., 1:] - top) * 2).exp().sum(-1)
        return top[..., 0] + odds.log() / 2 - logits[..., 0]


class QuotaSampler(nn.Module):
    def __init__(
        self,
        num_sample,
        pos_thresh,
        neg_thresh_high,
        neg_thresh_low=-torch.inf,
        pos_ratio=0.5,
        neg_ratio=None,
        fill_negative=True,
    ):
        super().__init__()
        self.num_sample = num_sample
        self.pos_thresh = pos_thresh
        self.neg_thresh_high = neg_thresh_high
        self.neg_thresh_low = neg_thresh_low
        self.max_pos = round(pos_ratio * num_sample)
        self.max_neg = int((1 - pos_ratio if neg_ratio is None else neg_ratio) * num_sample + 1e-9)
        self.fill_negative = fill_negative

    def forward(self, matches, ious):
        ious = real(ious)
        if ious.dim() > matches.dim():
            ious = ious.amax(-1) if ious.shape[-1] else ious.new_zeros(matches.shape)
        pos, high, low = (
            torch.tensor(threshold, dtype=ious.dtype)
            for threshold in (self.pos_thresh, self.neg_thresh_high, self.neg_thresh_low)
        )
        positive = (matches >= 0) | (ious >= pos)
        negative = ~positive & (ious >= low) & (ious < high)
        shape = matches.shape
        positive, negative = (x.reshape(-1, shape[-1]) for x in (positive, negative))
        max_neg = torch.full((len(positive), 1), self.max_neg, device=ious.device)
        if self.fill_negative:
            kept = positive.sum(1, keepdim=True).clamp(max=self.max_pos)
            max_neg = torch.maximum(max_neg, self.num_sample - kept)
        seed = int(torch.randint(2**62, ()))
        lots = [
            torch.randperm(shape[-1], generator=torch.Generator().manual_seed(seed + 7919 * b))
            for b in range(len(positive))
        ]
        lots = torch.stack(lots).to(ious.device) if lots else positive.long()
        kept = self.lowest(positive, lots, self.max_pos).long()
        return (kept - self.lowest(negative, lots, max_neg).long()).reshape(shape)

    def lowest(self, of, lots, quota):
        """Return those of the lowest lots."""
        rank = lots.masked_fill(~of, lots.shape[1]).argsort(dim=1, stable=True).argsort(1)
        return of & (rank < quota)


class SplitSampler(Sampler):
    def __init__(self, length, num_parts=1, part_index=0, remainder="drop", seed=None):
        each, left = divmod(length, num_parts)
        if remainder == "spread":
            self.first = each * part_index + min(part_index, left)
            self.last = self.first + each + int(part_index < left)
        else:
            self.first, self.last = each * part_index, each * (part_index + 1)
        self.draw = torch.Generator()
        self.draw.manual_seed(torch.seed() if seed is None else seed)

    def __len__(self):
        return self.last - self.first

    def __iter__(self):
        order = torch.randperm(len(self), generator=self.draw)
        return iter((order + self.first).tolist())
