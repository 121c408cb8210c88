"""The one place that names Numba's options.

Every kernel of refkernels is compiled by `jit`, so what holds for one holds for all:

- ``error_model="numpy"``: a division by zero gives inf or nan, as in NumPy, and costs no branch;
- ``nogil=True``: kernels are serial, and threads over images come from outside;
- cached on disk: compiled once per machine, not once per process; in memory where that fails;
- never ``fastmath``: it breaks nan, exact ties and bit-identity.
"""

import hashlib
import math
import pickle
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps
from numba.core.sigutils import normalize_signature
from numba.extending import intrinsic, overload

__all__ = ["jit", "lanes_of", "next_number", "split", "write_transposed"]

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS = {"error_model": "numpy", "nogil": True}

# From where on a number is split into a mantissa and a power of two.
LEAST_MANTISSA = np.float32(np.sqrt(0.5))

_warned = False


def jit(function: Function) -> Function:
    """Compile a kernel lazily, one specialisation per dtype, cached on disk where that is possible.

    Parameters
    ----------
    function : callable
        A function that Numba's nopython mode can compile.

    Returns
    -------
    callable
        The dispatcher; under ``NUMBA_DISABLE_JIT=1`` the function itself, where NumPy keeps as
        quiet about nan and infinity as compiled code does.

    Warns
    -----
    RuntimeWarning
        Once per process, here or at a kernel's first call, where a compiled kernel cannot be kept:
        no place for the cache is writable, or its disk is full. Kernels then compile anew in every
        process. ``NUMBA_CACHE_DIR`` names another place.
    """
    compiled: Function = numba.njit(**OPTIONS)(function)
    if numba.config.DISABLE_JIT:
        return np.errstate(all="ignore")(compiled)
    try:
        compiled._cache = _Cache(function)  # type: ignore[attr-defined]
    except Exception as error:  # numba: "cannot cache function ...: no locator available"
        _warn_once(error)
    return compiled


def _warn_once(error: Exception) -> None:
    """Say that compiled kernels cannot be kept, and why, if that was not said yet."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "refkernels cannot keep compiled kernels, so each process compiles them anew; set "
            f"NUMBA_CACHE_DIR to a writable folder to avoid that ({type(error).__name__}: {error})",
            RuntimeWarning,
            stacklevel=3,
        )


class _Checked(CompileResultCacheImpl):  # type: ignore[misc]
    """What is kept of a kernel, behind a digest of it: damaged machine code is never run."""

    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        """Return a name of its own, so that nobody takes such a file for one without a digest."""
        return f"checked-{super().get_filename_base(fullname, abiflags)}"

    def reduce(self, data: Any) -> tuple[bytes, bytes]:
        """Return the digest, and what it is of."""
        packed = dumps(super().reduce(data))
        return hashlib.sha256(packed).digest(), packed

    def rebuild(self, target_context: Any, reduced_data: tuple[bytes, bytes]) -> Any:
        """Return the compiled kernel, or raise where it is not the one that was kept."""
        digest, packed = reduced_data
        if hashlib.sha256(packed).digest() != digest:
            raise ValueError("a compiled kernel is damaged")
        return super().rebuild(target_context, pickle.loads(packed))


class _Cache(FunctionCache):  # type: ignore[misc]
    """The cache of a kernel, without which it works too: it is only slower to begin.

    Whatever files of a cache hold, from cut short to never written by Numba, makes an error of any
    class when they are read; so does an upgrade, where a signature names a type that is no more.
    """

    _impl_class = _Checked

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        """Return what a kernel is kept under; Numba leaves out whether indices are checked."""
        return (*super()._index_key(sig, codegen), bool(numba.config.BOUNDSCHECK))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled kernel of a signature, or None: it is to be compiled."""
        try:
            found = super().load_overload(sig, target_context)
            if found is None or tuple(found.signature.args) == tuple(normalize_signature(sig)[0]):
                return found
        except Exception:  # told of where it cannot be mended
            pass
        with suppress(Exception):  # an index that cannot be read could not be added to either
            self.flush()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled kernel of a signature, if that is possible."""
        try:
            super().save_overload(sig, data)
        except Exception as error:
            _warn_once(error)


def next_number(counter: Any) -> int:
    """Return ``counter[0]`` and add 1 to it: threads that share a counter share numbers out.

    In compiled code that is one atomic step. As plain Python two threads may get the same number,
    and whatever it stands for is done twice; but none is left out.

    Parameters
    ----------
    counter : numpy.ndarray, int64, (1,)
        Contiguous.

    Returns
    -------
    int

    Examples
    --------
    >>> counter = np.zeros(1, np.int64)
    >>> next_number(counter), next_number(counter)
    (0, 1)
    """
    number = int(counter[0])
    counter[0] = number + 1
    return number


@overload(next_number)
def _compiled_next_number(counter):  # type: ignore[no-untyped-def]
    return lambda counter: _fetch_and_add(counter)  # pragma: no cover (compiled only)


@intrinsic  # type: ignore[untyped-decorator]
def _fetch_and_add(typing_context: Any, counter: Any) -> Any:  # pragma: no cover (compiled only)
    """Do what `next_number` does by LLVM's ``atomicrmw add``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Emit the addition, and return the number that was there before."""
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        one = context.get_constant(numba.types.int64, 1)
        # Numbers are all that threads tell one another through it, so no order is asked for.
        return builder.atomic_rmw("add", array.data, one, "monotonic")

    return numba.types.int64(counter), generate


