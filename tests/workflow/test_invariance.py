"""The same bytes, whatever the shards, the cores, the order and files of the input, and however often a run was killed.

Two complete runs are compared: the one of `full` (3 shards, 2 partitions, 2 cores, left alone) and one with 1 shard,
1 core, the records in another order in other files, texts written by the stages alone that edit them, killed five times
on its way.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from running import ROOT, bytes_of, changed, environment, planned, planned_jobs, run_workflow

from tamis.engine.jobs import STARTED, VARIABLE
from tamis.shards import read_table

pytestmark = pytest.mark.workflow

USER_RESULTS = ("validation", "annealing", "mixtures", "export")
KILL_AFTER = (1, 12, 30, 55, 80)
"""Jobs done (of about 120) when the run is killed."""


def shuffle_and_split(corpus, seed):
    """Rewrite the JSON Lines of the corpus in another order, in other files."""
    dice = random.Random(seed)  # noqa: S311 - a test order
    lines = []
    for path in sorted(corpus.glob("web/*")):
        lines += zstandard.decompress(path.read_bytes()).splitlines(keepends=True)
        path.unlink()
    dice.shuffle(lines)
    for number, size in enumerate((17, 0, 120, len(lines))):
        (corpus / "web" / f"again-{9 - number}.jsonl.zst").write_bytes(zstandard.compress(b"".join(lines[:size])))
        lines = lines[size:]
    path = corpus / "archive.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    dice.shuffle(lines)
    path.write_bytes(gzip.compress(b"".join(lines)))


def descendants(pid):
    """A process and all its children that live, from /proc."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
    return [process for process in found if Path(f"/proc/{process}").exists()]


