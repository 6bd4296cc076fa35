"""Sixteen numbers at once as one value of compiled code.

A `Lanes` value is an LLVM vector of 16 floats. Kernels hold it in local variables, which then live in vector registers
across loops: the compiler's own vectorizer keeps sums over a loop of loops in memory instead. On processors with
shorter registers LLVM cuts each operation into pieces. `fma` may round once or twice; NaN is carried on everywhere.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as untyped_intrinsic
from numba.extending import models, register_model

#: Untyped functions.
_tools: Any = cgutils

#: Numbers in a vector: one 512-bit register of float32, two of float64.
LANES = 16


def intrinsic(function: Callable[..., Any]) -> Any:
    """Numba's own, whose type does not know that compiled code calls the result without the typing context."""
    return untyped_intrinsic(function)


class Lanes(types.Type):
    """The numba type of a vector; ``dtype`` is its number type."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Lanes({LANES}, {dtype})")


def _vector(dtype: Any) -> ir.VectorType:
    return ir.VectorType(ir.DoubleType() if dtype == types.float64 else ir.FloatType(), LANES)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, _vector(lanes.dtype))  # type: ignore[no-untyped-call]


def _pointer(context: Any, builder: Any, array: Any, value: Any, index: Any) -> Any:
    data = context.make_array(array)(context, builder, value).data
    place = _tools.gep_inbounds(builder, data, index)
    return builder.bitcast(place, _vector(array.dtype).as_pointer())


def _constant(dtype: Any, value: float) -> ir.Constant:
    vector = _vector(dtype)
    return ir.Constant(vector, [ir.Constant(vector.element, value)] * LANES)


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """array[index : index + 16] of a contiguous one-dimensional array, unchecked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        result = builder.load(_pointer(context, builder, signature.args[0], arguments[0], arguments[1]))
        result.align = array.dtype.bitwidth // 8
        return result

    return Lanes(array.dtype)(array, types.intp), generate


