"""The settings of the site; `scripts/website.py` gathers its pages and builds it."""

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
# Types are words for readers, such as "ndarray of float, shape (H, W, C)", and no names to link.
napoleon_use_param = False
