"""Damage to results at rest: what a plain run, `tamis verify` and a later reader make of it."""

from __future__ import annotations

from pathlib import Path

from tests.faults.case import Case, NotSurvived
from tests.faults.damage import DAMAGES
from tests.faults.damage import damaged as damage
from tests.faults.registry import fault

# Files that say how a run went; nothing reads them again, and no two runs write the same.
RECORDS = ("logs", "benchmarks", ".tamis.lock")

EXCHANGE = (".arrow", ".npy", "barrier.json", ".tamis.hashes.json", ".tamis.inputs.json")
"""Ends of the names of files by which jobs hand rows to each other, and of a cache. Nobody receives them, and the manifest
does not answer for them; a job that reads one again checks it (`tests/faults/jobs.py` tries that)."""


def _files(case: Case, *suffixes: str) -> list[Path]:
    found = (path for path in sorted(case.results.rglob("*")) if path.is_file())
    return [
        path
        for path in found
        if path.relative_to(case.results).parts[0] not in RECORDS and path.name.endswith(suffixes)
    ]


def _repaired(case: Case, path: Path, *more: Path, expected: dict[str, str] | None = None) -> None:
    """`tamis verify` names the damage, `--repair` and one run mend it, and then nothing is wrong."""
    folder = case.results.relative_to(case.folder)
    found = case.tamis("verify", "--results", str(folder))
    names = [each.relative_to(case.results) for each in (path, *more)]
    if not found.code and path.name.endswith(EXCHANGE):
        case.must_be_same(expected)
        return
    case.must_say(found, *names, listing=True)
    case.tamis("verify", "--repair", "--results", str(folder))
    case.must_succeed(case.run(), "tamis run after tamis verify --repair")
    case.must_be_same(expected)
    case.must_succeed(case.tamis("verify", "--results", str(folder)), "tamis verify of a repaired folder")


@fault("results-damaged", 40)
def damaged(case: Case, number: int) -> None:
    """A file of finished results is damaged: `tamis run` mends it, or `tamis verify` names it and `--repair` mends it."""
    case.finished("whole" if number % 5 == 4 else "short")
    late = (
        "export",
        "mixtures",
        "annealing",
        "report",
        "stats.parquet",
        "tamis.duckdb",
        "manifest.json",
        "layout.json",
        "validation",
    )
    files = _files(case, "")
    if number % 5 == 4:
        # With all stages, what lies at the end: the early ones would make everything again.
        files = [path for path in files if path.relative_to(case.results).parts[0] in late]
    path = case.dice.choice(files)
    way = ("flip", "truncate", "empty", "delete", "swap", "flip_end", "zeros", "longer")[number % 8]
    siblings = [other for other in path.parent.glob(f"*{path.suffix}") if other != path] if way == "swap" else []
    intact = path.read_bytes()
    damage(way, path, case.dice)
    ended = case.run()
    if ended.code:
        case.must_say(ended, path.relative_to(case.results), *(other.relative_to(case.results) for other in siblings))
    elif way == "delete" and (path.exists() or path.name.endswith(EXCHANGE)):
        # Made again at once; or a job that ever needs it has it made.
        case.must_be_same()
        return
    elif path.exists() and path.read_bytes() == intact:
        case.must_be_same()
        return
    _repaired(case, path, *siblings)


CHANGES = {
    "remove": {"url_dedup__applies_to": ["prose", "code"]},
    "url_dedup": {"line_pruning__min_documents": 5},
    "line_pruning": {"tokenizer__seed": 3, "tokenizer__sample_characters": 150_000},
    "tokenizer": {"mixtures__first__tokens": 0.4},
    "mixtures": {"export__seed": 3},
}
"""Stage → a change of the configuration that makes a later job read what the stage left."""


@fault("results-read-later", 30, heavy=True)
def read_later(case: Case, number: int) -> None:
    """A damaged file of finished results is read by a job that a change of the configuration calls for."""
    from tests.faults.bench import overlaid

    stage = sorted(CHANGES)[number % len(CHANGES)]
    case.finished("short")
    folder = case.results / stage / ("documents" if stage != "mixtures" else "first/documents")
    path = case.dice.choice(sorted(folder.glob("*.parquet")))
    way = ("flip", "truncate", "empty", "flip_end", "zeros", "swap")[number // len(CHANGES) % 6]
    siblings = [other for other in path.parent.glob(f"*{path.suffix}") if other != path] if way == "swap" else []
    damage(way, path, case.dice)
    changes = CHANGES[stage]
    case.configure(overlaid(case.config(), changes))
    expected = case.bench.expected_after(case.chain, repr(changes), lambda _, config: overlaid(config, changes))
    ended = case.run()
    if not ended.code:
        # What nobody read must not have changed what was delivered.
        case.must_be_same(dict(expected))
        return
    case.must_say(ended, path.relative_to(case.results), *(other.relative_to(case.results) for other in siblings))
    case.tamis("verify", "--repair", "--results", "results")
    case.must_succeed(case.run(), "tamis run after tamis verify --repair")
    case.must_be_same(dict(expected))


@fault("results-emptied", 10)
def emptied(case: Case, number: int) -> None:
    """A whole folder of the results is deleted, or all files of it are emptied."""
    case.finished("short")
    folders = sorted({path.parent for path in _files(case, "")} - {case.results})
    folder = case.dice.choice(folders)
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files:
        DAMAGES["delete" if number % 2 else "empty"](path, case.dice)
    ended = case.run()
    if ended.code:
        case.must_say(ended, *(path.relative_to(case.results) for path in files))
    found = case.tamis("verify", "--results", "results")
    if found.code:
        case.must_say(found, *(path.relative_to(case.results) for path in files), listing=True)
        case.tamis("verify", "--repair", "--results", "results")
        case.must_succeed(case.run(), "tamis run after tamis verify --repair")
    if number % 2 == 0 and any(
        path.stat().st_size == 0 for path in files if path.exists() and not path.name.endswith(EXCHANGE)
    ):
        raise NotSurvived(f"{files[0].relative_to(case.results)} is still empty and nothing says so")
    case.must_be_same()
