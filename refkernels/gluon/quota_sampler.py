"""`QuotaSampler` as a custom operator, for ``F.Custom`` in blocks and symbols (SPEC section 3).

It is registered as ``refkernels_quota_sampler``, and as ``quota_sampler`` unless another package
has taken that name by then. MXNet runs custom operators on the host, on whatever context their
inputs are.

An error in the wrong callback of a custom operator ends the process: MXNet reads the result of a
constructor that raised. So parameters are checked when an operator is constructed, but what is
registered keeps the error until the first callback that may raise; shapes are checked while they
are inferred; and a forward pass raises nothing.
"""

from typing import Any

import mxnet as mx
import numpy as np
from mxnet.operator import CustomOp, CustomOpProp

from refkernels.arrays import Array, as_seed, require
from refkernels.sampler import QuotaSampler
from refkernels.sampler.inputs import row_maxima
from refkernels.sampler.quota import sample

__all__ = ["QuotaSamplerOp", "QuotaSamplerProp"]

WORDS = {"none": None, "true": True, "false": False}


class QuotaSamplerOp(CustomOp):
    """Take random subsets of positives and negatives; see `refkernels.QuotaSampler`.

    Parameters
    ----------
    num_sample, pos_thresh, neg_thresh_high, neg_thresh_low, pos_ratio, neg_ratio, fill_negative
        As for `refkernels.QuotaSampler`; numbers, or strings that say them.

    Notes
    -----
    The seed is drawn from the generator of `mxnet.random.seed` when the operator is made: for each
    call, but for a bound symbol, or a block hybridised with ``static_shape``, once for all calls,
    which then draw on from it. The gradient is zero.

    References
    ----------
    SPEC section 3.
    """

    def __init__(
        self,
        num_sample: int | str,
        pos_thresh: float | str,
        neg_thresh_high: float | str = 0.5,
        neg_thresh_low: float | str = -np.inf,
        pos_ratio: float | str = 0.5,
        neg_ratio: float | str | None = None,
        fill_negative: bool | str = True,
    ) -> None:
        super().__init__()
        self._sampler = _parse(
            num_sample,
            pos_thresh,
            neg_thresh_high,
            neg_thresh_low,
            pos_ratio,
            neg_ratio,
            fill_negative,
        )
        with mx.autograd.pause(), mx.cpu():
            words = mx.nd.random.randint(0, 2**31 - 1, shape=(2,), dtype="int32").asnumpy()
        self._seeds = np.random.default_rng(words)

    def forward(
        self, is_train: bool, req: list[str], in_data: list[Any], out_data: list[Any], aux: Any
    ) -> None:
        """Sample matches (B, N) or (N,), given IoUs with an axis more, or their largest."""
        matches, ious = (array.asnumpy() for array in in_data)
        if ious.dtype.kind != "f":
            ious = ious.astype(np.float64)
        maxima = ious if ious.shape == matches.shape else row_maxima(ious)
        # The sign of a match is all that counts, so even nan passes here as no match.
        signs = np.where(matches >= 0, np.int64(0), np.int64(-1))
        seed = as_seed("rng", self._seeds)
        samples = sample(self._sampler, _read_only(signs), _read_only(maxima), seed)
        result = mx.nd.array(samples, ctx=out_data[0].context, dtype="float32")
        self.assign(out_data[0], req[0], result)

    def backward(
        self,
        req: list[str],
        out_grad: list[Any],
        in_data: list[Any],
        out_data: list[Any],
        in_grad: list[Any],
        aux: Any,
    ) -> None:
        """Set both gradients to zero."""
        for gradient, request in zip(in_grad, req, strict=True):
            self.assign(gradient, request, 0)