def split(x: Any) -> tuple[Any, Any]:
    """Return a positive normal number as m, about 1, and e, both in its dtype: ``m * 2**e``.

    m lies between the square root of a half and that of 2. In compiled code that is a few
    operations on bits, which go along vectors; `math.frexp`, a call, does not.

    Parameters
    ----------
    x : numpy.float32 or numpy.float64

    Returns
    -------
    tuple of two of `x`'s dtype

    Examples
    --------
    >>> m, e = split(np.float32(0.375))
    >>> float(m), float(e)
    (0.75, -1.0)
    """
    mantissa, exponent = math.frexp(x)
    if mantissa < type(x)(LEAST_MANTISSA):
        mantissa, exponent = 2 * mantissa, exponent - 1
    return type(x)(mantissa), type(x)(exponent)


@overload(split)
def _compiled_split(x):  # type: ignore[no-untyped-def]
    # Bits are taken from those of the least mantissa on, so that the exponent steps there. A stored
    # exponent in the last bits of 2**23, or 2**52, is the number that is added to that.
    if x == numba.types.float32:
        least_single = LEAST_MANTISSA.view(np.uint32)
        shift_single = np.uint32(0x3F800000 - least_single)

        def split_single(x):  # type: ignore[no-untyped-def]  # pragma: no cover (compiled only)
            """Return the two parts of a float32."""
            bits = np.uint32(_bits(x) + shift_single)
            mantissa = np.uint32((bits & np.uint32(0x7FFFFF)) + least_single)
            stored = np.uint32(bits >> np.uint32(23) | np.uint32(0x4B000000))
            return _number(mantissa), _number(stored) - np.float32(2**23 + 127)

        return split_single

    least = np.float64(LEAST_MANTISSA).view(np.uint64)
    shift = np.uint64((1023 << 52) - int(least))

    def split_double(x):  # type: ignore[no-untyped-def]  # pragma: no cover (compiled only)
        """Return the two parts of a float64."""
        bits = _bits(x) + shift
        mantissa = (bits & np.uint64(2**52 - 1)) + least
        stored = bits >> np.uint64(52) | np.uint64(1075 << 52)
        return _number(mantissa), _number(stored) - np.float64(2**52 + 1023)

    return split_double


@intrinsic  # type: ignore[untyped-decorator]
def _bits(typing_context: Any, x: Any) -> Any:  # pragma: no cover (compiled only)
    """Return the bits of a float as an unsigned integer."""
    return _as(numba.types.uint32 if x == numba.types.float32 else numba.types.uint64, x)


@intrinsic  # type: ignore[untyped-decorator]
def _number(typing_context: Any, bits: Any) -> Any:  # pragma: no cover (compiled only)
    """Return the float of these bits, an unsigned integer."""
    return _as(numba.types.float32 if bits == numba.types.uint32 else numba.types.float64, bits)


