"""Several numbers at once as one value of compiled code. A `Lanes` value is an LLVM vector, of 16 floats where nothing
else is said. Kernels hold it in local variables, which then live in vector registers across loops: the compiler's own
vectorizer keeps sums over a loop of loops in memory instead. On processors with shorter registers LLVM cuts each
operation into pieces. `fma` may round once or twice; NaN is carried on everywhere.
"""

from collections.abc import Callable, Iterable
from functools import cache
from inspect import Parameter, Signature
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from numerics.engines.cpu.compilation import INLINE

#: Numbers in a vector: one 512-bit register of float32, two of float64.
LANES = 16


class Lanes(types.Type):
    """The numba type of a vector of ``count`` numbers of type ``dtype``."""

    def __init__(self, dtype: Any, count: int = LANES) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Lanes({count}, {dtype})")


def _vector(kind):
    return ir.VectorType(ir.DoubleType() if kind.dtype == types.float64 else ir.FloatType(), kind.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, _vector(lanes))


def _pointer(context, builder, array, value, index, vector):
    data = context.make_array(array)(context, builder, value).data
    place = cgutils.gep_inbounds(builder, data, index)
    return builder.bitcast(place, vector.as_pointer())


def _constant(vector, value):
    return ir.Constant(vector, [ir.Constant(vector.element, value)] * vector.count)


def _operation(operands: int, typed: Callable[..., Any], build: Callable[..., Any]) -> Any:
    """An operation of compiled code: ``typed`` makes its signature of the types of so many operands, and
    ``build(context, builder, types, *values)`` its value.
    """

    def operation(typing, *kinds):
        def generate(context, builder, signature, values):
            return build(context, builder, signature.args, *values)

        return typed(*kinds), generate

    # numba reads the number of operands off the function
    names = [Parameter(f"a{k}", Parameter.POSITIONAL_OR_KEYWORD) for k in range(operands + 1)]
    vars(operation)["__signature__"] = Signature(names)
    return intrinsic(operation)


def _store(context, builder, kinds, array, index, lanes):
    place = _pointer(context, builder, kinds[0], array, index, lanes.type)
    builder.store(lanes, place, align=kinds[0].dtype.bitwidth // 8)
    return context.get_dummy_value()


def _every(builder, vector, number):
    """The same number in every lane."""
    nothing = ir.Constant(vector, ir.Undefined)
    single = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return _shuffled(builder, single, nothing, [0] * vector.count)


@cache
def load_of(count: int) -> Any:
    """array[index : index + count] of a contiguous one-dimensional array, unchecked."""

    def build(context, builder, kinds, array, index):
        place = _pointer(context, builder, kinds[0], array, index, _vector(Lanes(kinds[0].dtype, count)))
        return builder.load(place, align=kinds[0].dtype.bitwidth // 8)

    return _operation(2, lambda array, _: Lanes(array.dtype, count)(array, types.intp), build)


@cache
def splat_of(count: int) -> Any:
    """The same number in each of so many lanes."""

    def build(context, builder, kinds, number):
        return _every(builder, _vector(Lanes(kinds[0], count)), number)

    return _operation(1, lambda number: Lanes(number, count)(number), build)


load, splat = load_of(LANES), splat_of(LANES)
#: array[index : index + count] = lanes, unchecked.
store = _operation(3, lambda array, _, lanes: types.none(array, types.intp, lanes), _store)


def _elementwise(operands: int, build: Callable[..., Any]) -> Any:
    """Of so many vectors of one type another one, made by ``build(builder, *operands)``."""

    def built(context, builder, kinds, *values):
        return build(builder, *values)

    return _operation(operands, lambda lanes, *_: lanes(*[lanes] * operands), built)


def _function(name: str) -> Callable[..., Any]:
    """What calls a function of vectors of LLVM's own."""

    def build(builder, *operands):
        vector = operands[0].type
        kind = ir.FunctionType(vector, [vector] * len(operands))
        name_of_kind = f"llvm.{name}.v{vector.count}{vector.element.intrinsic_name}"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name_of_kind), operands)

    return build


def _relu(builder, a):
    zero = _constant(a.type, 0.0)
    return builder.select(builder.fcmp_ordered(">", zero, a), zero, a)


def _where_above(builder, a, b):
    return builder.select(builder.fcmp_ordered(">", a, b), _constant(a.type, 1.0), _constant(a.type, 0.0))


#: a·b + c.
fma = _elementwise(3, _function("fmuladd"))
#: a + b.
add = _elementwise(2, lambda builder, a, b: builder.fadd(a, b))
#: a - b.
subtract = _elementwise(2, lambda builder, a, b: builder.fsub(a, b))
#: a·b.
multiply = _elementwise(2, lambda builder, a, b: builder.fmul(a, b))
#: a / b.
divide = _elementwise(2, lambda builder, a, b: builder.fdiv(a, b))
#: |a|.
absolute = _elementwise(1, _function("fabs"))
#: √a.
square_root = _elementwise(1, _function("sqrt"))
#: max(a, 0); NaN stays NaN.
relu = _elementwise(1, _relu)
#: 1 where a > b, else 0 (also where either is NaN).
where_above = _elementwise(2, _where_above)


def _bits(builder, mask):
    return builder.zext(builder.bitcast(mask, ir.IntType(LANES)), ir.IntType(64))


def _above_zero(builder, a):
    return builder.fcmp_unordered(">", a, _constant(a.type, 0.0))