def kill(process):
    """SIGKILL to a run and every job of it, as a power cut would."""
    for pid in descendants(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def jobs_done(folder):
    """How many jobs have left their benchmark."""
    return sum(1 for _ in (folder / "results" / "benchmarks").rglob("*.tsv"))


@pytest.fixture(scope="module", name="other")
def _other(make_folder, config):
    """The working directory of the other run, and after how many jobs it was killed."""
    folder = make_folder("other", own=True)
    shuffle_and_split(folder / "corpus", 4)
    other = changed(config, shards=1, partitions=None, ingest__unit_bytes=20_000, materialize="on_edit")
    (folder / "test.yaml").write_text(yaml.safe_dump(other, sort_keys=False, allow_unicode=True), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "tamis.cli",
        "run",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--configfile",
        "test.yaml",
    ]
    command += ["--workflow-profile", str(ROOT / "profiles" / "default"), "--cores", "1"]
    killed = []
    with (folder / "out.txt").open("w", encoding="utf-8") as output:
        for number, moment in enumerate((*KILL_AFTER, None)):
            # By turns jobs are forked from one process and started.
            given = environment() | ({VARIABLE: STARTED} if number % 2 else {})
            process = subprocess.Popen(command, cwd=folder, env=given, stdout=output, stderr=subprocess.STDOUT)
            while process.poll() is None and (moment is None or jobs_done(folder) < moment):
                time.sleep(0.02)
            if process.poll() is None:
                kill(process)
                killed.append(jobs_done(folder))
    assert process.returncode == 0, (folder / "out.txt").read_text(encoding="utf-8")[-10_000:]
    return folder, killed


def test_the_other_run_was_killed_at_several_moments(other):
    _, killed = other
    assert len(set(killed)) == len(KILL_AFTER)


@pytest.mark.parametrize("name", USER_RESULTS)
def test_what_users_receive_has_the_same_bytes(full, other, name):
    one, two = bytes_of(full / "results", name), bytes_of(other[0] / "results", name)
    assert one
    assert one.keys() == two.keys()
    assert [path for path in one if one[path] != two[path]] == []


def whole(folder):
    """All parts of a table; documents with their texts, whichever file holds these."""
    return pa.concat_tables(read_table(path) for path in sorted(folder.glob("part-*.parquet")))


def test_documents_ledgers_and_edits_of_every_stage_are_the_same(full, other, config):
    for stage in ["ingest", *config["pipeline"]]:
        for kind in ("documents", "dropped", "edits", "scores"):
            if (full / "results" / stage / kind).exists():
                one, two = (whole(folder / "results" / stage / kind) for folder in (full, other[0]))
                keys = [(name, "ascending") for name in ("id", "start", "reason") if name in one.column_names]
                assert one.sort_by(keys).equals(two.sort_by(keys)), (stage, kind)


def test_only_stages_that_edit_write_texts_and_a_lost_file_of_texts_is_made_again(other):
    folder, _ = other
    results = folder / "results"
    without = {
        path.parts[-3] for path in results.glob("*/documents/*.parquet") if "text" not in pq.read_schema(path).names
    }
    assert without == {"url_dedup", "minhash_dedup", "language_id", "heuristics", "fasttext_quality",
                       "transformer_quality", "domains"}  # fmt: skip
    assert planned(folder, None) == {}
    held = results / "line_pruning" / "documents" / "part-00000.parquet"
    held.rename(held.with_suffix(".gone"))
    printed = run_workflow(folder, None, "--dry-run", "--printshellcmds", "heuristics")
    held.with_suffix(".gone").rename(held)
    # Who reads documents that name the file reads it, is told who made it, and names it in turn.
    jobs = planned_jobs(printed)
    assert jobs["line_pruning_apply"] == jobs["heuristics_score"] == jobs["heuristics_apply"] == 1
    (told,) = [line for line in printed.splitlines() if "tamis.job heuristics score" in line]
    assert '"line_pruning/documents":{' in told
    assert '"language_id/documents":{' in told
    assert '"text_of":"line_pruning"' in told


def asked(folder, *arguments):
    """What `tamis` says in a folder."""
    command = [sys.executable, "-m", "tamis.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True).stdout


def test_questions_about_texts_that_lie_elsewhere_have_the_same_answers(full, other):
    folder, _ = other
    row = whole(full / "results" / "minhash_dedup" / "dropped").slice(0, 1).to_pylist()[0]
    for name in (row["id"], row["kept_id"]):
        assert asked(folder, "why", name) == asked(full, "why", name)
    question = "SELECT id, text FROM documents_heuristics ORDER BY id"
    answers = []
    for results in (full / "results", folder / "results"):
        with duckdb.connect(str(results / "tamis.duckdb"), read_only=True) as connection:
            answers.append(connection.execute(question).fetchall())
    assert answers[0] == answers[1] != []
    counted = "SELECT count(*), sum(length(text)) FROM documents_language_id"
    assert asked(folder, "sql", counted) == asked(full, "sql", counted)
    asked(folder, "verify")


def test_what_a_change_runs_where_texts_lie_elsewhere(other):
    folder, _ = other
    config = yaml.safe_load((folder / "test.yaml").read_text(encoding="utf-8"))
    jobs = planned(folder, changed(config, minhash_dedup__threshold=0.8))
    made = {name.partition("_")[0] for name in jobs}
    assert "minhash" in made
    assert "heuristics" in made
    assert not made & {"ingest", "url"}
    # Texts everywhere: what has none is made again and what comes after it, but not ingest, which has them.
    jobs = planned(folder, changed(config, materialize="every_stage"))
    assert jobs["url_dedup_apply"] == jobs["heuristics_apply"] == 1
    assert not {name for name in jobs if name.startswith("ingest")}


def test_no_unfinished_file_bears_the_name_of_a_finished_one(other):
    left = [path.name for path in (other[0] / "results").rglob("*.tmp")]
    assert all(name.startswith(".") for name in left), left


def test_no_path_is_written_into_what_users_receive(full):
    for name, data in bytes_of(full / "results", *USER_RESULTS).items():
        if name.endswith(".parquet"):
            assert str(full).encode() not in data, name
            assert b"results/" not in data, name
