"""What the notes say about trained polygons and the generalization scale, and where they compare nothing."""

import csv

import pytest

from experiments.scale_sparsity.section import scales_section
from experiments.sea.polygons import polygons_section
from experiments.sections import UNCOMPARED, training_sections, untied_section
from theory.notes.pages import TOPICS

from .test_notes_sweeps import rings, written


def taken(folder, k, r, b, seeds=3, n=300):
    """Runs from Xavier starts that end with rings of k, r and b a little different in each seed."""
    runs = []
    for place, (setting, status, seen) in enumerate(rings({"xavier": (k, 0.0, seeds)}, n=n)):
        change = {"ring_radius_squared": r + 0.01 * (place - 1), "ring_bias": b + 0.001 * (place - 1)}
        runs.append((setting, status, seen | change))
    written(folder, "sea", runs)
    return polygons_section(folder)


@pytest.mark.parametrize(
    ("k", "r", "b", "words"),
    [
        (
            5,
            0.8396,
            0.0,
            "at T/n = 10 a ring alone at zero bias comes nearest with 0.840, within the interval",
        ),
        (5, 1.326, -0.15, "a ring alone with a free bias comes nearest with 1.33, within the interval"),
        (5, 0.894, -0.0734, "a ring with its sea comes nearest with 0.894, within the interval"),
        (5, 0.95, -0.2, "a ring with its sea comes nearest with 0.894, below the interval"),
        (5, 0.6, 0.3, "a ring alone at zero bias comes nearest with 0, below the interval"),
        (5, 0.6, 0.3, "a ring alone at zero bias comes nearest with 0.840, above the interval"),
    ],
)
def test_the_nearest_closed_form_is_named_by_the_numbers(tmp_path, k, r, b, words):
    assert words in taken(tmp_path, k, r, b).text


def test_the_k_that_training_takes_tells_the_closed_forms_apart(tmp_path):
    """With these amplitudes a ring alone with a free bias gains most at 6, the other two at 5."""
    five, six, ten = (taken(tmp_path, k, 1.0, -0.1).text for k in (5, 6, 10))
    assert "3 of 3 runs end with a ring of 5." in five
    assert (
        "a ring alone at zero bias and a ring with its sea gain most at that k; a ring alone with a free"
        in five
    )
    assert (
        "Of the closed forms a ring alone with a free bias gains most at that k; a ring alone at zero" in six
    )
    assert "Of the closed forms none gains most at that k" in ten
    assert "ends without a ring" not in ten
    assert "3 of 3 runs end without a ring" in taken(tmp_path, 0, 1.0, -0.1).text


def test_runs_of_two_sizes_are_not_compared_with_one_closed_form(tmp_path):
    runs = [*rings({"xavier": (5, 0.0, 2)}), *rings({"xavier": (5, 0.0, 2)}, n=400)]
    written(tmp_path, "sea", runs)
    assert "have no common closed form" in polygons_section(tmp_path).text
    written(tmp_path, "sea", rings({"pentagon": (5, 0.0, 2)}))
    assert polygons_section(tmp_path) is None, "a start that is a pentagon says nothing about what is taken"


# Scales


def scaled(folder, scales, name="scale-sparsity", n=1000):
    """A table of scales {value: scales of the seeds} as an experiment writes it."""
    path = folder / name
    path.mkdir(exist_ok=True)
    column = "density" if name == "scale-sparsity" else "weight_decay"
    with (path / "scales.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["m", column, "seed", "scale", "plateau"])
        for value, found in scales.items():
            writer.writerows([2, value, seed, scale, 0.3] for seed, scale in enumerate(found))
    (path / "form.csv").write_text(f"key,value\nform,full\nruns,9\nmissing,0\nn,{n}\nsparsity,0.98\n")


def test_the_measured_scale_is_laid_beside_ten(tmp_path):
    scaled(tmp_path, {0.02: [9.0, 10.0, 11.0], 0.04: [4.0, 4.1, 4.2, ""]})
    section = scales_section(tmp_path)
    assert "a factor of 1.6 below it. 1 of the 2 intervals below hold 10." in section.text
    assert section.pages == ("scale-sparsity", "dataset-size", "heat-map")
    assert [row[5] for row in section.tables[0].rows] == ["3", "3"], "a seed without a scale is left out"
    scaled(tmp_path, {0.01: [1000.0, 1000.0]}, "scale-decay")
    scaled(tmp_path, {0.01: [500.0, 500.0]}, "scale-decay/tenth", n=100)
    rows = scales_section(tmp_path).tables[0].rows
    assert [(row[1], row[6].split()[0]) for row in rows[-2:]] == [("1000", "20"), ("100", "10")], (
        "T(1 − S), not T"
    )


# No comparison


def untied(folder, *rows):
    (folder / "variants").mkdir(exist_ok=True)
    text = "variant,T,worst_point_error,weight_norm,decoder_norm\nstandard,5,0.0,3,3\n"
    (folder / "variants" / "trained.csv").write_text(text + "".join(f"untied,{row}\n" for row in rows))
    return untied_section(folder).text


def test_untied_models_are_compared_where_one_memorizes(tmp_path):
    assert "none of 2 memorizes its data, down to T = 3," in untied(tmp_path, "3,0.2,1,1", "5,0.9,1,1")
    found = untied(tmp_path, "3,0.2,1,1", "4,1e-9,2,2.4494897427831781")
    assert "Of 2 models with a decoder of their own, at equal norms, 1 memorize" in found
    assert "is 1.25 to 1.25 times" in found


def test_every_note_says_how_training_compared(tmp_path):
    """A note without a table of trained models says that there is none."""
    found = {topic.name: training_sections(tmp_path)[topic.name][-1] for topic in TOPICS}
    for name, last in found.items():
        assert last.text.startswith(("No ", "The trainer is AdamW")), name
    titles = {name: last.title for name, last in found.items()}
    assert {name for name, title in titles.items() if title == UNCOMPARED} >= {
        "penalty",
        "unequal",
        "sea",
        "scales",
    }
