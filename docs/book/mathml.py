"""Formulas as MathML, which browsers draw themselves: no script, no fonts, no network."""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

_log = logging.getLogger(__name__)
_BARE_FRACTION = re.compile(r"(\\[td]?frac)(\d)(\d)")  # \tfrac16
_APPLIED = "<mo>&ApplyFunction;</mo>"  # between ln and m, where browsers leave no space


def _element(node: Any, *, as_block: bool) -> str:
    formula = _BARE_FRACTION.sub(r"\1{\2}{\3}", node.astext()).replace(r"\dots", r"\ldots")
    try:
        return tex2mathml(formula, as_block=as_block).replace(_APPLIED, _APPLIED + '<mspace width="0.17em"></mspace>')
    except (MathError, AttributeError) as error:  # the second where docutils loses its way
        _log.warning("%s: %s; see docs/book/mathml.py", formula, error, location=node)
        return f"<code>{formula}</code>"


def _inline(writer: Any, node: Any) -> None:
    writer.body.append(_element(node, as_block=False))
    raise nodes.SkipNode


def _block(writer: Any, node: Any) -> None:
    writer.body.append(f'<div class="formula">{_element(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Name the renderer, which conf.py chooses."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
