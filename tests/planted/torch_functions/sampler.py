"""Samplers of anchors: functions of tensors and keywords."""

import torch


def real(x):
    return x if x.is_floating_point() else x.double()


def row_maxima(ious, matches):
    ious = real(ious)
    if ious.shape == matches.shape:
        return ious
    return ious.amax(-1) if ious.shape[-1] else ious.new_zeros(matches.shape)


def NaiveSampler(matches):
    return torch.where(matches >= 0, 1, -1)


def OHEMSampler(matches, logits, ious, ratio, min_samples=0, thresh=0.5):
    largest = row_maxima(ious, matches)
    positive = matches >= 0
    eligible = ~positive & (largest < torch.tensor(thresh, dtype=largest.dtype))
    count = positive.sum(-1, keepdim=True)
    quota = (count.double() * ratio).clamp(min=min_samples).long()
    quota = torch.minimum(quota, matches.shape[-1] - count)
    scores = log_odds(real(logits)).masked_fill(~eligible, -torch.inf)
    order = scores.argsort(dim=-1, descending=True, stable=True)
    rank = order.argsort(-1)
    return torch.where(eligible & (rank < quota), -1, positive.long())


def log_odds(logits):
    # Halves, so that no difference overflows.
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32)) * 0.5
    background, objects = logits[..., 0], logits[..., 1:]
    top = objects.amax(-1)
    odds = ((objects - top[..., None]) * 2).exp().sum(-1)
    return top + odds.log() * 0.5 - background


def QuotaSampler(
    matches,
    ious,
    num_sample,
    pos_thresh,
    neg_thresh_high,
    neg_thresh_low=-torch.inf,
    pos_ratio=0.5,
    neg_ratio=None,
    fill_negative=True,
):
    largest = row_maxima(ious, matches)
    pos, high, low = (
        torch.tensor(value, dtype=largest.dtype)
        for value in (pos_thresh, neg_thresh_high, neg_thresh_low)
    )
    positive = (matches >= 0) | (largest >= pos)
    negative = ~positive & (low <= largest) & (largest < high)
    max_pos = round(pos_ratio * num_sample)
    max_neg = int((1 - pos_ratio if neg_ratio is None else neg_ratio) * num_sample + 1e-9)
    samples = positive.long() - negative.long()
    seed = int(torch.randint(2**62, ()))
    for b, image in enumerate(samples.view(-1, samples.shape[-1])):
        draw = torch.Generator().manual_seed(seed + 7919 * b)
        quota = max_neg
        if fill_negative:
            kept = min(int((image > 0).sum()), max_pos)
            quota = max(max_neg, num_sample - kept)
        drop(image, 1, max_pos, draw)
        drop(image, -1, quota, draw)
    return samples


def drop(image, sign, quota, draw):
    found = (image == sign).nonzero()[:, 0]
    order = torch.randperm(len(found), generator=draw).to(found.device)
    image[found[order[quota:]]] = 0
