"""Figures of the book with a text for who cannot see them, that of `dtc_helpers.figures.descriptions`."""

from typing import Any

from docutils import nodes

from dtc_helpers.figures.descriptions import text_of


def _describe(_app: Any, document: nodes.document) -> None:
    for cell in document.findall(lambda node: isinstance(node, nodes.container) and "cell" in node["classes"]):
        code = "\n".join(block.astext() for block in cell.findall(nodes.literal_block))
        for image in cell.findall(nodes.image):
            image["alt"] = text_of(code)


def setup(app: Any) -> dict[str, bool]:
    """Describe figures as soon as a notebook has been read."""
    app.connect("doctree-read", _describe)
    return {"parallel_read_safe": True}
