"""What there is of a run that a failing job has stopped: its page, and its counts, in `stopped/` of the results.

Under other names than those of a finished run, which Snakemake would take for made: the next run makes its own page
from all of the counts, and takes this folder away when it begins. Sets and exports are not shown before a run is done.
"""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path
from typing import Any

import tamis
from tamis.report import tables
from tamis.report.contents import gathered
from tamis.report.layout import Results
from tamis.report.manifest import distributions, hardware
from tamis.report.page import render
from tamis.report.settings import Config
from tamis.shards import whole_file, write_table

FOLDER = "stopped"
PAGE, STATS, NOTES = "index.html", "stats.parquet", "notes.parquet"


def write(folder: Path, why: str, config: Config) -> list[Path]:
    """Write page and counts of the stages that are done.

    Args:
        folder: the results folder.
        why: what stopped the run, shown at the top.
        config: the page's section.

    Returns:
        The page and the counts; nothing where no stage is done.

    Raises:
        SourceError: the folder holds no results, or damaged ones.
    """
    results = Results.open(folder)
    done = [stage for stage in results.layout.stages if results.parts(stage, "stats")]
    if not done:
        return []
    planned = len(results.layout.stages)
    nothing: dict[str, Any] = {
        "stages": tuple(done),
        "mixtures": (),
        "annealing": (),
        "exports": (),
        "validation": False,
    }
    results = Results(folder, results.layout.model_copy(update=nothing))
    stats, notes = tables.collect(results, done)
    manifest = {
        "tamis": tamis.__version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "distributions": distributions(),
        "configuration": {},
        "seeds": {},
        "layout": results.layout.model_dump(mode="json", exclude={"inventory"}),
        "hardware": hardware(),
        "outputs": {},
    }
    values = gathered(results, config, stats, tables.combine_notes(notes), manifest)
    values["stopped"] = f"{len(done)} of {planned} stages are done. {why}"
    found = [folder / FOLDER / name for name in (PAGE, STATS, NOTES)]
    found[0].parent.mkdir(exist_ok=True)
    write_table(found[2], notes)
    write_table(found[1], stats)
    with whole_file(found[0]) as temporary:
        temporary.write_text(render(values), encoding="utf-8", errors="replace")
    return found[:2]


def clear(folder: Path) -> None:
    """Take away what an earlier run that was stopped has left; other files in the folder stay, and it with them."""
    for name in (PAGE, STATS, NOTES):
        (folder / FOLDER / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (folder / FOLDER).rmdir()
