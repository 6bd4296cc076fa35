"""Sixteen numbers at once as one value of compiled code. A `Lanes` value is an LLVM vector of 16 floats. Kernels hold
it in local variables, which then live in vector registers across loops: the compiler's own vectorizer keeps sums over
a loop of loops in memory instead. On processors with shorter registers LLVM cuts each operation into pieces. `fma` may
round once or twice; NaN is carried on everywhere.
"""

from collections.abc import Callable, Iterable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic as untyped_intrinsic
from numba.extending import models, register_model

from numerics.engines.cpu.compilation import INLINE

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


def _elementwise(operands: int, build: Callable[..., Any]) -> Any:
    """Of so many vectors of one type another one, made by ``build(builder, dtype, *operands)``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return build(builder, signature.args[0].dtype, *arguments)

    def typed(lanes: Any) -> Any:
        return lanes(*[lanes] * operands), generate

    # numba reads the number of arguments off the function
    kinds: list[Any] = [lambda _, a: typed(a), lambda _, a, b: typed(a), lambda _, a, b, c: typed(a)]
    return intrinsic(kinds[operands - 1])


def _function(name: str) -> Callable[..., Any]:
    """What calls a function of vectors of LLVM's own."""

    def build(builder: Any, dtype: Any, *operands: Any) -> Any:
        vector = _vector(dtype)
        kind = ir.FunctionType(vector, [vector] * len(operands))
        name_of_kind = f"llvm.{name}.v{LANES}f{dtype.bitwidth}"
        return builder.call(_tools.get_or_insert_function(builder.module, kind, name_of_kind), operands)

    return build


def _relu(builder: Any, dtype: Any, a: Any) -> Any:
    zero = _constant(dtype, 0.0)
    return builder.select(builder.fcmp_ordered(">", zero, a), zero, a)


def _where_above(builder: Any, dtype: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), _constant(dtype, 1.0), _constant(dtype, 0.0))


#: a·b + c.
fma = _elementwise(3, _function("fmuladd"))
#: a + b.
add = _elementwise(2, lambda builder, dtype, a, b: builder.fadd(a, b))
#: a - b.
subtract = _elementwise(2, lambda builder, dtype, a, b: builder.fsub(a, b))
#: a·b.
multiply = _elementwise(2, lambda builder, dtype, a, b: builder.fmul(a, b))
#: a / b.
divide = _elementwise(2, lambda builder, dtype, a, b: builder.fdiv(a, b))
#: |a|.
absolute = _elementwise(1, _function("fabs"))
#: √a.
square_root = _elementwise(1, _function("sqrt"))
#: max(a, 0); NaN stays NaN.
relu = _elementwise(1, _relu)
#: 1 where a > b, else 0 (also where either is NaN).
where_above = _elementwise(2, _where_above)


def _bits(builder: Any, mask: Any) -> Any:
    return builder.zext(builder.bitcast(mask, ir.IntType(LANES)), ir.IntType(64))


@intrinsic
def bits_at_most(typing: Any, a: Any, b: Any) -> Any:
    """Bit k is set where not a[k] > b[k]; also where either is NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _bits(builder, builder.fcmp_unordered("<=", *arguments))

    return types.int64(a, b), generate


@intrinsic
def bits_above_zero(typing: Any, a: Any) -> Any:
    """Bit k is set where not a[k] <= 0; also where it is NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _bits(builder, builder.fcmp_unordered(">", arguments[0], _constant(a.dtype, 0.0)))

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
        return builder.add(count, builder.ctpop(_bits(builder, above)))

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


def _exchanged(builder: Any, combine: Callable[..., Any], a: Any, distances: tuple[int, ...]) -> Any:
    """Each lane combined with those at these distances in turn."""
    for apart in distances:
        a = combine(builder, a, _shuffled(builder, a, a, [lane ^ apart for lane in range(LANES)]))
    return a


def _over_eights(combine: Callable[..., Any]) -> Any:
    """In the first eight lanes what ``combine`` makes of these, in the last eight that of theirs."""
    return _elementwise(1, lambda builder, dtype, a: _exchanged(builder, combine, a, (4, 2, 1)))


def _larger(builder: Any, a: Any, b: Any) -> Any:
    return _choose(builder, ">", a, b)


#: The larger of the two; b where either is NaN.
larger = _elementwise(2, lambda builder, dtype, a, b: _larger(builder, a, b))
#: The least of each eight lanes; NaN may be passed over.
least_of_eight = _over_eights(lambda builder, a, b: _choose(builder, "<", a, b))
#: The largest of each eight lanes; NaN may be passed over.
most_of_eight = _over_eights(_larger)
#: The sum of each eight lanes.
total_of_eight = _over_eights(lambda builder, a, b: builder.fadd(a, b))


@intrinsic
def add_totals(typing: Any, array: Any, index: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """array[index : index + 4] += the sums of the lanes of a, b, c and d, each added in pairs."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, c, d = arguments[2:]

        def halved(x: Any, y: Any, size: int, blocks: int) -> Any:
            """The halves of each block of ``size`` lanes of x, then of y, added."""
            half = size // 2
            low = [block * size + lane for block in range(blocks) for lane in range(half)]
            high = [place + half for place in low]
            return builder.fadd(_shuffled(builder, x, y, low), _shuffled(builder, x, y, high))

        sums = halved(halved(a, b, LANES, 2), halved(c, d, LANES, 2), 8, 4)  # four lanes each
        sums = halved(sums, sums, 4, 4)
        sums = halved(sums, sums, 2, 4)
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
        most = _exchanged(builder, _larger, arguments[0], (8, 4, 2, 1))
        return builder.extract_element(most, ir.Constant(ir.IntType(32), 0))

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


def from_source(name: str, lines: Iterable[str]) -> Any:
    """The compiled function ``name`` that a source of our own defines, with what stands in this file at hand."""
    namespace = dict(globals())
    exec("\n".join(lines), namespace)
    return njit(**INLINE)(namespace[name])
