"""The explorer as one page: its JavaScript joined, data and pictures in it, nothing to be fetched."""

import base64
import io
import json
import re
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

from dtc_helpers.paths import whole_file

WEB = Path(__file__).with_name("web")
DATA = Path(__file__).with_name("data")
# each imports from those before it; the first seven know of no page
SHARED = (
    "random", "matrices", "sensing", "recovery", "surgery", "gibbs", "statistics", "elements", "store", "controls",
    "charts", "views", "bars", "lab", "proposition", "replay", "game",
)  # fmt: skip
PAGE = (*SHARED, "training", "page")
WIDGET = (*SHARED, "widget")  # the kernel trains
VIEWS = ("lab", "proposition", "replay", "game")
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
    data = {view: stored(view) for view in VIEWS}
    parts = {
        **{f"{view}_picture": _picture(view) for view in VIEWS},
        **_counts(data["game"]["rivals"]),
        "style": (WEB / "style.css").read_text() + (WEB / "page.css").read_text(),
        "data": _deflated(data),
        "script": joined(PAGE),
        "replay_dataset": data["replay"]["dataset"],
    }
    template = (WEB / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _counts(rivals: dict[str, Any]) -> dict[str, str]:
    """After how many cuts each rival lies between the worst and the best of those who draw lots."""
    band = [(min(draws), max(draws)) for draws in rivals["random"]]
    inside = {
        name: sum(low <= v <= high for v, (low, high) in zip(values, band, strict=True))
        for name, values in rivals.items()
        if name != "random"
    }
    return {"game_cuts": str(len(band)), **{f"game_{name}": str(count) for name, count in inside.items()}}


def without_blanks(data: Any) -> str:
    """JSON of what a view is given."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _deflated(data: Any) -> str:
    """JSON, deflated to half its bytes and in letters that HTML leaves alone."""
    return base64.b64encode(zlib.compress(without_blanks(data).encode(), 9)).decode()


def _picture(view: str) -> str:
    """The stored picture, pixel by pixel, in a format of fewer bytes."""
    small = io.BytesIO()
    with Image.open(DATA / f"{view}.png") as image:
        image.convert("RGB").save(small, format="webp", lossless=True)
    return "data:image/webp;base64," + base64.b64encode(small.getvalue()).decode()


def write_page(path: Path) -> Path:
    """Write the page, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(page(), encoding="utf-8")
    return path
