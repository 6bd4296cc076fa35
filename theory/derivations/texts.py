"""Tables of texts in TOML files beside the code; texts between three quotes are one line each."""

import re
import tomllib
from importlib.resources import files
from typing import Any


def read_table(package: str, name: str) -> dict[str, Any]:
    """What the file holds, with the lines of each long text joined."""
    text = files(package).joinpath(name).read_text(encoding="utf-8")
    joined = re.sub(r"'''(.*?)'''", lambda found: f"'''{' '.join(found[1].split())}'''", text, flags=re.S)
    return tomllib.loads(joined)
