"""Feature blocks: gluoncv's parameters and numbers, the kernels' numbers, and clear errors."""

import tempfile
from itertools import product

import numpy as np
import pytest

import refkernels.feature
from refkernels.gluon import FeatureExpander, FeatureExtractor, FPNFeatureExpander

RESNET = ("stage2_activation1", "stage3_activation1", "stage4_activation1")
NETWORKS = {
    "resnet18_v1": ("stage3_activation1", "stage4_activation1"),
    "mobilenet0.25": ("relu22_fwd", "relu26_fwd"),
    "vgg11": ("pool2_fwd", "relu7_fwd"),
}


@pytest.fixture
def theirs(gluoncv_nn):
    return gluoncv_nn.feature


def build(mx, cls, network, *arguments, **options):
    """Build a block from a network with a fixed prefix, its nodes numbered as in a new process."""
    with mx.name.NameManager():
        if network == "tiny":
            net = mx.gluon.nn.HybridSequential(prefix="net_")
            with net.name_scope():
                for _ in range(3):
                    net.add(mx.gluon.nn.Conv2D(3, 3, strides=2, padding=1, activation="relu"))
        else:
            net = mx.gluon.model_zoo.vision.get_model(network, prefix="net_", classes=2)
        return cls(net, *arguments, **options)


def check_both(mx, theirs, name, network, *arguments, size=64, **options):
    """Hold a block to gluoncv's: names, order and shapes of parameters, files, and numbers."""
    blocks = [
        build(mx, cls, network, *arguments, **options)
        for cls in (getattr(refkernels.gluon, name), getattr(theirs, name))
    ]
    x = mx.nd.random.normal(shape=(1, 3, size, size))
    for block in blocks:
        block.initialize(mx.init.Uniform(0.3))
        block(x)
    ours, others = ([(n, p.shape) for n, p in b.collect_params().items()] for b in blocks)
    assert ours == others
    for parameter in blocks[0].collect_params().values():
        if parameter.name.endswith("_var"):
            parameter.set_data(mx.nd.random.uniform(0.5, 2, shape=parameter.shape))
    with tempfile.TemporaryDirectory() as folder:
        for source, target in (blocks, blocks[::-1]):
            source.collect_params().save(f"{folder}/parameters")
            target.collect_params().load(f"{folder}/parameters")
    outputs = [as_list(block(x)) for block in blocks]
    assert len(outputs[0]) == len(outputs[1])
    for one, other in zip(*outputs, strict=True):
        assert np.isfinite(one.asnumpy()).all()
        np.testing.assert_array_equal(one.asnumpy(), other.asnumpy())


def as_list(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


@pytest.mark.parametrize("network", NETWORKS)
def test_an_extractor_is_gluoncvs(mx, theirs, network):
    check_both(mx, theirs, "FeatureExtractor", network, list(NETWORKS[network]))
    check_both(mx, theirs, "FeatureExtractor", network, NETWORKS[network][0] + "_output")


@pytest.mark.parametrize("network", NETWORKS)
def test_an_expander_is_gluoncvs_for_several_networks(mx, theirs, network):
    check_both(mx, theirs, "FeatureExpander", network, list(NETWORKS[network]), [40, 20])


@pytest.mark.parametrize(("transition", "bn", "pool"), list(product([True, False], repeat=3)))
def test_an_expander_is_gluoncvs_with_every_option(mx, theirs, transition, bn, pool):
    options = {"use_1x1_transition": transition, "use_bn": bn, "global_pool": pool}
    for rest in ({}, {"reduce_ratio": 0.5, "min_depth": 8}):
        check_both(
            mx, theirs, "FeatureExpander", "tiny", ["conv1_relu_fwd"], [33, 16],
            **options, **rest,
        )  # fmt: skip


def pyramid_options():
    """Yield all but sums of levels of unequal size."""
    for one, up, add in product([1, 0], repeat=3):
        if add and not up:
            continue
        yield {"use_1x1": bool(one), "use_upsample": bool(up), "use_elewadd": bool(add)}


@pytest.mark.parametrize(("p6", "conv", "no_bias"), list(product([True, False], repeat=3)))
@pytest.mark.parametrize("norm", [None, "BatchNorm", "SyncBatchNorm"])
def test_a_pyramid_is_gluoncvs_with_every_option(mx, theirs, p6, conv, no_bias, norm):
    layers = {"BatchNorm": mx.sym.BatchNorm, "SyncBatchNorm": mx.sym.contrib.SyncBatchNorm}
    options = {"use_p6": p6, "p6_conv": conv, "no_bias": no_bias}
    if norm is not None:
        options |= {"norm_layer": layers[norm], "norm_kwargs": {"eps": 1e-4}}
    for more in pyramid_options():
        check_both(
            mx, theirs, "FPNFeatureExpander", "tiny",
            [f"conv{i}_relu_fwd" for i in range(3)], [3, 3, 3], size=35, **options, **more,
        )  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS)
