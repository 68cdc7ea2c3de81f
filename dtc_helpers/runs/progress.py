"""Progress of long work: a bar for a person who watches, log lines for a file."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm.auto import tqdm

Item = TypeVar("Item")
LOG_EVERY_SECONDS = 5.0


def is_watched() -> bool:
    """Whether a person looks on: a notebook opened in Jupyter or an editor, or a terminal. Not under papermill."""
    opened = any(name in os.environ for name in ("JPY_SESSION_NAME", "VSCODE_PID"))
    return opened or sys.stderr.isatty()


def progress(items: Iterable[Item], *, total: int, title: str, describe: Callable[[Item], str] = str) -> Iterator[Item]:
    """Pass the items on and show how far the work is; `describe` says an item in a few words, for the end of a line."""
    if is_watched():
        for item in (bar := tqdm(items, total=total, desc=title)):
            bar.set_postfix_str(describe(item), refresh=False)
            yield item
        return
    started = last_line = time.monotonic()
    for done, item in enumerate(items, start=1):
        now = time.monotonic()
        if now - last_line >= LOG_EVERY_SECONDS or done == total:
            print(f"{title}: {done}/{total}, {describe(item)}, {now - started:.0f} s", flush=True)  # noqa: T201
            last_line = now
        yield item
