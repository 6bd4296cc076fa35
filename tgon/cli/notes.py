"""The command that writes the derivation notes: `notes`."""

from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

import click

from tgon.cli.options import FOLDER, BadInput, json_option, option, refusals
from tgon.cli.output import print_json

#: The PDF's name inside the folder of the notes.
PDF = "notes.pdf"


@click.command(epilog="Example: tgon notes --check")
@option("--out", Path("notes", "derivations"), "Folder of the notes.", FOLDER)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if a note differs from what would be written."
)
@click.option("--pdf", is_flag=True, help=f"Also write all notes as {PDF}; needs pip install -e '.[notes]'.")
@json_option
def notes(out: Path, check: bool, pdf: bool, as_json: bool) -> int:
    """Write the derivation notes, in Markdown with LaTeX, from the derivations the package holds."""
    from theory.notes.pages import notes as written
    from theory.notes.pdf import write_pdf

    texts = written()
    found = differences(texts, out)
    if check:
        if pdf:
            raise BadInput("--check writes nothing, so it has no --pdf; try one of the two")
        return _report(out, found, as_json)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    if pdf:
        with refusals():
            write_pdf(texts, out / PDF)
    if not (out.parent.parent / "experiments").is_dir():
        click.echo("tgon: links to experiments and pictures need a clone of tgon around the notes", err=True)
    if as_json:
        changed = [each["file"] for each in found]
        print_json({"written": list(texts), "changed": changed, "pdf": out / PDF if pdf else None})
    else:
        click.echo(
            f"{out}: {len(texts)} notes, {len(found)} of them new or changed{f', and {PDF}' if pdf else ''}."
        )
    return 0


def differences(texts: Mapping[str, str], folder: Path) -> list[dict[str, str | int]]:
    """Where notes in a folder differ from `texts`, are missing or left over: file, first such line, both versions."""
    found: list[dict[str, str | int]] = []
    for name in sorted({*texts, *(path.name for path in folder.glob("*.md"))}):
        path = folder / name
        there = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
        if there == texts.get(name, ""):
            continue
        pairs = zip_longest(there.split("\n"), texts.get(name, "").split("\n"), fillvalue="")
        line, (old, new) = next((at, pair) for at, pair in enumerate(pairs, 1) if pair[0] != pair[1])
        found.append({"file": name, "line": line, "committed": old, "generated": new})
    return found


def _report(out: Path, found: list[dict[str, str | int]], as_json: bool) -> int:
    if as_json:
        print_json({"differences": found})
    elif not found:
        click.echo(f"{out}: every note is what the registry writes.")
    elif not out.is_dir():
        click.echo(f"{out}: there is no such folder; tgon notes --out {out} writes all {len(found)} notes.")
    else:
        for each in found:
            click.echo(f"{out / str(each['file'])}, line {each['line']}:")
            click.echo(f"  there:   {each['committed']}\n  written: {each['generated']}")
        click.echo("Run tgon notes (make notes) to write them anew.")
    return 1 if found else 0
