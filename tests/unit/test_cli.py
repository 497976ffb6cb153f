"""The command line as a person meets it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pytest
from fake_results import HOSTILE_URL, MASK, PAGE, join_through, make_results

from tamis import cli, launch
from tamis.errors import ConfigError
from tamis.report import tables, terminal
from tamis.shards import read_table, write_json, write_table


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "results"
    return folder, make_results(folder)


def tamis(capsys, *arguments):
    code = cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_waterfall_fits_a_terminal_and_says_where_the_report_lies(made, capsys):
    folder, _ = made
    code, out, _ = tamis(capsys, "waterfall", "--results", folder)
    assert code == 0
    lines = out.splitlines()
    table = lines[: lines.index("")]
    assert all(len(line) <= 100 for line in table)
    assert lines[0].split() == ["stage", "documents", "characters", "kept", "of", "all", "dropped", "by", "reason"]
    assert table[-1].split()[:6] == ["heuristics", "44", "7,256", "58.7", "%", "57.9"]
    assert "gopher_too_few_words 30" in out
    assert "minhash_dedup: recall, measured 99.8 %" in out
    assert "minhash_dedup: pairs not compared 2,468" in out
    assert f"Report: {folder / 'report' / 'index.html'}" in out


def test_many_long_reasons_wrap():
    step = tables.Step(0, "heuristics", tables.Count(10**7, 10**11), tables.Count(10**6, 10**10))
    step.dropped = {f"gopher_rule_number_{n}": tables.Count(123_456, 1) for n in range(20)}
    lines = terminal.waterfall([step]).splitlines()
    assert all(len(line) <= 100 for line in lines)
    assert sum(line.count("gopher_rule_number_") for line in lines) == 20


def test_an_unfinished_run_is_said_to_be(tmp_path, capsys):
    make_results(tmp_path, finish=False)
    (tmp_path / "heuristics/stats/part-00000.json").unlink()
    code, out, _ = tamis(capsys, "waterfall", "--results", tmp_path)
    assert code == 0
    assert "minhash_dedup" in out
    assert "1 of 4 stages" in out
    (tmp_path / "heuristics/documents/part-00000.parquet").unlink()
    (tmp_path / "heuristics/documents/part-00001.parquet").unlink()
    for path in (tmp_path / "heuristics/dropped").iterdir():
        path.unlink()
    code, out, _ = tamis(capsys, "why", "--results", tmp_path, "https://c.example.org/1")
    assert "have not run yet" in out


def test_a_run_of_one_stage_says_which_files_it_left_out_and_how_to_get_the_counts(tmp_path, monkeypatch, capsys):
    files = [{"path": "a.parquet", "bad": None}, {"path": "b.parquet", "bad": "not a whole Parquet file"}]
    write_json(tmp_path / "out/ingest/read/part-00000.json", {"source": "web", "files": files})
    (tmp_path / "my run.yaml").write_text(f"output_dir: {tmp_path / 'out'}\n", encoding="utf-8")
    monkeypatch.setattr(launch, "run", lambda _: 0)
    config = str(tmp_path / "my run.yaml")
    assert cli.run_workflow(["--directory", str(tmp_path), "--configfile", config, "--", "ingest"]) == 0
    said = capsys.readouterr().out
    assert "ingest left out 1 bad file of source web" in said
    assert "b.parquet (not a whole Parquet file)" in said
    assert f"tamis run report_layout --directory {tmp_path} --configfile '{config}'" in said


def test_why_names_rule_value_threshold_and_the_kept_document(made, capsys):
    folder, ids = made
    for question in (ids["near"], ids["near"][:6].upper(), "http://b.example.org:80/near-copy#part"):
        code, out, _ = tamis(capsys, "why", "--results", folder, question)
        assert code == 0
        assert ids["near"] in out
        assert "DROPPED by near_duplicate, value 0.9375, threshold 0.7, similarity 0.9375" in out
        assert "https://a.example.org/near?utm_source=x" in out
        assert ids["near_kept"] in out
        assert "word79" not in out.split("It matched")[0]


def test_why_names_the_document_that_joined_it_and_the_one_kept_in_its_place(tmp_path, capsys):
    ids = make_results(tmp_path, finish=False)
    join_through(tmp_path, ids, ids["hostile"])
    _, out, _ = tamis(capsys, "why", "--results", tmp_path, ids["near"])
    matched, instead = out.split("It matched this document, which was also dropped there:")[1].split(
        "Kept in its place"
    )
    assert (ids["hostile"] in matched, ids["near_kept"] in matched) == (True, False)
    assert "similarity 0.9375" in out
    assert ids["near_kept"] in instead


def test_why_lists_every_capture_of_a_page_and_its_cuts(made, capsys):
    folder, _ = made
    _, out, _ = tamis(capsys, "why", "--results", folder, PAGE)
    assert "2 documents" in out
    assert "2024-01-02" in out
    assert "2024-01-03" in out
    assert out.count("[-Shared banner") == 2


def test_why_shows_what_replaced_a_passage(made, capsys):
    folder, ids = made
    _, out, _ = tamis(capsys, "why", "--results", folder, ids["masked"])
    assert f"kept, 8 characters cut, {len(MASK)} put in" in out
    assert f"name: 1 edit, 8 characters cut, {len(MASK)} put in" in out
    assert "│ [-Document-]{+<b>someone</b>+} 3 of kind" in out


def test_why_reads_edits_of_an_earlier_version(tmp_path, capsys):
    ids = make_results(tmp_path, finish=False)
    for path in (tmp_path / "paragraph_dedup/edits").iterdir():
        write_table(path, read_table(path).drop_columns("replacement"))
    _, out, _ = tamis(capsys, "why", "--results", tmp_path, ids["masked"])
    assert "│ [-Document-] 3 of kind" in out


def test_why_says_where_a_document_ended(made, capsys):
    folder, ids = made
    for name, expected in {
        "mixed": "mixtures/main (2 times)", "validation": "validation", "repeated": "1 more record said exactly the same",
        "undrawn": "it was not drawn",
    }.items():  # fmt: skip
        code, out, _ = tamis(capsys, "why", "--results", folder, ids[name])
        assert code == 0
        assert expected in out
    assert "domain " in out
    assert "heuristics_score 0.5" in out


def test_why_finds_skipped_records_by_path(made, capsys):
    folder, _ = made
    for question in ("data/broken.jsonl", "broken.jsonl"):
        code, out, _ = tamis(capsys, "why", "--results", folder, question)
        assert code == 0
        assert "data/broken.jsonl, record 7" in out
        assert "invalid_utf8" in out


def test_why_finds_files_of_text_by_their_path(tmp_path, capsys):
    make_results(tmp_path / "results")
    for path in sorted((tmp_path / "results/ingest/documents").iterdir()):
        rows = read_table(path)
        own = [f"src/it's {number}/{path.stem}/a [1].py" for number in range(rows.num_rows)]
        rows = rows.set_column(rows.column_names.index("url"), "url", pa.nulls(rows.num_rows, pa.string()))
        rows = rows.set_column(
            rows.column_names.index("metadata"), "metadata", pa.array([json.dumps({"path": one}) for one in own])
        )
        write_table(path, rows)
    for question in ("src/it's 1/part-00000/a [1].py", "it's 1/part-00000/a [1].py"):
        code, out, _ = tamis(capsys, "why", "--results", tmp_path / "results", question)
        assert code == 0
        assert "  src/it's 1/part-00000/a [1].py\n" in out
        assert out.count("  ingest  ") == 1
    # A piece of a name is none.
    assert tamis(capsys, "why", "--results", tmp_path / "results", "1/part-00000/a [1].py")[0] == 1


@pytest.mark.parametrize("question", ["ffffff", "0" * 32, "https://nowhere.example.org", "abc", "", "'; DROP", "[*"])
def test_an_unknown_document_is_a_helpful_error(made, capsys, question):
    code, out, err = tamis(capsys, "why", "--results", made[0], question)
    assert (code, out) == (1, "")
    assert err.startswith("tamis: no document")
    assert "whole URL" in err


def test_addresses_that_contain_the_question_are_offered(made, capsys):
    code, _, err = tamis(capsys, "why", "--results", made[0], "example.org/3")
    assert code == 1
    assert "  https://c.example.org/3\n" in err


def test_control_characters_never_reach_the_terminal(made, capsys):
    folder, ids = made
    for question in (ids["hostile_dropped"], HOSTILE_URL):
        _, out, _ = tamis(capsys, "why", "--results", folder, question)
        assert "\x1b" not in out
        assert "\x07" not in out
    assert "\\x1b" in tamis(capsys, "why", "--results", folder, ids["hostile_dropped"])[1]
    _, out, _ = tamis(capsys, "sql", "--results", folder, "SELECT text FROM pool WHERE contains(text, 'kept')")
    assert "\x1b" not in out


def test_sql(made, capsys):
    code, out, _ = tamis(capsys, "sql", "--results", made[0], "SELECT stage, documents FROM waterfall ORDER BY 2")
    assert code == 0
    assert out.splitlines()[2].split() == ["heuristics", "44"]
    code, _, err = tamis(capsys, "sql", "--results", made[0], "SELECT * FROM nothing_like_it")
    assert code == 1
    assert "waterfall" in err
    code, out, _ = tamis(capsys, "sql", "--results", made[0], "SELECT unnest(range(300)) AS n")
    assert "first 200 rows" in out


def test_errors_are_one_message(tmp_path, capsys):
    code, out, err = tamis(capsys, "waterfall", "--results", tmp_path / "none")
    assert (code, out) == (1, "")
    assert err.count("tamis:") == 1
    assert "make run" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "from_default"),
        (["--config", "shards=3", "output_dir=from_key"], "from_key"),
        (["-C", "output_dir=from_key", "-n"], "from_key"),
        (["--configfile", "overlay.yaml", "--cores", "1"], "from_overlay"),
        (["--configfile", "small.yaml"], "from_default"),
        (["--configfile", "alone.yaml"], "results"),
        (["minhash_dedup", "--configfile", "overlay.yaml", "small.yaml", "-C", "output_dir=from_key"], "from_key"),
    ],
)
def test_the_results_folder_of_a_run(tmp_path, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("output_dir: from_default\nshards: 2\n", encoding="utf-8")
    (tmp_path / "overlay.yaml").write_text("output_dir: from_overlay\n", encoding="utf-8")
    (tmp_path / "small.yaml").write_text("shards: 1\n", encoding="utf-8")
    (tmp_path / "alone.yaml").write_text("sources: []\npipeline: []\n", encoding="utf-8")
    assert launch.output_folder(arguments).as_posix() == expected


def test_a_config_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        launch.output_folder(["--configfile", "none.yaml"])
    (tmp_path / "config.yaml").write_text("output_dir: [\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        launch.output_folder([])


def test_a_run_starts_in_any_folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one.jsonl").write_text('{"text": "A text of a few words."}\n', encoding="utf-8")
    tamis_here = [sys.executable, "-m", "tamis.cli"]
    subprocess.run([*tamis_here, "init", "prose", "--source", "data/*.jsonl"], cwd=tmp_path, check=True)
    told = subprocess.run([*tamis_here, "run", "--configfile", "prose.yaml", "--dry-run"], cwd=tmp_path,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert told.returncode == 0, told.stderr
    # The profile beside the Snakefile is found, too: what a job needs comes from there.
    assert "heuristics" in told.stdout + told.stderr
    assert "runtime=60" in told.stdout + told.stderr


def test_a_run_without_a_configuration_says_where_one_comes_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"--configfile \(`tamis init` writes one"):
        launch.snakefile([])
    assert launch.snakefile(["--snakefile", "elsewhere/Snakefile"]) == []
    (tmp_path / "config.yaml").write_text("shards: 2\n", encoding="utf-8")
    assert launch.snakefile([]) == ["--snakefile", str(launch.CLONE / "Snakefile")]
    monkeypatch.setattr(launch, "CLONE", tmp_path / "installed")
    with pytest.raises(ConfigError, match="work in a clone"):
        launch.snakefile([])
    (tmp_path / "Snakefile").write_text("", encoding="utf-8")
    assert launch.snakefile([]) == []


def test_a_second_run_into_the_same_results_is_refused(tmp_path):
    refused = pytest.raises(launch.AlreadyRunningError, match=str(os.getpid()))
    with launch.run_lock(tmp_path), refused, launch.run_lock(tmp_path):
        pass
    with launch.run_lock(tmp_path):
        pass


def test_a_run_that_is_refused_leaves_no_folder(tmp_path):
    with launch.run_lock(tmp_path / "a" / "results"):
        assert (tmp_path / "a" / "results" / launch.LOCK).exists()
    assert list(tmp_path.iterdir()) == []
    # What came to lie there stays, and so does a folder that was there before.
    with launch.run_lock(tmp_path / "results"):
        (tmp_path / "results" / "ingest").mkdir()
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == [launch.LOCK, "ingest"]
    (tmp_path / "own").mkdir()
    with launch.run_lock(tmp_path / "own"):
        pass
    assert (tmp_path / "own").exists()


def test_a_lock_that_was_taken_away_is_nobody_s(tmp_path, monkeypatch):
    path = tmp_path / launch.LOCK
    flock = fcntl.flock

    def after_a_refused_run(file, operation):
        if path.exists():
            path.unlink()
        return flock(file, operation)

    monkeypatch.setattr(launch.fcntl, "flock", after_a_refused_run)
    with pytest.raises(launch.AlreadyRunningError), launch.run_lock(tmp_path):
        pass


SNAKEFILE = """
configfile: "config.yaml"
rule all:
    output: "done.txt"
    shell: "echo $TAMIS_RUN > {output}; {config[then]}"