def test_a_pyramid_is_gluoncvs_for_several_networks(mx, theirs, network):
    check_both(mx, theirs, "FPNFeatureExpander", network, list(NETWORKS[network]), [8, 8], size=100)


EXPANDERS = [
    (FeatureExtractor, (list(RESNET),), {}),
    (FeatureExpander, (list(RESNET), [8, 4]), {"min_depth": 4, "global_pool": True}),
    (FPNFeatureExpander, (list(RESNET), [4, 4, 4]), {"use_p6": True}),
    (FPNFeatureExpander, (list(RESNET), [4, 4, 4]), {"norm_layer": "BatchNorm", "no_bias": False}),
]


@pytest.mark.parametrize(("cls", "arguments", "options"), EXPANDERS)
def test_a_block_is_its_kernel_in_every_mode(mx, cls, arguments, options, tmp_path):
    norm = {"norm_layer": mx.sym.BatchNorm} if "norm_layer" in options else {}
    block = build(mx, cls, "resnet18_v1", *arguments, **{**options, **norm})
    block.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(2, 3, 40, 52))
    network = mx.gluon.model_zoo.vision.get_model("resnet18_v1", prefix="net_", classes=2)
    symbol = network(mx.sym.var("data"))
    names = [f"net_{name}" for name in arguments[0]]
    kernel = getattr(refkernels.feature, cls.__name__)(symbol, names, *arguments[1:], **options)
    imperative = as_list(block(x))
    expected = kernel(x.asnumpy(), params=block.collect_params())
    for found, one in zip(imperative, expected, strict=True):
        np.testing.assert_allclose(found.asnumpy(), one, rtol=1e-3, atol=1e-3)
    block.hybridize()
    hybridised = as_list(block(x))
    block.export(str(tmp_path / "net"))
    files = [str(tmp_path / f"net-{end}") for end in ("symbol.json", "0000.params")]
    exported = as_list(mx.gluon.SymbolBlock.imports(files[0], ["data"], files[1])(x))
    evaluated = refkernels.feature.GraphEvaluator(*files)(x.asnumpy())
    for i, found in enumerate(imperative):
        np.testing.assert_array_equal(hybridised[i].asnumpy(), found.asnumpy())
        np.testing.assert_array_equal(exported[i].asnumpy(), found.asnumpy())
        np.testing.assert_array_equal(evaluated[i], expected[i])


def test_float64_runs_through(mx):
    block = build(mx, FPNFeatureExpander, "resnet18_v1", list(RESNET), [4, 4, 4])
    block.initialize()
    block.cast("float64")
    assert all(y.dtype == np.float64 for y in block(mx.nd.ones((1, 3, 40, 40), dtype="float64")))


def test_a_network_may_be_a_symbol(mx):
    x = mx.sym.Convolution(mx.sym.var("image"), num_filter=2, kernel=(3, 3), name="conv")
    symbol = mx.sym.Activation(x, act_type="relu", name="relu")
    block = FeatureExtractor(symbol, ["conv", "relu_output"], inputs="image")
    block.initialize()
    conv, relu = block(mx.nd.random.normal(shape=(1, 3, 5, 5)))
    np.testing.assert_array_equal(np.maximum(conv.asnumpy(), 0), relu.asnumpy())


def test_a_network_may_take_several_inputs(mx):
    class Sum(mx.gluon.HybridBlock):
        def hybrid_forward(self, F, a, b):
            return F.Activation(F.elemwise_add(a, b, name="total"), act_type="relu", name="end")

    block = FeatureExtractor(Sum(prefix="sum_"), "sum_total", inputs=("a", "b"))
    found = block(mx.nd.array([-3.0]), mx.nd.array([1.0]))
    assert found.asnumpy() == -2


def test_parameters_are_shared_with_the_network(mx):
    network = mx.gluon.model_zoo.vision.mobilenet0_25()
    block = FeatureExtractor(network, "relu22_fwd")
    block.initialize()
    block(mx.nd.ones((1, 3, 32, 32)))
    name = f"{network.prefix}conv0_weight"
    assert block.collect_params()[name] is network.collect_params()[name]


def test_a_name_may_have_the_networks_prefix(mx):
    network = mx.gluon.model_zoo.vision.mobilenet0_25(prefix="mob_")
    for name in ("relu22_fwd", "mob_relu22_fwd", "mob_relu22_fwd_output"):
        assert FeatureExtractor(network, name)(mx.sym.var("x")).name == "mob_relu22_fwd"


def test_a_block_loads_what_it_saves(mx, tmp_path):
    path = str(tmp_path / "parameters")
    one, other = (build(mx, FeatureExpander, "mobilenet0.25", "relu22_fwd", [8]) for _ in range(2))
    x = mx.nd.random.normal(shape=(1, 3, 32, 32))
    for block in (one, other):
        block.initialize()
        block(x)
    one.save_parameters(path)
    other.load_parameters(path)
    np.testing.assert_array_equal(one(x)[1].asnumpy(), other(x)[1].asnumpy())
    saved = mx.nd.load(path)
    saved.popitem()
    mx.nd.save(path, saved)
    with pytest.raises(ValueError, match=r"parameter .* is missing; allow_missing=True"):
        other.load_parameters(path)
    other.load_parameters(path, allow_missing=True)


