"""The tables of the notes on training, repeated data and unequal norms obey what they are about."""

import itertools

import pytest

from theory.notes.tables import tables


def column(table, head):
    place = table.columns.index(head)
    return [float(row[place].replace("−", "-").replace("∞", "inf")) for row in table.rows]


def falls(values):
    return all(after <= before for before, after in itertools.pairwise(values))


def test_decay_shortens_the_reach_and_polygons_shrink_below_half_the_rate():
    reach, _, biases, shrinking = tables("optimization")
    assert falls(column(reach, "reach"))
    assert falls(column(biases, "probability"))
    assert falls([-bias for bias in column(biases, "largest bias")])
    assert max(column(shrinking, "rate")) < 0.5
    assert falls(column(shrinking, "τ from 1.1"))


def test_energies_fall_with_the_rank_and_the_threshold_crosses_one():
    for table in tables("repetition"):
        for first, fifth, tenth in zip(
            *(column(table, head) for head in ("e_1", "e_5", "e_10")), strict=True
        ):
            assert first > fifth > tenth > 1
        shares = column(table, "R/(T/n)")
        assert falls(shares)
        assert shares[0] > 1 > shares[-1], "above R = T/n where data are few, below it where they are many"
        assert shares == pytest.approx([fifth - 1 for fifth in column(table, "e_5")], abs=0.0101)


def test_untying_and_leaving_the_regular_polygon_never_cost():
    (table,) = tables("unequal")
    tied, untied = column(table, "tied"), column(table, "untied")
    for least, regular in ((tied, "regular, tied"), (untied, "regular, untied"), (untied, "tied")):
        assert all(one <= other for one, other in zip(least, column(table, regular), strict=True))
    assert any(one < other for one, other in zip(untied, tied, strict=True))
