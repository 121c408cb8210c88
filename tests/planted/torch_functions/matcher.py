"""Matchers: functions of tensors and keywords."""

import torch


def real(x):
    return x if x.is_floating_point() else x.double()


def MaximumMatcher(x, threshold):
    x = real(x)
    if x.shape[-1] == 0:
        return torch.full(x.shape[:-1], -1, device=x.device)
    best, match = x.max(-1)
    match = torch.argmax((x == best[..., None]).byte(), -1)
    return torch.where(best >= torch.tensor(threshold, dtype=x.dtype), match, -1)


def BipartiteMatcher(x, threshold=1e-12, is_ascend=False, eps=1e-12, share_max=True):
    x = real(x)
    if x.numel() == 0:
        return torch.full(x.shape[:-1], -1, device=x.device)
    threshold, eps = (torch.tensor(value, dtype=x.dtype) for value in (threshold, eps))
    if is_ascend:
        x, threshold = -x, -threshold
    images = x.reshape(-1, *x.shape[-2:])
    matches = [one_image(image, threshold, eps, share_max) for image in images]
    return torch.stack(matches).reshape(x.shape[:-1])


def one_image(x, threshold, eps, share_max):
    candidates = x > threshold
    matches = torch.full(x.shape[:1], -1, device=x.device)
    left = x.masked_fill(~candidates, -torch.inf)
    for _ in range(min(x.shape)):
        best = left.max()
        if best == -torch.inf:
            break
        row, column = divmod(int((left == best).flatten().byte().argmax()), x.shape[1])
        matches[row] = column
        left[row], left[:, column] = -torch.inf, -torch.inf
    own = (x == x.amax(1, keepdim=True)).byte().argmax(1)
    near = candidates & (x + eps >= x.amax(0))
    shares = near.any(1) if share_max else near.gather(1, own[:, None])[:, 0]
    return torch.where((matches < 0) & shares, own, matches)


def CompositeMatcher(x, matchers):
    matches = torch.full(x.shape[:-1], -1, device=x.device)
    for matcher in matchers:
        matches = torch.where(matches >= 0, matches, matcher(x))
    return matches
