"""Sphinx: the pages of this folder as a site (`make docs`)."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "aofl"
author = "The aofl developers"
project_copyright = author
version = release = installed("aofl")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "key_reference",
    "notebook_page",
]
exclude_patterns = ["_build", "**.ipynb"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3  # links to #headings, as GitHub makes them

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True
default_role = "code"

html_theme = "furo"
html_title = f"aofl {release}"
html_copy_source = False
