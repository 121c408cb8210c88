"""The logarithm that goes along vectors is as good as a mathematical library's."""

import math

import mpmath
import numba
import numpy as np
import pytest

from refkernels.cost.logarithm import LOGARITHMS, logarithm
from refkernels.jit import LEAST_MANTISSA, jit, split

DTYPES = [np.float32, np.float64]

# So much a library's logarithm may be off, in units of roundoff: `bounds.cost` allows for it.
UNITS = 2


@jit
def logarithms(x, powers, own, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = logarithm(x[i], powers[i], own)


@jit
def splits(x, mantissas, exponents):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        mantissas[i], exponents[i] = split(x[i])


def worst(x, exact):
    """Return the largest relative error, in units of roundoff of the dtype."""
    out = np.empty_like(x)
    logarithms(x, np.zeros_like(x), LOGARITHMS[x.dtype], out)
    assert out[x == 1].tolist() == [0] * int((x == 1).sum())
    error = np.abs(out[x != 1].astype(np.longdouble) - exact[x != 1]) / np.abs(exact[x != 1])
    return float(error.max()) / (float(np.finfo(x.dtype).eps) / 2)


def test_of_every_mantissa_of_float32_it_is_right_to_a_unit_in_the_last_place():
    every = 1 if not numba.config.DISABLE_JIT else 4099
    for exponent in (-126, -20, -3, -2, -1, 0, 1, 5, 100):
        bits = np.arange(0, 2**23, every, dtype=np.uint32) + np.uint32((127 + exponent) << 23)
        x = bits.view(np.float32)
        assert worst(x, np.log(x.astype(np.float64))) <= UNITS


def test_of_float64_it_is_right_to_a_unit_in_the_last_place():
    rng = np.random.default_rng(0)
    count = 100_000 if not numba.config.DISABLE_JIT else 1000
    about_one = 1 + rng.choice([-1, 1], count) * 2.0 ** rng.uniform(-53, -1, count)
    for x in (rng.random(count) + 1e-300, 2.0 ** rng.uniform(-1022, 1023, count), about_one):
        assert worst(x, np.log(x.astype(np.longdouble))) <= UNITS


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_takes_a_power_of_two_beyond_all_numbers(dtype):
    x = np.array([1, 1.5, 0.75, 2**-20, 1], dtype)
    powers = np.array([-5000, 300, -2000, 3000, 0], dtype)
    out = np.empty_like(x)
    logarithms(x, powers, LOGARITHMS[x.dtype], out)
    for found, own, power in zip(out, x, powers, strict=True):
        exact = mpmath.log(mpmath.mpf(float(own))) + int(power) * mpmath.log(2)
        assert abs(found - float(exact)) <= UNITS * np.finfo(dtype).eps / 2 * abs(exact)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_number_is_split_about_1_and_exactly(dtype):
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    low, high = np.log2(float(info.tiny)), np.log2(float(info.max))
    x = (2.0 ** rng.uniform(low, high, 1000)).astype(dtype)
    least = dtype(LEAST_MANTISSA)
    edges = [least, np.nextafter(least, dtype(0)), 2 * least, 1, info.tiny, info.max]
    x = np.concatenate([x, np.array(edges, dtype)])
    mantissas, exponents = np.empty_like(x), np.empty_like(x)
    splits(x, mantissas, exponents)
    assert ((mantissas >= least) & (mantissas < 2 * least)).all()
    whole = [math.ldexp(float(m), int(e)) for m, e in zip(mantissas, exponents, strict=True)]
    assert whole == x.astype(float).tolist()
    # As plain Python it does the same.
    plain = [split(number) for number in x]
    assert plain == list(zip(mantissas, exponents, strict=True))
    assert all(type(m) is type(e) is dtype for m, e in plain)