@intrinsic
def store(typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """array[index : index + 16] = lanes, unchecked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _pointer(context, builder, signature.args[0], arguments[0], arguments[1])
        builder.store(arguments[2], place).align = array.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.none(array, types.intp, lanes), generate


def _every(builder: Any, vector: ir.VectorType, number: Any) -> Any:
    """The same number in every lane."""
    nothing = ir.Constant(vector, ir.Undefined)
    single = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return _shuffled(builder, single, nothing, [0] * LANES)


@intrinsic
def splat(typing: Any, number: Any) -> Any:
    """The same number in every lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _every(builder, _vector(number), arguments[0])

    return Lanes(number)(number), generate


def _elementwise(operands: int, build: Callable[..., Any]) -> Callable[..., Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return build(builder, signature.args[0].dtype, *arguments)

    def typed(lanes: Any) -> Any:
        return lanes(*[lanes] * operands), generate

    return typed


def _function(name: str) -> Callable[..., Any]:
    """What calls a function of vectors of LLVM's own."""

    def build(builder: Any, dtype: Any, *operands: Any) -> Any:
        vector = _vector(dtype)
        kind = ir.FunctionType(vector, [vector] * len(operands))
        name_of_kind = f"llvm.{name}.v{LANES}f{dtype.bitwidth}"
        return builder.call(_tools.get_or_insert_function(builder.module, kind, name_of_kind), operands)

    return build


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """A·b + c."""
    return _elementwise(3, _function("fmuladd"))(a)


@intrinsic
def add(typing: Any, a: Any, b: Any) -> Any:
    """A + b."""
    return _elementwise(2, lambda builder, dtype, a, b: builder.fadd(a, b))(a)


@intrinsic
def subtract(typing: Any, a: Any, b: Any) -> Any:
    """A - b."""
    return _elementwise(2, lambda builder, dtype, a, b: builder.fsub(a, b))(a)


@intrinsic
def multiply(typing: Any, a: Any, b: Any) -> Any:
    """A·b."""
    return _elementwise(2, lambda builder, dtype, a, b: builder.fmul(a, b))(a)


@intrinsic
def divide(typing: Any, a: Any, b: Any) -> Any:
    """A / b."""
    return _elementwise(2, lambda builder, dtype, a, b: builder.fdiv(a, b))(a)


@intrinsic
def relu(typing: Any, a: Any) -> Any:
    """max(a, 0); NaN stays NaN."""

    def build(builder: Any, dtype: Any, a: Any) -> Any:
        zero = _constant(dtype, 0.0)
        return builder.select(builder.fcmp_ordered(">", zero, a), zero, a)

    return _elementwise(1, build)(a)


@intrinsic
def where_above(typing: Any, a: Any, b: Any) -> Any:
    """1 where a > b, else 0 (also where either is NaN)."""

    def build(builder: Any, dtype: Any, a: Any, b: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", a, b), _constant(dtype, 1.0), _constant(dtype, 0.0))

    return _elementwise(2, build)(a)


@intrinsic
def bits_at_most(typing: Any, a: Any, b: Any) -> Any:
    """Bit k is set where not a[k] > b[k]; also where either is NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        mask = builder.fcmp_unordered("<=", *arguments)
        return builder.zext(builder.bitcast(mask, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(a, b), generate


@intrinsic
def bits_above_zero(typing: Any, a: Any) -> Any:
    """Bit k is set where not a[k] <= 0; also where it is NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        mask = builder.fcmp_unordered(">", arguments[0], _constant(a.dtype, 0.0))
        return builder.zext(builder.bitcast(mask, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(a), generate


@intrinsic
def append_above_zero(typing: Any, array: Any, count: Any, a: Any, start: Any, known: Any) -> Any:
    """array[count:] takes start + k for every k < known where not a[k] <= 0, also where it is NaN; the new count."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, count, a, start, known = arguments
        int32 = ir.IntType(32)
        vector = ir.VectorType(int32, LANES)
        numbers = ir.Constant(vector, list(range(LANES)))

        def every(number: Any) -> Any:
            return _every(builder, vector, builder.trunc(number, int32))

        above = builder.fcmp_unordered(">", a, _constant(signature.args[2].dtype, 0.0))
        above = builder.and_(above, builder.icmp_signed("<", numbers, every(known)))
        data = context.make_array(signature.args[0])(context, builder, array).data
        place = _tools.gep_inbounds(builder, data, count)
        kind = ir.FunctionType(ir.VoidType(), [vector, place.type, above.type])
        name = f"llvm.masked.compressstore.v{LANES}i32"
        function = _tools.get_or_insert_function(builder.module, kind, name)
        builder.call(function, (builder.add(every(start), numbers), place, above))
        bits = builder.zext(builder.bitcast(above, ir.IntType(LANES)), ir.IntType(64))
        return builder.add(count, builder.ctpop(bits))

    signature = types.int64(array, types.int64, a, types.int64, types.int64)
    return signature, generate


@intrinsic
def lowest_bit(typing: Any, bits: Any) -> Any:
    """Place of the lowest set bit of a positive number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


def _shuffled(builder: Any, a: Any, b: Any, places: list[int]) -> Any:
    kind = ir.VectorType(ir.IntType(32), len(places))
    return builder.shuffle_vector(a, b, ir.Constant(kind, [ir.Constant(ir.IntType(32), p) for p in places]))


def _choose(builder: Any, sign: str, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(sign, a, b), a, b)


def _over_eights(combine: Callable[..., Any]) -> Callable[..., Any]:
    def build(builder: Any, dtype: Any, a: Any) -> Any:
        for apart in (4, 2, 1):
            a = combine(builder, a, _shuffled(builder, a, a, [lane ^ apart for lane in range(LANES)]))
        return a

    return _elementwise(1, build)


@intrinsic
def least_of_eight(typing: Any, a: Any) -> Any:
    """In the first eight lanes their least, in the last eight theirs; NaN may be passed over."""
    return _over_eights(lambda builder, a, b: _choose(builder, "<", a, b))(a)


@intrinsic
def most_of_eight(typing: Any, a: Any) -> Any:
    """In the first eight lanes their largest, in the last eight theirs; NaN may be passed over."""
    return _over_eights(lambda builder, a, b: _choose(builder, ">", a, b))(a)


@intrinsic
def total_of_eight(typing: Any, a: Any) -> Any:
    """In the first eight lanes their sum, in the last eight theirs."""
    return _over_eights(lambda builder, a, b: builder.fadd(a, b))(a)


@intrinsic
def larger(typing: Any, a: Any, b: Any) -> Any:
    """The larger of the two; b where either is NaN."""
    return _elementwise(2, lambda builder, dtype, a, b: _choose(builder, ">", a, b))(a)


@intrinsic
def absolute(typing: Any, a: Any) -> Any:
    """|a|."""
    return _elementwise(1, _function("fabs"))(a)


@intrinsic
def square_root(typing: Any, a: Any) -> Any:
    """√a."""
    return _elementwise(1, _function("sqrt"))(a)


@intrinsic
def add_totals(typing: Any, array: Any, index: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """array[index : index + 4] += the sums of the lanes of a, b, c and d, each added in pairs."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, c, d = arguments[2:]

        def halved(x: Any, y: Any, size: int) -> Any:
            """Blocks of ``size`` lanes: the halves of each block of x added, then those of y; as many lanes as x."""
            half = size // 2
            joined = 2 * LANES // size
            low = [block * size + lane for block in range(joined) for lane in range(half)]
            return builder.fadd(
                _shuffled(builder, x, y, low), _shuffled(builder, x, y, [place + half for place in low])
            )

        sums = halved(halved(a, b, LANES), halved(c, d, LANES), 8)  # four lanes each
        for size in (4, 2):
            low = [block * size + lane for block in range(4) for lane in range(size // 2)]
            high = [place + size // 2 for place in low]
            sums = builder.fadd(_shuffled(builder, sums, sums, low), _shuffled(builder, sums, sums, high))
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(_tools.gep_inbounds(builder, data, arguments[1]), sums.type.as_pointer())
        before = builder.load(place)
        before.align = array.dtype.bitwidth // 8
        builder.store(builder.fadd(before, sums), place).align = array.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.none(array, types.intp, a, b, c, d), generate


@intrinsic
def most(typing: Any, lanes: Any) -> Any:
    """The largest of the lanes; NaN may be passed over."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a = arguments[0]
        for apart in (8, 4, 2, 1):
            b = _shuffled(builder, a, a, [lane ^ apart for lane in range(LANES)])
            a = _choose(builder, ">", a, b)
        return builder.extract_element(a, ir.Constant(ir.IntType(32), 0))

    return lanes.dtype(lanes), generate


@intrinsic
def total(typing: Any, lanes: Any) -> Any:
    """The sum of the lanes, added in pairs."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = _vector(lanes.dtype)
        name = f"llvm.vector.reduce.fadd.v{LANES}f{lanes.dtype.bitwidth}"
        kind = ir.FunctionType(vector.element, [vector.element, vector])
        function = _tools.get_or_insert_function(builder.module, kind, name)
        start = ir.Constant(vector.element, -0.0)
        return builder.call(function, (start, arguments[0]), fastmath=("reassoc",))

    return lanes.dtype(lanes), generate
