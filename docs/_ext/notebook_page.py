"""Sphinx: the page of the notebook is written from the notebook, each time the site is built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAGE, PLACE = "notebook", "<!-- the notebook -->"


def as_markdown(notebook: dict[str, Any]) -> str:
    """Return the cells of a notebook after its title: words as they are, code as code."""
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"][1:]]
    parts = [text if kind == "markdown" else f"```python\n{text}\n```" for kind, text in cells]
    return "\n\n".join(parts)


def _fill(app: Any, page: str, source: list[str]) -> None:
    if page == PAGE:
        text = (Path(app.srcdir) / "notebook.ipynb").read_text(encoding="utf-8")
        source[0] = source[0].replace(PLACE, as_markdown(json.loads(text)))


def setup(app: Any) -> dict[str, bool]:
    """Fill the page as Sphinx reads it."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True}
