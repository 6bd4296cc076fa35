"""Tables of texts in TOML files beside the code; between three quotes, each paragraph is one line."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

#: The end of a line that the next one goes on.
_BREAK = re.compile(r"(?<!\n)(?<!\$\$)\n(?!\n|\$\$)")


@cache
def read_table(package: str, name: str) -> dict[str, Any]:
    """What the file holds, with the lines of each paragraph joined; `$$` keeps a line of its own."""
    text = files(package).joinpath(name).read_text(encoding="utf-8")
    joined = re.sub(
        r"'''(.*?)'''", lambda found: f"'''{_BREAK.sub(' ', found[1].strip())}'''", text, flags=re.S
    )
    return tomllib.loads(joined)
