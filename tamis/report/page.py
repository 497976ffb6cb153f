"""`report/index.html`: one static file in which a person judges the run.

Figures, the retention waterfall, counts by rule, kind and source, model cards, plans against what was drawn, alarms,
and documents to read: kept and dropped ones of every stage and rule, near-duplicates beside what they matched, cuts in
their surroundings. It loads nothing and runs nothing: all text of the corpus is escaped by the template engine, and
addresses are shown, never linked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tamis.errors import AlarmError
from tamis.report.contents import contents
from tamis.report.figures import number, percent
from tamis.report.layout import Results
from tamis.report.pictures import waterfall
from tamis.report.record import write as write_record
from tamis.report.settings import Config
from tamis.shards import read_json, whole_file, write_json

VERSION = 1


def render(values: dict[str, Any]) -> str:
    """The page from its values; every value is escaped unless this package made it as markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tamis.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent}
    return environment.get_template("page.html.j2").render(values)


def run_page(config: Config, *, layout: Path, page: Path, picture: Path, alarms: Path, record: Path) -> None:
    """Write the page, and the waterfall picture and the alarms as files of their own.

    Args:
        config: what is shown.
        layout: `layout.json` in the results folder.
        page: HTML file to write.
        picture: SVG file to write.
        alarms: JSON list of sentences to write.
        record: JSON to write, by which the others are verified.
    """
    values = contents(Results.open(layout.parent), config)
    with whole_file(picture) as temporary:
        temporary.write_text(str(waterfall(values["steps"], standalone=True)), encoding="utf-8")
    write_json(alarms, values["alarms"])
    with whole_file(page) as temporary:
        temporary.write_text(render(values), encoding="utf-8", errors="replace")
    write_record(record, (page, picture, alarms))


def run_check(config: Config, *, alarms: Path, page: Path, output: Path) -> None:
    """Fail when there is an alarm. A job of its own: what a failing job writes does not stay, and the page must.

    Args:
        config: the page's section.
        alarms: what `run_page` wrote.
        page: the page, for the message.
        output: JSON to write when there is none.

    Raises:
        AlarmError: with every alarm.
    """
    found = read_json(alarms)
    if found and config.alarms_fatal:
        listed = "\n".join(f"  {alarm}" for alarm in found)
        msg = (
            f"{len(found)} alarm{'' if len(found) == 1 else 's'}, and report.alarms_fatal is set:\n{listed}\n"
            f"Read {page}; then do what they say, or leave report.alarms_fatal out. Everything else of the run is done."
        )
        raise AlarmError(msg)
    write_json(output, {"alarms": len(found)})
