"""Equation labels that are cited without a derivation in the registry; `labels.toml` has the list."""

from theory.derivations.texts import read_table

#: For each label what it stands for, and how that is known.
LABELS: dict[str, tuple[str, str]] = {
    label: (entry["statement"], entry["known"])
    for label, entry in read_table("theory.derivations", "labels.toml").items()
}