"""


def workflow(folder, then):
    (folder / "Snakefile").write_text(SNAKEFILE, encoding="utf-8")
    (folder / "config.yaml").write_text(f"output_dir: out\nthen: {then}\n", encoding="utf-8")
    return [sys.executable, "-m", "tamis.cli", "run"]


def test_run_unlocks_what_a_killed_run_left_and_passes_the_exit_code_on(tmp_path):
    command = workflow(tmp_path, "'true'")
    locks = tmp_path / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text(str(tmp_path / "done.txt"), encoding="utf-8")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "done.txt").read_text(encoding="utf-8") == "1\n"
    failed = subprocess.run([*command, "--forceall", "--config", "then=false"], cwd=tmp_path, capture_output=True,
                            text=True, check=False)  # fmt: skip
    assert failed.returncode == 1


def start(folder):
    """A run whose only job sleeps; the running process and the job's id."""
    command = workflow(folder, "echo $$ > pid; exec sleep 60")
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (folder / "pid").exists() or not (folder / "pid").read_text(encoding="utf-8").strip():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    return process, int((folder / "pid").read_text(encoding="utf-8"))


def test_an_interrupt_stops_the_jobs_and_is_waited_for(tmp_path, monkeypatch, capsys):
    process, job = start(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, _, err = tamis(capsys, "run")
    assert code == 1
    assert "another run works there" in err
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(job, 0)


def test_the_lock_stays_with_a_workflow_whose_starter_was_killed(tmp_path):
    process, job = start(tmp_path)
    workflow_group = os.getpgid(job)
    process.kill()
    process.wait(timeout=60)
    try:
        refused = pytest.raises(launch.AlreadyRunningError)
        with refused, launch.run_lock(tmp_path / "out"):
            pass
    finally:
        os.kill(workflow_group, signal.SIGKILL)
    # The job outlives Snakemake and does not hold the lock.
    os.kill(job, 0)
    deadline = time.monotonic() + 60
    while True:
        try:
            with launch.run_lock(tmp_path / "out"):
                break
        except launch.AlreadyRunningError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    os.kill(job, signal.SIGKILL)
