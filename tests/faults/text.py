"""Text of the corpus that means something to a terminal, a browser, a shell, SQL or a template."""

from __future__ import annotations

import html.parser
import re

import pyarrow.parquet as pq

from tests.faults import corpus
from tests.faults.case import Case, NotSurvived
from tests.faults.registry import fault

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves a cursor, sets a title, or turns the direction of writing."""


class _Page(html.parser.HTMLParser):
    """Collects what a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """A tag of the corpus has become one of the page."""
        if tag in ("script", "iframe", "object", "embed") or any(name.startswith("on") for name, _ in attributes):
            self.active.append(f"<{tag} {attributes}>")
        if any(
            name in ("href", "src") and (value or "").lower().startswith("javascript:") for name, value in attributes
        ):
            self.active.append(f"<{tag} {attributes}>")


def _page(case: Case) -> None:
    page = _Page()
    page.feed((case.results / "report/index.html").read_text(encoding="utf-8"))
    if page.active:
        raise NotSurvived(f"the page would run {page.active[0]}")


def _story(case: Case) -> None:
    questions = (f"{corpus.HOSTILE_URL}0", f"{corpus.HOSTILE_URL}1", "'; DROP TABLE documents; --", "$(touch executed)")
    for question in questions:
        asked = case.tamis("why", question)
        if CONTROL.search(asked.text):
            raise NotSurvived(f"tamis why printed control characters: {asked.text!r}"[:500])
        if "Traceback" in asked.text:
            raise NotSurvived(f"tamis why ended in a traceback:\n{asked.last}")


def _tables(case: Case) -> None:
    for query in ("SELECT * FROM dropped", "SELECT id, url FROM pool", "SELECT * FROM skipped", "SELECT * FROM edits"):
        asked = case.tamis("sql", query)
        if CONTROL.search(asked.text):
            raise NotSurvived(f"tamis sql printed control characters for {query}")
        case.must_succeed(asked, f"tamis sql {query!r}")


def _text(case: Case) -> None:
    asked = case.tamis("waterfall")
    case.must_succeed(asked)
    if CONTROL.search(asked.text):
        raise NotSurvived("tamis waterfall printed control characters")
    parts = [pq.read_table(part) for part in sorted((case.results / "ingest/documents").iterdir())]
    texts = "".join(text for part in parts for text in part["text"].to_pylist())
    if corpus.HOSTILE.strip() not in texts:
        raise NotSurvived("a hostile text is no longer what it was")


@fault("hostile-text", 8)
def hostile_text(case: Case, number: int) -> None:
    """Hostile text and addresses of the corpus in the terminal, on the page, in SQL, and in what is delivered."""
    case.finished("whole" if number >= 4 else "short")
    (_page, _story, _tables, _text)[number % 4](case)
    case.must_not_have_run()
