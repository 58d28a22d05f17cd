"""The manuals as a site: `make docs` builds it in build/site, and fails on anything that leads nowhere."""

from pygments.lexers.data import YamlLexer
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "smsc-gateway"
extensions = ["myst_parser"]
myst_heading_anchors = 6
nitpicky = True
html_theme = "furo"
html_title = "smsc-gateway"
html_show_sphinx = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Kinds of blocks that are for readers, and for the tests."""
    for kind in ("smtp", "csv", "conf"):
        app.add_lexer(kind, TextLexer)
    app.add_lexer("changed", YamlLexer)
