"""Mistakes of the other coders and of predictors that a fixed configuration shows."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_module = partial(Planted, style="torch module", kind="config")
_function = partial(Planted, style="torch function", kind="config")

VOC = {"num_class": 21}
LOW = "low = scores <= torch.tensor(self.thresh, dtype=x.dtype)"

PLANTED = (
    _numpy(
        "classes-ignore-minus-1",
        "MultiClassEncoder",
        {"ignore_label": 255},
        old="np.where(samples < -0.5, 0, ignore_label)",
        new="np.where(samples < -0.5, 0, -1)",
        why="what is ignored is always -1",
    ),
    _numpy(
        "classes-in-a-byte",
        "MultiClassEncoder",
        {"ignore_label": 255},
        old="np.where(samples > 0.5, labels + 1, targets)",
        new="np.where(samples > 0.5, (labels + 1) % 256, targets)",
        why="classes beyond 255 begin at 0 again",
    ),
    _module(
        "classes-zero-alone-is-ignored",
        "MultiClassEncoder",
        {"ignore_label": 255},
        old="targets[samples < -0.5] = 0",
        new="targets[samples != 0] = 0",
        why="a sample of 0.25 is background",
    ),
    _function(
        "classes-label-255",
        "MultiClassEncoder",
        {"ignore_label": 255},
        old="torch.where(positive, refs + 1, targets)",
        new="torch.where(positive & (refs != ignore_label), refs + 1, targets)",
        why="ground truth of the label that stands for ignored is ignored",
    ),
    _function(
        "classes-at-one-half",
        "MultiClassEncoder",
        {"ignore_label": 0},
        old="samples > 0.5\n    own = torch.where(positive, matches, 0).long()\n    refs",
        new="samples >= 0.5\n    own = torch.where(positive, matches, 0).long()\n    refs",
        why="a sample of 0.5 is positive",
    ),
    _numpy(
        "sigmoid-exactly",
        "SigmoidClassEncoder",
        {},
        old="positive, negative = samples > 0.5, samples < -0.5",
        new="positive, negative = samples == 1, samples == -1",
        why="1.000001 is no positive",
    ),
    _function(
        "sigmoid-ignored-is-0",
        "SigmoidClassEncoder",
        {},
        old="torch.where(negative, 0, -1)",
        new="torch.where(negative, 0, 0)",
        why="what is ignored has target 0",
    ),
    _numpy(
        "best-class-at-0.05",
        "MultiClassDecoder",
        {"axis": 1, "thresh": 0.05},
        old="counts = scores > thresh\n    return",
        new="counts = scores >= thresh\n    return",
        why="a score at the threshold counts",
    ),
    _module(
        "best-class-over-background",
        "MultiClassDecoder",
        {"axis": 1, "thresh": 0.05},
        old="scores = scores.squeeze(axis)\n        " + LOW,
        new="scores = scores.squeeze(axis)\n        "
        + LOW.replace("scores <=", "(scores < x.select(axis, 0)) | (scores <=")
        + ")",
        why="a class counts only if it beats the background",
    ),
    _module(
        "best-class-three-digits",
        "MultiClassDecoder",
        {"axis": 1, "thresh": 0.05499},
        old="scores = scores.squeeze(axis)\n        " + LOW,
        new="scores = scores.squeeze(axis)\n        "
        + LOW.replace("self.thresh", "round(self.thresh, 3)"),
        why="the threshold has three digits",
    ),
    _function(
        "best-class-keeps-scores",
        "MultiClassDecoder",
        {"thresh": 0.05},
        old="return torch.where(counts, ids, -1), scores.where(counts, torch.zeros_like(scores))",
        new="return torch.where(counts, ids, -1), scores",
        why="a score that does not count is kept",
    ),
    _numpy(
        "each-class-over-background",
        "MultiPerClassDecoder",
        VOC,
        old="counts = scores > thresh\n    ids, scores",
        new="counts = (scores > thresh) & (scores > np.moveaxis(x, axis, -1)[..., :1])\n"
        "    ids, scores",
        why="a class counts only if it beats the background",
    ),
    _module(
        "each-class-at-0.3",
        "MultiPerClassDecoder",
        {"num_class": 21, "thresh": 0.3},
        old=".expand_as(scores)\n        " + LOW,
        new=".expand_as(scores)\n        " + LOW.replace("<=", "<"),
        why="a score at the threshold counts",
    ),
    _function(
        "each-class-last-missing",
        "MultiPerClassDecoder",
        {"num_class": 21, "axis": 1},
        old="ids = torch.arange(num_class - 1, device=x.device).expand_as(x)",
        new="ids = torch.arange(num_class - 1, device=x.device).clamp(max=18).expand_as(x)",
        why="the last class has the id of the one before",
    ),
    _numpy(
        "heat-scale-4",
        "CenterNetDecoder",
        {"topk": 40, "scale": 2.0},
        old="* computing.type(scale)",
        new="* computing.type(4.0)",
        why="the scale is always 4",
    ),
    _numpy(
        "heat-height-for-width",
        "CenterNetDecoder",
        {"topk": 100, "scale": 4.0},
        old="y, x = np.divmod(place, width)",
        new="y, x = np.divmod(place, height)\n    y, x = y % height, x % width",
        why="rows are taken for as long as columns",
    ),
    _module(
        "heat-pixels",
        "CenterNetDecoder",
        {"topk": 100, "scale": 2.0},
        old="half = wh.to(computing)[image, :, ys, xs] / 2",
        new="half = wh.to(computing)[image, :, ys, xs] / 2 / self.scale",
        why="sizes are taken for pixels",
    ),
    _module(
        "heat-one-class-each",
        "CenterNetDecoder",
        {"topk": 10, "scale": 4.0},
        old="index = x.reshape(batch, -1).argsort",
        new="index = (x - (x < x.amax(1, keepdim=True)).to(x.dtype)).reshape(batch, -1).argsort",
        why="of a cell's classes only the best is listed before all others",
    ),
    _function(
        "heat-swapped-sides",
        "CenterNetDecoder",
        {"topk": 100, "scale": 2.0},
        old="height, width = x.shape[-2:]",
        new="width, height = x.shape[-2:]",
        why="height and width change places",
    ),
    _function(
        "heat-no-shift-of-y",
        "CenterNetDecoder",
        {"topk": 1},
        old="torch.stack([place % width, place // width], 1)",
        new="torch.stack([place % width, place // width * (ids == 0)], 1)",
        why="rows of classes but the first are lost",
    ),
    _numpy(
        "conv-softrelu-overflows",
        "ConvPredictor",
        {"num_channel": 2, "activation": "softrelu"},
        old="np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))",
        new="np.log(1 + np.exp(x))",
        why="exp of 100 overflows float32",
    ),
    _numpy(
        "conv-strides-swapped",
        "ConvPredictor",
        {"num_channel": 2, "stride": (2, 1)},
        old="[:, :, ::sh, ::sw]",
        new="[:, :, ::sw, ::sh]",
        why="strides change places",
    ),
    _numpy(
        "conv-is-a-convolution",
        "ConvPredictor",
        {"num_channel": 4, "kernel": (1, 3), "pad": (0, 1)},
        old='"bchwij,fcij->bfhw", windows, weight)',
        new='"bchwij,fcij->bfhw", windows, weight[..., ::-1, ::-1])',
        why="the kernel is turned around",
    ),
    _numpy(
        "dense-fortran",
        "FCPredictor",
        {"num_output": 3},
        old="x.reshape(x.shape[0], weight.shape[1])",
        new='x.reshape(x.shape[0], weight.shape[1], order="F")',
        why="features are flattened from the first axis on",
    ),
    _numpy(
        "dense-softsign",
        "FCPredictor",
        {"num_output": 3, "activation": "softsign"},
        old="return x / (1 + np.abs(x))",
        new="return x / np.sqrt(1 + x * x)",
        why="another sigmoid of the same limits",
    ),
    _module(
        "conv-module-leaks",
        "ConvPredictor",
        {"num_channel": 2, "in_channels": 3, "activation": "relu"},
        old='"relu": nn.ReLU,',
        new='"relu": nn.LeakyReLU,',
        why="the activation leaks",
    ),
    _function(
        "conv-bias-after-activation",
        "ConvPredictor",
        {"num_channel": 2, "stride": (2, 2), "activation": "softsign"},
        old="return ACTIVATIONS[activation](out).to(dtype)\n\n\ndef FC",
        new="out = ACTIVATIONS[activation](out - bias[:, None, None])\n"
        "    return (out + bias[:, None, None]).to(dtype)\n\n\ndef FC",
        why="the bias is added after the activation",
    ),
    _function(
        "dense-no-bias",
        "FCPredictor",
        {"num_output": 3, "activation": "sigmoid"},
        old="weight.shape[1]), weight, bias)",
        new="weight.shape[1]), weight)",
        why="the bias is ignored",
    ),
)
