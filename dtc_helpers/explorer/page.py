"""The explorer as one page: its JavaScript joined, data and pictures in it, nothing to be fetched."""

import base64
import json
import re
from pathlib import Path
from typing import Any

from dtc_helpers.paths import whole_file

WEB = Path(__file__).with_name("web")
DATA = Path(__file__).with_name("data")
PAGE = ("core", "draw", "bars", "lab", "proposition", "replay", "page")  # each imports from those before it
WIDGET = (*PAGE[:-1], "game", "widget")  # the game needs a kernel that trains
VIEWS = ("lab", "proposition", "replay")
_IMPORT = re.compile(r"^import (\{.*?\}) from \"\./(\w+)\.js\";$", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?=(?:function|const|class) (\w+))", re.MULTILINE)


def joined(names: tuple[str, ...]) -> str:
    """Modules of `web` as one without imports: each but the last is a function that returns what it exports."""
    *others, last = names
    return "\n".join([*map(_wrapped, others), _from_variables(_source(last))])


def _source(name: str) -> str:
    return (WEB / f"{name}.js").read_text(encoding="utf-8")


def _from_variables(source: str) -> str:
    return _IMPORT.sub(r"const \1 = module_\2;", source)


def _wrapped(name: str) -> str:
    source = _source(name)
    body, exported = _EXPORT.sub("", _from_variables(source)), ", ".join(_EXPORT.findall(source))
    return f"const module_{name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


def stored(view: str) -> Any:
    """Data of a view that travel with the package; `renew.renew` makes them."""
    return json.loads((DATA / f"{view}.json").read_text(encoding="utf-8"))


def page() -> str:
    """The whole page."""
    style, data = (WEB / "style.css").read_text() + (WEB / "page.css").read_text(), "\n".join(map(_data_element, VIEWS))
    parts = {
        **{f"{view}_picture": _picture(view) for view in VIEWS},
        "style": style,
        "data": data,
        "script": joined(PAGE),
        "replay_dataset": stored("replay")["dataset"],
    }
    template = (WEB / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _data_element(view: str) -> str:
    """JSON that no `</script>` in it can end."""
    text = json.dumps(stored(view), ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return f'<script type="application/json" id="data-{view}">{text}</script>'


def _picture(view: str) -> str:
    return "data:image/png;base64," + base64.b64encode((DATA / f"{view}.png").read_bytes()).decode()


def write_page(path: Path) -> Path:
    """Write the page, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(page(), encoding="utf-8")
    return path