class QuotaSamplerProp(CustomOpProp):
    """What MXNet asks about `QuotaSamplerOp`: parameters, shapes and dtypes.

    Parameters
    ----------
    num_sample, pos_thresh, neg_thresh_high, neg_thresh_low, pos_ratio, neg_ratio, fill_negative
        As for `refkernels.QuotaSampler`, but `neg_thresh_low` is 0 by default. Strings are read as
        what they say: ``'False'`` is False, ``'None'`` is None, ``'-inf'`` is minus infinity.

    Raises
    ------
    TypeError, ValueError
        As by `refkernels.QuotaSampler`.

    References
    ----------
    SPEC section 3.

    Examples
    --------
    >>> import mxnet as mx
    >>> matches, ious = mx.nd.array([0, -1, -1]), mx.nd.array([[0.9], [0.4], [0.1]])
    >>> mx.nd.Custom(
    ...     matches,
    ...     ious,
    ...     op_type="refkernels_quota_sampler",
    ...     num_sample=3,
    ...     pos_thresh=0.5,
    ...     neg_thresh_high=0.3,
    ... ).asnumpy()
    array([ 1.,  0., -1.], dtype=float32)
    """

    def __init__(
        self,
        num_sample: int | str,
        pos_thresh: float | str,
        neg_thresh_high: float | str = 0.5,
        neg_thresh_low: float | str = 0.0,
        pos_ratio: float | str = 0.5,
        neg_ratio: float | str | None = None,
        fill_negative: bool | str = True,
    ) -> None:
        super().__init__(need_top_grad=False)
        self._parameters = (
            num_sample,
            pos_thresh,
            neg_thresh_high,
            neg_thresh_low,
            pos_ratio,
            neg_ratio,
            fill_negative,
        )
        _parse(*self._parameters)

    def list_arguments(self) -> list[str]:
        """Name the inputs."""
        return ["matches", "ious"]

    def list_outputs(self) -> list[str]:
        """Name the outputs."""
        return ["output"]

    def infer_shape(
        self, in_shape: list[list[int]]
    ) -> tuple[list[list[int]], list[list[int]], list[Any]]:
        """Check that the shapes go together; samples have that of matches."""
        matches, ious = map(list, in_shape)
        known = all(size > 0 for size in (*matches, *ious)) and matches and ious
        if known:
            require(
                len(matches) < 3 and (ious == matches or ious[:-1] == matches),
                f"quota_sampler: expected matches (B, N) or (N,), and ious of that shape or with "
                f"an axis of ground truth more, got {tuple(matches)} and {tuple(ious)}",
            )
        return in_shape, [matches], []

    def infer_type(self, in_type: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Leave the inputs their dtypes; samples are float32."""
        return [np.float32 if dtype is None else dtype for dtype in in_type], [np.float32], []

    def create_operator(self, ctx: Any, in_shapes: Any, in_dtypes: Any) -> QuotaSamplerOp:
        """Make the operator."""
        return QuotaSamplerOp(*self._parameters)


class _Registered(QuotaSamplerProp):
    """What MXNet constructs: it keeps an error in its parameters until it may be raised."""

    def __init__(self, **parameters: str) -> None:
        self._error: Exception | None = None
        try:
            super().__init__(**parameters)
        except (TypeError, ValueError) as error:
            CustomOpProp.__init__(self)
            self._error = error

    def list_arguments(self) -> list[str]:
        """Return the names of the inputs, or raise what is wrong with the parameters."""
        if self._error is not None:
            raise self._error
        return super().list_arguments()


def _parse(*parameters: Any) -> QuotaSampler:
    values = [_value(parameter) for parameter in parameters]
    if isinstance(values[-1], int) and values[-1] in (0, 1):  # as MXNet writes flags too
        values[-1] = bool(values[-1])
    return QuotaSampler(*values)


def _value(text: Any) -> Any:
    """Return what a string says, and anything else, or a string that says nothing, as it is."""
    if not isinstance(text, str):
        return text
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text


def _read_only(array: Array) -> Array:
    """Return what kernels are compiled for already."""
    array.flags.writeable = False
    return array


def _register() -> None:
    mx.operator.register("refkernels_quota_sampler")(_Registered)
    try:
        mx.sym.Custom(
            mx.sym.var("matches"),
            mx.sym.var("ious"),
            op_type="quota_sampler",
            num_sample=1,
            pos_thresh=0.5,
        )
    except mx.MXNetError:  # nobody has registered it
        claim_name()


def claim_name() -> None:
    """Make ``quota_sampler`` mean this operator again, after another package has registered it."""
    mx.operator.register("quota_sampler")(_Registered)


_register()
