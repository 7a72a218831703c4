"""The settings of the site; `scripts/website.py` gathers its pages and builds it."""

import re

from sphinx.application import Sphinx

from corruptgen import __version__

project = "corruptgen"
author = "The corruptgen developers"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

html_theme = "furo"
html_title = f"corruptgen {__version__}"
html_extra_path = ["extra"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False

# Links to headings within the documents.
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"
# Large, and only ever subclassed: the pages are the same without them.
autodoc_mock_imports = ["torch", "albumentations"]
napoleon_google_docstring = False
napoleon_use_rtype = False
PARAMETER = re.compile(r"(\*{0,2}\w+(?:, \w+)*) : (.*)")
RETURNED = "returned"


def setup(app: Sphinx) -> None:
    """Read docstrings as they are meant, around napoleon, which reads them as numpy's."""
    app.connect("autodoc-process-docstring", _before_napoleon, priority=100)
    app.connect("autodoc-process-docstring", _after_napoleon, priority=900)


def _before_napoleon(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Put what follows a parameter's name below it: ours say there what it means, where numpy's say its type.

    So with "Returns", which are sentences, below a word that stands for their type; bars, as of absolute values, are no
    markup.
    """
    meant: list[str] = []
    section = ""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        text = line.replace("|", "\\|")
        section = text if below and not below.strip("-") else section
        parameter = PARAMETER.fullmatch(text) if section in ("Parameters", "Attributes") else None
        if parameter:
            meant += [parameter[1], f"    {parameter[2]}"]
        elif section == "Returns" and text.strip("-") and text != section:
            meant += [f"    {text}"] if meant[-1].strip("-") else [RETURNED, f"    {text}"]
        else:
            meant.append(text)
    lines[:] = meant


def _after_napoleon(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Take the word for the type out again."""
    lines[:] = [line.replace(f":returns: *{RETURNED}* -- ", ":returns: ") for line in lines]
