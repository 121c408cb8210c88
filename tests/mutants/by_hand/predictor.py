"""Mistakes in the predictors."""

from functools import partial

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

_predictor = partial(Mutant, "predictor.py")

MUTANTS = (
    _predictor(
        'strides=check_pair("stride", stride, low=1),\n'
        '                padding=check_pair("pad", pad, low=0),',
        'strides=check_pair("stride", stride, low=1)[::-1],\n'
        '                padding=check_pair("pad", pad, low=0),',
        "swap",
        "the stride's height and width change places",
    ),
    _predictor(
        'check_pair("kernel", kernel, low=1),',
        'check_pair("kernel", kernel, low=1)[::-1],',
        "swap",
        "the kernel's height and width change places",
    ),
    _predictor(
        'padding=check_pair("pad", pad, low=0),',
        'padding=check_pair("pad", pad, low=0)[::-1],',
        "swap",
        "the padding's height and width change places",
    ),
    _predictor(
        'padding=check_pair("pad", pad, low=0),',
        'padding=tuple(size // 2 for size in check_pair("kernel", kernel, low=1)),',
        "ignored parameter",
        "the padding is half the kernel",
    ),
    _predictor(
        "        pad: int | tuple[int, int] = (1, 1),",
        "        pad: int | tuple[int, int] = (0, 0),",
        "wrong default",
        "there is no padding by default",
    ),
    _predictor(
        "        kernel: int | tuple[int, int] = (3, 3),",
        "        kernel: int | tuple[int, int] = (1, 1),",
        "wrong default",
        "the kernel is 1 x 1 by default",
    ),
    _predictor(
        "                activation=_checked(activation),\n"
        '                use_bias=check_flag("use_bias", use_bias),\n'
        "                in_channels=",
        "                activation=_checked(activation),\n"
        "                use_bias=True,\n"
        "                in_channels=",
        "ignored parameter",
        "there is always a bias",
    ),
    _predictor(
        "                activation=_checked(activation),\n"
        '                use_bias=check_flag("use_bias", use_bias),\n'
        "                in_channels=",
        "                activation=None,\n"
        '                use_bias=check_flag("use_bias", use_bias),\n'
        "                in_channels=",
        "ignored parameter",
        "a convolution has no activation",
    ),
    _predictor(
        "                activation=_checked(activation),\n"
        '                use_bias=check_flag("use_bias", use_bias),\n'
        "            )",
        "                activation=None,\n"
        '                use_bias=check_flag("use_bias", use_bias),\n'
        "            )",
        "ignored parameter",
        "a fully connected layer has no activation",
    ),
    _predictor(
        "                activation=_checked(activation),\n"
        '                use_bias=check_flag("use_bias", use_bias),\n'
        "            )",
        "                activation=_checked(activation),\n"
        "                flatten=False,\n"
        '                use_bias=check_flag("use_bias", use_bias),\n'
        "            )",
        "axis",
        "only the last axis is connected",
    ),
    _predictor(
        "F.reshape(x, shape=(-1, 0, 0, 0), reverse=True)",
        "x",
        "batch axis",
        "one image without a batch axis does not work",
    ),
    _predictor(
        "        return F.squeeze(out, axis=0)",
        "        return F.squeeze(out)",
        "axis",
        "every axis of length 1 is dropped",
    ),
    _predictor(
        "half = np.dtype(self.weight.dtype) == np.float16  # type: ignore[attr-defined]",
        "half = False",
        "precision",
        "float16 is computed in float16",
    ),
    _predictor(
        "half = np.dtype(self.weight.dtype) == np.float16  # type: ignore[attr-defined]",
        'if not hasattr(self, "_half"):\n'
        "            self._half = np.dtype(self.weight.dtype) == np.float16\n"
        "        half = self._half",
        "stale state",
        "the dtype is that of the first call",
    ),
    _predictor(
        'return F.cast(out, "float16") if half else out',
        "return out",
        "dtype",
        "float16 comes out as float32",
    ),
    _predictor(
        "if self._soft:",
        "if False:",
        "ignored parameter",
        "softrelu is none",
    ),
    _predictor(
        "kept = None if self._soft else activation",
        "kept = activation",
        "applied twice",
        "softrelu is applied twice",
    ),
    _predictor(
        "out = (out + size) * 0.5 + F.log1p(F.exp(-size))",
        "out = F.log(1 + F.exp(out))",
        "precision",
        "softrelu overflows",
    ),
    _predictor(
        "out = (out + size) * 0.5 + F.log1p(F.exp(-size))",
        "out = (out + size) * 0.5 + F.log(1 + F.exp(-size))",
        "precision",
        "softrelu loses what is small beside 1",
    ),
    _predictor(
        "out = (out + size) * 0.5 + F.log1p(F.exp(-size))",
        'out = F.Activation(out, act_type="softrelu")',
        "precision",
        "MXNet's own softrelu",
    ),
    _predictor(
        "out = super().hybrid_forward(F, x, weight, bias)  # type: ignore[misc]",
        "out = super().hybrid_forward(F, x, F.flip(weight, axis=1), bias)",
        "wrong formula",
        "weights meet the input's channels in reverse",
    ),
)
