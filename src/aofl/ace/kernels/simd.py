"""Eight numbers at once, in compiled code: the vector type that the fast kernels compute with.

`load`, `store`, `spread`, `add`, `subtract`, `multiply`, `fma` and `total` become one machine
instruction each where the processor has vectors of eight numbers, two or four where they are
shorter. A loop left to the compiler is turned into vector instructions only if it can prove that
no two arrays overlap and that reordering a sum is allowed; here the order of every sum is written
down, so the results are the same on every run. `fma(a, b, c)` is a * b + c rounded once, because
it says so and not because an optimiser was free to choose.

Arrays are one-dimensional, contiguous float64; `load(array, k)` reads array[k : k + LANES] and
nothing checks the bounds: the length of a row is always a multiple of `LANES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils as untyped_cgutils
from numba.extending import intrinsic as untyped_intrinsic
from numba.extending import models, register_model

LANES = 8
intrinsic: Any = untyped_intrinsic
cgutils: Any = untyped_cgutils
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INDEX = ir.IntType(32)
_BYTES = 8  # alignment: that of one number


class Vector(types.Type):
    """The numba type of eight numbers held together; it lives inside compiled code only."""

    def __init__(self) -> None:
        super().__init__(name="aofl_vector")


vector = Vector()


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _VECTOR)  # type: ignore[no-untyped-call]


def padded(n: int) -> int:
    """Return the smallest multiple of `LANES` that is not below n."""
    return -(-n // LANES) * LANES


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@intrinsic
def load(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Return array[index : index + LANES] as a vector."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        address = _address(context, builder, signature.args[0], *arguments)
        return builder.load(address, align=_BYTES)

    return vector(array, types.intp), generate


@intrinsic
def store(typing_context, array, index, value):  # type: ignore[no-untyped-def]
    """Write a vector to array[index : index + LANES]."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        address = _address(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], address, align=_BYTES)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@intrinsic
def spread(typing_context, value):  # type: ignore[no-untyped-def]
    """Return a vector that holds one number eight times."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _spread(builder, arguments[0])

    return vector(types.float64), generate


def _spread(builder: Any, number: Any) -> Any:
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, _INDEX(0))
    everywhere = ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES)
    return builder.shuffle_vector(first, first, everywhere)


def _binary(instruction: str) -> Callable[..., Any]:
    def define(typing_context, left, right):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, instruction)(*arguments)

        return vector(vector, vector), generate

    return define


add = intrinsic(_binary("fadd"))
subtract = intrinsic(_binary("fsub"))
multiply = intrinsic(_binary("fmul"))


@intrinsic
def fma(typing_context, left, right, rest):  # type: ignore[no-untyped-def]
    """Return left * right + rest, rounded once."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        name = f"llvm.fma.v{LANES}f64"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)

    return vector(vector, vector, vector), generate


@intrinsic
def total(typing_context, value):  # type: ignore[no-untyped-def]
    """Return the sum of the eight numbers, halves first: ((0+4)+(2+6)) + ((1+5)+(3+7))."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        part, width = arguments[0], LANES
        while width > 1:
            width //= 2
            low, high = (
                ir.Constant(ir.VectorType(_INDEX, width), list(range(start, start + width)))
                for start in (0, width)
            )
            part = builder.fadd(
                builder.shuffle_vector(part, part, low), builder.shuffle_vector(part, part, high)
            )
        return builder.extract_element(part, _INDEX(0))

    return types.float64(vector), generate
