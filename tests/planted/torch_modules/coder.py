"""Coders: modules that own their means, stds and thresholds."""

import torch
from torch import nn

STDS = (0.1, 0.1, 0.2, 0.2)
MEANS = (0.0, 0.0, 0.0, 0.0)


def real(x):
    return x if x.is_floating_point() else x.double()


def center(boxes):
    x1, y1, x2, y2 = boxes.unbind(-1)
    width, height = x2 - x1, y2 - y1
    return x1 + width * 0.5, y1 + height * 0.5, width, height


class NormalizedBoxCenterEncoder(nn.Module):
    def __init__(self, stds=STDS, means=MEANS):
        super().__init__()
        self.register_buffer("stds", torch.tensor(stds, dtype=torch.double))
        self.register_buffer("means", torch.tensor(means, dtype=torch.double))

    def forward(self, samples, matches, anchors, refs):
        if samples.dim() == 1 and refs.dim() == 2:
            return tuple(x[0] for x in self(samples[None], matches[None], anchors, refs[None]))
        anchors, refs = real(anchors), real(refs)
        dtype = torch.promote_types(anchors.dtype, refs.dtype)
        computing = torch.promote_types(dtype, torch.float32)
        positive = samples > 0.5
        own = matches.long().where(positive, torch.zeros_like(matches).long())
        # A box for those that have none.
        refs = torch.cat([refs, torch.ones_like(refs[:, :1])], 1) if not refs.shape[1] else refs
        image = torch.arange(len(refs), device=refs.device)[:, None]
        gx, gy, gw, gh = center(refs.to(computing)[image, own])
        ax, ay, aw, ah = center(anchors.to(computing))
        codes = [(gx - ax) / aw, (gy - ay) / ah, torch.log(gw / aw), torch.log(gh / ah)]
        codes = torch.stack(codes, -1)
        targets = (codes - self.means.to(computing)) / self.stds.to(computing)
        masks = positive[..., None].expand(targets.shape)
        return targets.masked_fill(~masks, 0).to(dtype), masks.to(dtype)


class NormalizedBoxCenterDecoder(nn.Module):
    def __init__(self, stds=STDS, convert_anchor=False, clip=-1.0, *, means=MEANS):
        super().__init__()
        self.register_buffer("stds", torch.tensor(stds, dtype=torch.double))
        self.register_buffer("means", torch.tensor(means, dtype=torch.double))
        self.convert_anchor = convert_anchor
        self.clip = clip

    def forward(self, x, anchors):
        x, anchors = real(x), real(anchors)
        dtype = torch.promote_types(x.dtype, anchors.dtype)
        computing = torch.promote_types(dtype, torch.float32)
        x, anchors = x.to(computing), anchors.to(computing)
        ax, ay, aw, ah = center(anchors) if self.convert_anchor else anchors.unbind(-1)
        stds, means = self.stds.to(computing), self.means.to(computing)
        dx, dy, dw, dh = (x * stds + means).unbind(-1)
        if self.clip is not None and self.clip > 0:
            dw, dh = dw.clamp(max=self.clip), dh.clamp(max=self.clip)
        ox, oy = dx * aw + ax, dy * ah + ay
        ow, oh = torch.exp(dw) * aw * 0.5, torch.exp(dh) * ah * 0.5
        return torch.stack([ox - ow, oy - oh, ox + ow, oy + oh], -1).to(dtype)


class MultiClassEncoder(nn.Module):
    def __init__(self, ignore_label=-1):
        super().__init__()
        self.ignore_label = ignore_label

    def forward(self, samples, matches, refs):
        if samples.dim() == 1:
            return self(samples[None], matches[None], refs[None])[0]
        refs = refs if refs.is_floating_point() else refs.long()
        labels = torch.cat([refs, refs.new_zeros(len(refs), 1)], 1)
        own = labels.gather(1, matches.long().masked_fill(samples <= 0.5, 0)) + 1
        targets = torch.full_like(own, self.ignore_label)
        targets[samples < -0.5] = 0
        return torch.where(samples > 0.5, own, targets)


class MultiClassDecoder(nn.Module):
    def __init__(self, axis=-1, thresh=0.01):
        super().__init__()
        self.axis = axis
        self.thresh = thresh

    def forward(self, x):
        x = real(x)
        axis = self.axis % x.dim()
        foreground = x.narrow(axis, 1, x.shape[axis] - 1)
        scores = foreground.amax(axis, keepdim=True)
        ids = (foreground == scores).byte().argmax(axis)
        scores = scores.squeeze(axis)
        low = scores <= torch.tensor(self.thresh, dtype=x.dtype)
        return ids.masked_fill(low, -1), scores.masked_fill(low, 0)


class MultiPerClassDecoder(nn.Module):
    def __init__(self, num_class, axis=-1, thresh=0.01):
        super().__init__()
        self.num_class = num_class
        self.axis = axis
        self.thresh = thresh

    def forward(self, x):
        x = real(x)
        axis = self.axis % x.dim()
        scores = x.narrow(axis, 1, self.num_class - 1)
        shape = [-1 if i == axis else 1 for i in range(x.dim())]
        ids = torch.arange(self.num_class - 1, device=x.device).reshape(shape).expand_as(scores)
        low = scores <= torch.tensor(self.thresh, dtype=x.dtype)
        return ids.masked_fill(low, -1), scores.masked_fill(low, 0)


class CenterNetDecoder(nn.Module):
    def __init__(self, topk=100, scale=4.0):
        super().__init__()
        self.topk = topk
        self.scale = scale

    def forward(self, x, wh, reg):
        if x.dim() == 3:
            return tuple(part[0] for part in self(x[None], wh[None], reg[None]))
        x, wh, reg = real(x), real(wh), real(reg)
        dtype = torch.promote_types(torch.promote_types(x.dtype, wh.dtype), reg.dtype)
        computing = torch.promote_types(dtype, torch.float32)
        batch, _, height, width = x.shape
        index = x.reshape(batch, -1).argsort(dim=1, descending=True, stable=True)[:, : self.topk]
        scores = x.reshape(batch, -1).gather(1, index)
        ids, place = index // (height * width), index % (height * width)
        ys, xs = place // width, place % width
        image = torch.arange(batch, device=x.device)[:, None]
        shift = reg.to(computing)[image, :, ys, xs]
        half = wh.to(computing)[image, :, ys, xs] / 2
        cx, cy = xs + shift[..., 0], ys + shift[..., 1]
        corners = [cx - half[..., 0], cy - half[..., 1], cx + half[..., 0], cy + half[..., 1]]
        boxes = torch.stack(corners, -1) * torch.tensor(self.scale, dtype=computing)
        return ids, scores.to(dtype), boxes.to(dtype)