def _as(kind: Any, given: Any) -> Any:  # pragma: no cover (compiled only)
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Emit nothing but another type for the same bits."""
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return kind(given), generate


# What one vector register of today's servers holds; where those of a machine are narrower, two do.
VECTOR_BYTES = 32


def lanes_of(array: Any) -> int:
    """Return how many numbers of an array's dtype a vector holds.

    In compiled code that is a constant, so that loops over lanes are none.

    Parameters
    ----------
    array : numpy.ndarray, float32 or float64

    Returns
    -------
    int

    Examples
    --------
    >>> lanes_of(np.zeros(3)), lanes_of(np.zeros(3, np.float32))
    (4, 8)
    """
    return VECTOR_BYTES // int(array.itemsize)


@overload(lanes_of)
def _compiled_lanes_of(array):  # type: ignore[no-untyped-def]
    lanes = 8 * VECTOR_BYTES // array.dtype.bitwidth
    return lambda array: lanes  # pragma: no cover (compiled only)


def write_transposed(
    columns: Any, first: int, pitch: int, out: Any, place: int, stride: int
) -> None:
    """Write rows of a vector each, half as many as it has lanes, from columns of so many numbers.

    ``out[place + r * stride + c] = columns[first + c * pitch + r]``, row by row: where rows
    overlap, the later one stays. In compiled code such a block is a few shuffles of vectors, which
    no loop over single numbers is compiled to.

    Parameters
    ----------
    columns : numpy.ndarray, float32 or float64, (K,)
        Contiguous.
    first, pitch : int
        Where the first column starts, and how far from each other columns do.
    out : numpy.ndarray, of the same dtype, (L,)
        Contiguous, and apart from `columns`.
    place, stride : int
        Where the first row goes to, and how far from each other rows do. All of the block must lie
        within both arrays, since compiled code does not check it.

    Examples
    --------
    >>> out = np.zeros(10)
    >>> write_transposed(np.arange(16.0), 0, 4, out, 1, 4)
    >>> out
    array([ 0.,  0.,  4.,  8., 12.,  1.,  5.,  9., 13.,  0.])
    """
    for r in range(lanes_of(out) // 2):
        for c in range(lanes_of(out)):
            out[place + r * stride + c] = columns[first + c * pitch + r]


@overload(write_transposed)
def _compiled_write_transposed(  # type: ignore[no-untyped-def]
    columns, first, pitch, out, place, stride
):
    def by_numbers(columns, first, pitch, out, place, stride):  # type: ignore[no-untyped-def]  # pragma: no cover (compiled only)
        """Write the block number by number."""
        for r in range(lanes_of(out) // 2):
            for c in range(lanes_of(out)):
                out[place + r * stride + c] = columns[first + c * pitch + r]

    def by_vectors(columns, first, pitch, out, place, stride):  # type: ignore[no-untyped-def]  # pragma: no cover (compiled only)
        """Write the block by shuffles of vectors."""
        _write_transposed(columns, first, pitch, out, place, stride)

    return by_numbers if numba.config.BOUNDSCHECK else by_vectors


@intrinsic  # type: ignore[untyped-decorator]
def _write_transposed(
    typing_context: Any, columns: Any, first: Any, pitch: Any, out: Any, place: Any, stride: Any
) -> Any:  # pragma: no cover (compiled only)
    size = out.dtype.bitwidth // 8
    lanes = VECTOR_BYTES // size
    half = lanes // 2

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Emit loads of the columns, shuffles that make rows of them, and stores of those."""
        source, target = (
            context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 3)
        )
        number = context.get_data_type(out.dtype)
        whole, part = ir.VectorType(number, lanes), ir.VectorType(number, half)

        def at(array: Any, start: Any, step: Any, k: int, kind: Any) -> Any:
            """Return a pointer to the vector that is `k` steps from the start."""
            place = builder.add(start, builder.mul(step, step.type(k)))
            return builder.bitcast(builder.gep(array.data, [place]), kind.as_pointer())

        def column(k: int) -> Any:
            return builder.load(at(source, arguments[1], arguments[2], k, part), align=size)

        def shuffled(one: Any, other: Any, picked: list[int]) -> Any:
            """Return a vector of those lanes of the two that are picked, by their numbers."""
            mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), picked)
            return builder.shuffle_vector(one, other, mask)

        # Columns k and k + half are put side by side as they are loaded, which needs no shuffle.
        rows = [shuffled(column(k), column(k + half), list(range(lanes))) for k in range(half)]
        # Then each half by itself, in steps: groups of lanes, of two vectors in turn.
        group = 1
        while group < half:
            low = [
                owner + side + lane + i
                for side in (0, half)
                for lane in range(0, half // 2, group)
                for owner in (0, lanes)
                for i in range(group)
            ]
            high = [lane + half // 2 for lane in low]
            for k in range(half):
                if not k & group:
                    pair = rows[k], rows[k + group]
                    rows[k], rows[k + group] = shuffled(*pair, low), shuffled(*pair, high)
            group *= 2
        # In the order that the steps leave them in.
        for row, k in enumerate((0, 2, 1, 3) if half == 4 else (0, 1)):
            place = at(target, arguments[4], arguments[5], row, whole)
            builder.store(rows[k], place, align=size)
        return context.get_dummy_value()

    position = numba.types.intp
    own = numba.types.void(columns, position, position, out, position, position)
    return own, generate