def test_fresh_layers_start_as_layers_do(mx):
    block = build(mx, FeatureExpander, "mobilenet0.25", "relu22_fwd", [64], min_depth=64)
    block.initialize()
    block(mx.nd.ones((1, 3, 32, 32)))
    start = {n: p.data().asnumpy() for n, p in block.collect_params().items() if "expand" in n}
    for name, value in start.items():
        if name.endswith(("gamma", "moving_var")):
            assert (value == 1).all()
        elif name.endswith(("beta", "moving_mean")):
            assert (value == 0).all()
    assert start["expand_conv0_weight"].std() == pytest.approx(np.sqrt(2 / (64 * 9)), rel=0.05)


def test_a_norm_layer_may_be_a_blocks_class(mx):
    options = {"norm_layer": mx.gluon.nn.BatchNorm, "norm_kwargs": {"epsilon": 0.1}}
    block = build(mx, FPNFeatureExpander, "mobilenet0.25", ["relu22_fwd"], [4], **options)
    block.initialize()
    assert "P2_bn_running_var" in block.collect_params()
    assert np.isfinite(block(mx.nd.ones((1, 3, 32, 32))).asnumpy()).all()


def test_norm_keywords_stay_as_they_are(mx):
    keywords = {"eps": 0.1}
    options = {"norm_layer": mx.sym.contrib.SyncBatchNorm, "norm_kwargs": keywords}
    build(mx, FPNFeatureExpander, "mobilenet0.25", ["relu22_fwd"], [4], **options)
    assert keywords == {"eps": 0.1}


def test_a_network_may_be_a_name(mx, tmp_path):
    network = mx.gluon.model_zoo.vision.get_model("squeezenet1.1")
    network.initialize()
    x = mx.nd.ones((1, 3, 224, 224))
    network(x)
    network.save_parameters(str(tmp_path / "squeezenet1.1-0123abcd.params"))
    options = {"root": str(tmp_path), "pretrained": True}
    block = FeatureExtractor("SqueezeNet1.1", "pool3_fwd", **options)
    expected = FeatureExtractor(network, "pool3_fwd")(x)
    np.testing.assert_array_equal(block(x).asnumpy(), expected.asnumpy())
    network.save_parameters(str(tmp_path / "squeezenet1.1-4567cdef.params"))
    with pytest.raises(ValueError, match=r"several files .* pretrained='0123abcd'"):
        FeatureExtractor("squeezenet1.1", "pool3_fwd", **options)
    FeatureExtractor("squeezenet1.1", "pool3_fwd", **{**options, "pretrained": "4567cdef"})


def test_nothing_is_downloaded(tmp_path):
    message = r"no file .*squeezenet1\.1-\?{8}\.params, and refkernels does not download"
    with pytest.raises(FileNotFoundError, match=message):
        FeatureExtractor("squeezenet1.1", "pool3_fwd", pretrained=True, root=str(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda n: FeatureExtractor("resnet18_v9", "x"), ValueError, "nearest .* resnet18_v"),
        (lambda n: FeatureExtractor(n, "relu22_fw"), ValueError, "nearest .* relu22_fwd_output"),
        (lambda n: FeatureExtractor(n, []), ValueError, "outputs: expected at least one name"),
        (lambda n: FeatureExtractor(n, [3]), TypeError, "outputs: expected names .* got 3"),
        (lambda n: FeatureExtractor(3, "x"), TypeError, "network: expected a name, .* got int"),
        (lambda n: FeatureExtractor(n, "x", inputs=[3]), TypeError, "inputs: expected names or"),
        (lambda n: FeatureExtractor(n, "x", pretrained=True), ValueError, "pretrained: expected"),
        (
            lambda n: FeatureExpander(n, "x", [0]),
            ValueError,
            r"num_filters\[0\]: .* from 1 to 2147483647",
        ),
        (lambda n: FeatureExpander(n, "x", [1], use_bn=1), TypeError, "use_bn: expected True or"),
        (
            lambda n: FPNFeatureExpander(n, ["relu22_fwd"], [4, 4]),
            ValueError,
            r"num_filters: expected one for each of 1 output, got \[4, 4\]",
        ),
        (
            lambda n: FPNFeatureExpander(n, ["relu22_fwd"], [4], norm_layer="BatchNorm"),
            TypeError,
            "norm_layer: expected a function of symbols or a HybridBlock's class, got 'BatchN",
        ),
    ],
)
def test_what_cannot_be_built_is_said(mx, call, error, message):
    with pytest.raises(error, match=message):
        call(mx.gluon.model_zoo.vision.mobilenet0_25())
