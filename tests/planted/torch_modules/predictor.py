"""A predictor: a module that owns its weight and bias."""

import torch
from torch import nn
from torch.nn import functional

ACTIVATIONS = {
    None: nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softrelu": lambda: nn.Softplus(threshold=1000),
    "softsign": nn.Softsign,
}


class ConvPredictor(nn.Module):
    def __init__(
        self,
        num_channel,
        kernel=(3, 3),
        pad=(1, 1),
        stride=(1, 1),
        activation=None,
        use_bias=True,
        in_channels=0,
    ):
        super().__init__()
        size = {"kernel_size": kernel, "stride": stride, "padding": pad, "bias": use_bias}
        self.predictor = nn.Conv2d(in_channels, num_channel, **size)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x):
        weight, bias = self.predictor.weight, self.predictor.bias
        dtype = torch.promote_types(
            x.dtype if x.is_floating_point() else torch.double, weight.dtype
        )
        computing = torch.promote_types(dtype, torch.float32)
        bias = None if bias is None else bias.to(computing)
        stride, padding = self.predictor.stride, self.predictor.padding
        out = functional.conv2d(x.to(computing), weight.to(computing), bias, stride, padding)
        return self.activation(out).to(dtype)
