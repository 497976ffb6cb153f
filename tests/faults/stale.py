"""Files that are left from another configuration, or that somebody put there."""

from __future__ import annotations

import shutil

from tests.faults.bench import overlaid
from tests.faults.case import Case, NotSurvived
from tests.faults.registry import fault

SECOND = {"by": "kind", "weights": {"prose": 0.5, "code": 0.5}, "tokens": 0.3, "files": 1}

# What was run in between and is then taken back.
BETWEEN = (
    {"shards": 3},
    {"mixtures__first__files": 4},
    {"mixtures__second": SECOND},
    {"shards": 1, "partitions": 3},
    {"pipeline": ["remove", "url_dedup"]},
    {"export__shards": 5},
    {"pipeline": ["url_dedup", "line_pruning", "remove"]},
    {"mixtures": None},
)


@fault("stale-files", 16, quick=5, heavy=True)
def another_configuration(case: Case, number: int) -> None:
    """A run with more shards, more files, another mixture or fewer stages lies between; nothing of it may be left."""
    case.finished("short")
    plain = case.config()
    case.configure(overlaid(plain, BETWEEN[number % len(BETWEEN)]))
    between = case.run() if number < len(BETWEEN) else None
    if between is None:
        # … and was killed.
        from tests.faults.case import kill_tree
        from tests.faults.processes import _wait_a_while

        process = case.begin_run()
        _wait_a_while(case, process, 14)
        kill_tree(process.pid)
    else:
        case.must_succeed(between)
    case.configure(plain)
    case.must_succeed(case.run())
    case.must_be_same()


@fault("stale-inputs", 6, heavy=True)
def removed_input(case: Case, number: int) -> None:
    """An input file or a whole source is taken away, or comes back: no page, count or skip of it stays."""
    case.finished("short")

    def change(folder, config):
        if number % 2:
            config["sources"] = [source for source in config["sources"] if source["name"] != "notes"]
        else:
            (folder / "corpus/crawl/part-1.jsonl.zst").unlink()
        return config

    kept = case.folder.with_name("kept")
    shutil.copytree(case.folder / "corpus", kept, copy_function=shutil.copy2)
    plain = case.config()
    case.configure(change(case.folder, case.config()))
    expected = case.bench.expected_after(case.chain, f"removed input {number % 2}", change)
    case.must_succeed(case.run())
    case.must_be_same(dict(expected))
    units = {path.name for path in (case.results / "ingest/skipped").iterdir()}
    read = {path.name.replace(".json", ".parquet") for path in (case.results / "ingest/read").iterdir()}
    if units != read:
        raise NotSurvived(f"ingest/skipped and ingest/read tell of other units: {sorted(units ^ read)}")
    if number >= 2:
        shutil.rmtree(case.folder / "corpus")
        shutil.copytree(kept, case.folder / "corpus", copy_function=shutil.copy2)
        case.configure(plain)
        case.must_succeed(case.run())
        case.must_be_same()


@fault("stale-planted", 8)
def planted(case: Case, number: int) -> None:
    """A file that looks like a part lies in a folder of a finished run; what is not tamis' own stays."""
    case.finished("short")
    folders = (
        "mixtures/first/documents",
        "export/first/parquet",
        "line_pruning/documents",
        "tokenizer/documents",
        "url_dedup/dropped",
    )
    folder = case.results / folders[number % len(folders)]
    part = min(folder.glob("part-*"))
    shutil.copy2(part, folder / part.name.replace("00000", "00007"))
    own = [case.results / "notes of mine.txt", case.folder / "mine.parquet"]
    for path in own:
        path.write_text("mine")
    change = {"mixtures__first__tokens": 0.4} if number >= len(folders) else {}
    case.configure(overlaid(case.config(), change))
    expected = (
        case.bench.expected_after(case.chain, repr(change), lambda _, config: overlaid(config, change))
        if change
        else None
    )
    case.must_succeed(case.run())
    case.must_be_same(expected)
    if lost := [path.name for path in own if not path.exists()]:
        raise NotSurvived(f"{lost} was not tamis' own and is gone")
