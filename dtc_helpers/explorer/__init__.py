"""The explorer: views of the method that move when they are touched, as widgets in a notebook and as one page.

`Lab`, `Proposition`, `Replay` and `Game` are imported when they are first asked for: the page does without.
"""

from importlib import import_module
from typing import Any

__all__ = ["Game", "Lab", "Proposition", "Replay"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Widget, imported now; PEP 562."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.widgets"), name)