def _append_above_zero(context, builder, kinds, array, count, a, start, known):
    int32, vector = ir.IntType(32), ir.VectorType(ir.IntType(32), LANES)
    numbers = ir.Constant(vector, list(range(LANES)))
    first, end = (_every(builder, vector, builder.trunc(number, int32)) for number in (start, known))
    above = builder.and_(_above_zero(builder, a), builder.icmp_signed("<", numbers, end))
    data = context.make_array(kinds[0])(context, builder, array).data
    place = cgutils.gep_inbounds(builder, data, count)
    kind = ir.FunctionType(ir.VoidType(), [vector, place.type, above.type])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.compressstore.v{LANES}i32")
    builder.call(function, (builder.add(first, numbers), place, above))
    return builder.add(count, builder.ctpop(_bits(builder, above)))


#: Bit k is set where not a[k] > b[k]; also where either is NaN.
bits_at_most = _operation(
    2, types.int64, lambda _, builder, kinds, *both: _bits(builder, builder.fcmp_unordered("<=", *both))
)
#: Bit k is set where not a[k] <= 0; also where it is NaN.
bits_above_zero = _operation(
    1, types.int64, lambda _, builder, kinds, a: _bits(builder, _above_zero(builder, a))
)
#: array[count:] takes start + k for every k < known where not a[k] <= 0, also where it is NaN; the new count.
append_above_zero = _operation(
    5,
    lambda array, count, a, *_: types.int64(array, types.int64, a, types.int64, types.int64),
    _append_above_zero,
)
#: Place of the lowest set bit of a positive number.
lowest_bit = _operation(
    1,
    lambda _: types.int64(types.int64),
    lambda _, builder, kinds, bits: builder.cttz(bits, ir.Constant(ir.IntType(1), 1)),
)


def _shuffled(builder: Any, a: Any, b: Any, places: list[int]) -> Any:
    kind = ir.VectorType(ir.IntType(32), len(places))
    return builder.shuffle_vector(a, b, ir.Constant(kind, [ir.Constant(ir.IntType(32), p) for p in places]))


def _exchanged(builder: Any, combine: Callable[..., Any], a: Any, distances: tuple[int, ...]) -> Any:
    """Each lane combined with those at these distances in turn."""
    for apart in distances:
        a = combine(builder, a, _shuffled(builder, a, a, [lane ^ apart for lane in range(LANES)]))
    return a


def _over_eights(combine: Callable[..., Any]) -> Any:
    """In the first eight lanes what ``combine`` makes of these, in the last eight that of theirs."""
    return _elementwise(1, lambda builder, a: _exchanged(builder, combine, a, (4, 2, 1)))


def _larger(builder, a, b):
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


#: The larger of the two; b where either is NaN.
larger = _elementwise(2, lambda builder, a, b: _larger(builder, a, b))
#: The least of each eight lanes; NaN may be passed over.
least_of_eight = _over_eights(lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b))
#: The largest of each eight lanes; NaN may be passed over.
most_of_eight = _over_eights(_larger)
#: The sum of each eight lanes.
total_of_eight = _over_eights(lambda builder, a, b: builder.fadd(a, b))


def _add_totals(context, builder, kinds, array, index, a, b, c, d):
    def halved(x, y, size, blocks):
        """The halves of each block of ``size`` lanes of x, then of y, added."""
        half = size // 2
        low = [block * size + lane for block in range(blocks) for lane in range(half)]
        high = [place + half for place in low]
        return builder.fadd(_shuffled(builder, x, y, low), _shuffled(builder, x, y, high))

    size = a.type.count // 2
    sums = halved(halved(a, b, 2 * size, 2), halved(c, d, 2 * size, 2), size, 4)
    while (size := size // 2) > 1:
        sums = halved(sums, sums, size, 4)
    place, align = _pointer(context, builder, kinds[0], array, index, sums.type), kinds[0].dtype.bitwidth // 8
    builder.store(builder.fadd(builder.load(place, align=align), sums), place, align=align)
    return context.get_dummy_value()


def _most(context, builder, kinds, lanes):
    most = _exchanged(builder, _larger, lanes, (8, 4, 2, 1))
    return builder.extract_element(most, ir.Constant(ir.IntType(32), 0))


def _total(context, builder, kinds, lanes):
    vector = lanes.type
    name = f"llvm.vector.reduce.fadd.v{vector.count}{vector.element.intrinsic_name}"
    kind = ir.FunctionType(vector.element, [vector.element, vector])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, (ir.Constant(vector.element, -0.0), lanes), fastmath=("reassoc",))


#: array[index : index + 4] += the sums of the lanes of a, b, c and d, each added in pairs.
add_totals = _operation(6, lambda array, _, *four: types.none(array, types.intp, *four), _add_totals)
#: The largest of the lanes; NaN may be passed over.
most = _operation(1, lambda lanes: lanes.dtype(lanes), _most)
#: The sum of the lanes, added in pairs.
total = _operation(1, lambda lanes: lanes.dtype(lanes), _total)


def from_source(name: str, lines: Iterable[str], count: int = LANES) -> Any:
    """The compiled function ``name`` that a source of our own defines, with what stands in this file at hand; its
    ``load`` and ``splat`` are of so many lanes.
    """
    namespace = globals() | {"load": load_of(count), "splat": splat_of(count)}
    exec("\n".join(lines), namespace)
    return njit(**INLINE)(namespace[name])
