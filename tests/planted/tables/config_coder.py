"""Mistakes of coders of boxes that a fixed configuration shows."""

from functools import partial
from math import log

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_module = partial(Planted, style="torch module", kind="config")
_function = partial(Planted, style="torch function", kind="config")

STDS = (0.1, 0.1, 0.2, 0.2)
CLIPPED = {"stds": STDS, "clip": log(1000 / 16)}
GROWTH = "growth = np.minimum(growth, computing.type(self.clip))"
CLAMP = "dw, dh = dw.clamp(max=self.clip), dh.clamp(max=self.clip)"

PLANTED = (
    _numpy(
        "encoder-dw-dh-swapped",
        "NormalizedBoxCenterEncoder",
        {"stds": STDS},
        old="np.log(g_sides / a_sides)], -1)",
        new="np.log(g_sides / a_sides)[..., ::-1]], -1)",
        why="dw and dh change places",
    ),
    _numpy(
        "encoder-means-after-stds",
        "NormalizedBoxCenterEncoder",
        {"stds": STDS, "means": (0.1, 0.1, 0.2, 0.2)},
        old="np.where(positive[..., None], (codes - means) / stds, 0)",
        new="np.where(positive[..., None], codes / stds - means, 0)",
        why="means are subtracted from what is divided already",
    ),
    _numpy(
        "encoder-means-swapped",
        "NumPyNormalizedBoxCenterEncoder",
        {"stds": STDS, "means": (0.0, 0.0, 0.1, 0.2)},
        old="np.array(self.means, computing)\n        positive",
        new="np.array(self.means, computing)[[0, 1, 3, 2]]\n        positive",
        why="the means of dw and dh change places",
    ),
    _numpy(
        "encoder-stds-swapped",
        "NormalizedBoxCenterEncoder",
        {"stds": (0.1, 0.2, 0.2, 0.2)},
        old="/ stds, 0).astype(dtype)",
        new="/ stds[[1, 0, 2, 3]], 0).astype(dtype)",
        why="the stds of dx and dy change places",
    ),
    _module(
        "encoder-means-added",
        "NormalizedBoxCenterEncoder",
        {"means": (0.1, 0.1, 0.2, 0.2)},
        old="(codes - self.means.to(computing))",
        new="(codes + self.means.to(computing))",
        why="means are added",
    ),
    _module(
        "encoder-guarded-log",
        "NormalizedBoxCenterEncoder",
        {"stds": STDS},
        old="torch.log(gw / aw)",
        new="torch.log((gw + 1e-6) / aw)",
        why="a side of 0 has a logarithm, and every width is a little wider",
    ),
    _module(
        "encoder-dh-multiplied",
        "NormalizedBoxCenterEncoder",
        {"stds": (1.0, 1.0, 1.0, 0.5)},
        old="/ self.stds.to(computing)",
        new="* self.stds.to(computing)",
        why="targets are multiplied by stds, most of which are 1",
    ),
    _function(
        "encoder-at-one-half",
        "NormalizedBoxCenterEncoder",
        {"stds": STDS},
        old="samples > 0.5\n    own = torch.where(positive, matches, 0).long()\n    # One box",
        new="samples >= 0.5\n    own = torch.where(positive, matches, 0).long()\n    # One box",
        why="a sample of 0.5 is positive",
    ),
    _function(
        "encoder-one-mean-for-all",
        "NormalizedBoxCenterEncoder",
        {"stds": STDS, "means": (0.0, 0.0, 0.0, 0.1)},
        old="(codes - means) / stds",
        new="(codes - means[0]) / stds",
        why="the first mean stands for all",
    ),
    _function(
        "encoder-mean-of-the-sides",
        "NormalizedBoxCenterEncoder",
        {"stds": STDS},
        old="return boxes[..., :2] + sides * 0.5, sides",
        new="return boxes[..., :2] + (sides - 1) * 0.5, sides",
        why="the centre is that of pixels",
    ),
    _numpy(
        "per-class-one-short",
        "NormalizedPerClassBoxCenterEncoder",
        {"num_class": 3, "max_pos": 16},
        old="order[:, : self.max_pos]",
        new="order[:, : self.max_pos - 1]",
        why="there are max_pos - 1 rows, where there are so many anchors",
    ),
    _numpy(
        "per-class-background",
        "NormalizedPerClassBoxCenterEncoder",
        {"num_class": 20, "max_pos": 16},
        old="np.arange(self.num_class)",
        new="np.arange(1, self.num_class + 1)",
        why="class 0 is taken for the background",
    ),
    _numpy(
        "per-class-last-positives",
        "NormalizedPerClassBoxCenterEncoder",
        {"num_class": 3, "max_pos": 16},
        old='order = np.argsort(~positive, axis=1, kind="stable")',
        new='order = np.argsort(~positive, axis=1, kind="stable")\n'
        "        most = positive.sum(1, keepdims=True)\n"
        "        shift = np.maximum(most - self.max_pos, 0)\n"
        "        order = np.take_along_axis(order, (np.arange(order.shape[1]) + shift)"
        " % max(order.shape[1], 1), 1)",
        why="of more than max_pos positives the last are kept",
    ),
    _function(
        "per-class-next-class",
        "NormalizedPerClassBoxCenterEncoder",
        {"num_class": 20, "max_pos": 16},
        old="is_own = labels[..., None] ==",
        new="is_own = labels[..., None] + 1 ==",
        why="masks are those of the next class",
    ),
    _numpy(
        "decoder-no-clip",
        "NormalizedBoxCenterDecoder",
        CLIPPED,
        old=GROWTH,
        new="growth = growth + 0",
        why="clip is ignored",
    ),
    _numpy(
        "decoder-clips-what-comes",
        "NormalizedBoxCenterDecoder",
        CLIPPED,
        old=GROWTH,
        new="growth = (np.minimum(x, computing.type(self.clip)) * stds + means)[..., 2:]",
        why="clip is compared with what comes in, and not with its product with stds",
    ),
    _numpy(
        "decoder-clip-0-is-a-limit",
        "NormalizedBoxCenterDecoder",
        {"stds": STDS, "clip": 0.0},
        old="self.clip is not None and self.clip > 0",
        new="self.clip is not None and self.clip >= 0",
        why="no box is larger than its anchor",
    ),
    _numpy(
        "decoder-clip-below-0-is-a-limit",
        "NormalizedBoxCenterDecoder",
        {"stds": STDS, "clip": -1.0},
        old="self.clip is not None and self.clip > 0",
        new="self.clip is not None",
        why="no box is larger than 0.37 times its anchor",
    ),
    _module(
        "decoder-clip-after-exp",
        "NormalizedBoxCenterDecoder",
        CLIPPED,
        old=CLAMP,
        new="dw, dh = (d.exp().clamp(max=self.clip).log() for d in (dw, dh))",
        why="clip limits the growth, and not its logarithm",
    ),
    _module(
        "decoder-clip-both-ways",
        "NormalizedBoxCenterDecoder",
        CLIPPED,
        old=CLAMP,
        new="dw, dh = (d.clamp(-self.clip, self.clip) for d in (dw, dh))",
        why="clip limits how small a box may become too",
    ),
    _module(
        "decoder-clips-widths",
        "NormalizedBoxCenterDecoder",
        CLIPPED,
        old=CLAMP,
        new="dw = dw.clamp(max=self.clip)",
        why="heights are not clipped",
    ),
    _module(
        "decoder-anchors-of-the-other-form",
        "NormalizedBoxCenterDecoder",
        {"convert_anchor": True},
        old="center(anchors) if self.convert_anchor else",
        new="center(anchors) if not self.convert_anchor else",
        why="convert_anchor means its opposite",
    ),
    _module(
        "decoder-stds-swapped",
        "NormalizedBoxCenterDecoder",
        {"stds": (0.1, 0.1, 0.2, 0.3)},
        old="(x * stds + means).unbind(-1)",
        new="(x * stds[[0, 1, 3, 2]] + means).unbind(-1)",
        why="the stds of dw and dh change places",
    ),
    _function(
        "decoder-clips-shifts",
        "NormalizedBoxCenterDecoder",
        CLIPPED,
        old="growth = growth.clamp(max=clip)",
        new="shift, growth = shift.clamp(max=clip), growth.clamp(max=clip)",
        why="a box may not move further right or down than clip either",
    ),
    _function(
        "decoder-clip-rounded",
        "NormalizedBoxCenterDecoder",
        CLIPPED,
        old="growth.clamp(max=clip)",
        new="growth.clamp(max=round(clip, 2))",
        why="the limit is 4.14 instead of 4.135166556742356",
    ),
    _function(
        "decoder-pixels",
        "NormalizedBoxCenterDecoder",
        {"convert_anchor": True},
        old="return torch.cat([middle - half, middle + half], -1).to(dtype)",
        new="return torch.cat([middle - half, middle + half - 1], -1).to(dtype)",
        why="a box ends at its last pixel",
    ),
)
