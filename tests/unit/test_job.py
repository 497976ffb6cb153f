import json
import os
import signal
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tamis import job
from tamis.barrier import Files
from tamis.checksums import canonical
from tamis.engine.jobs import hold_back
from tamis.errors import ConfigError, SourceError
from tamis.section import Section


class _Config(Section):
    """A section."""

    least: int = 3


@pytest.fixture(name="stage")
def _stage(monkeypatch):
    module = types.ModuleType("tamis.stages.rehearsal")
    module.VERSION = 2
    module.Config = _Config
    module.seen = {}

    def run_apply(config: _Config, *, shards: int, shard: int, documents: Path, label: str = "none") -> None:
        module.seen = {"config": config, "shards": shards, "shard": shard, "documents": documents, "label": label}

    def run_gather(*, barrier: Files, audit: Files | None = None) -> None:
        module.seen = {"barrier": barrier, "audit": audit}

    def run_fail(config: _Config) -> None:
        message = "x.gz: cut short. Fetch it again."
        raise SourceError(message)

    def run_break(config: _Config) -> None:
        raise ZeroDivisionError

    module.run_apply, module.run_fail, module.run_break = run_apply, run_fail, run_break
    module.run_gather = run_gather
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(job, "find_module", lambda stage: module)
    return module


def params(**more):
    return canonical({"stage": "rehearsal", "version": 2, "config": {"least": 5}, **more})


def test_params_and_values_reach_the_step_in_their_types(stage):
    code = job.main(["rehearsal", "apply", "--params", params(shards=4), "documents=a/b.parquet", "shard=00003"])
    assert code == 0
    assert stage.seen == {
        "config": _Config(least=5),
        "shards": 4,
        "shard": 3,
        "documents": Path("a/b.parquet"),
        "label": "none",
    }


def test_a_command_names_the_files_the_indices_and_the_threads_of_a_rule(stage):
    def run_count(
        config, *, shards: int, shard: int, threads: int, documents: Path, audit: Path | None = None, kept: Path
    ):
        """A step."""

    stage.run_count = run_count
    assert job.command("rehearsal", "count", ["kept"]) == (
        "python -m tamis.job rehearsal count --params {params.spec:q} shard={wildcards.shard} threads={threads} "
        "documents={input.documents:q} audit={input.audit:q} kept={output.kept:q}"
    )


def test_the_files_of_all_shards_reach_the_step_each_by_its_path_or_by_their_barrier(stage):
    def run(barrier, audit=()):
        files = ["--files", "barrier", *barrier, "--end", "--files", "audit", *audit, "--end"]
        code = job.main(["rehearsal", "gather", "--params", params(), *files])
        assert code == 0
        return stage.seen

    # A folder may be called like a parameter.
    parts = ["barrier=x/a b/part-00000.arrow", "barrier=x/a b/part-00001.arrow"]
    assert run(parts) == {"barrier": tuple(map(Path, parts)), "audit": None}
    assert run(parts[:1]) == {"barrier": (Path(parts[0]),), "audit": None}
    assert run(["a/barrier.json"], parts) == {"barrier": Path("a/barrier.json"), "audit": tuple(map(Path, parts))}
    assert job.command("rehearsal", "gather", []) == (
        "python -m tamis.job rehearsal gather --params {params.spec:q} "
        "--files barrier {input.barrier:q} --end --files audit {input.audit:q} --end"
    )


@pytest.mark.parametrize("cut", [["--files"], ["--files", "--end"], ["--files", "barrier", "a/part-00000.arrow"]])
def test_files_of_all_shards_without_a_name_or_an_end_are_refused(cut):
    with pytest.raises(ConfigError, match="--files needs a name, paths and --end"):
        job.parted(["rehearsal", "gather", *cut])


@pytest.mark.parametrize(
    ("step", "writes", "message"),
    [
        ("sieve", [], "tamis.stages.rehearsal has no step 'sieve'"),
        ("apply", ["documents", "scores"], r"run_apply has no paths \['scores'\]; it has \['documents'\]"),
        ("apply", ["label"], "has no paths"),
    ],
)
def test_a_command_that_no_step_could_take_is_refused(stage, step, writes, message):
    with pytest.raises(ConfigError, match=message):
        job.command("rehearsal", step, writes)


def test_a_value_may_hold_an_equals_sign(stage):
    assert job.main(["rehearsal", "apply", "--params", params(shards=1), "documents=a=b", "shard=0"]) == 0
    assert stage.seen["documents"] == Path("a=b")


def test_params_that_a_step_does_not_take_are_left(stage):
    assert job.main(["rehearsal", "apply", "--params", params(shards=1, other=9), "documents=a", "shard=0"]) == 0


@pytest.mark.parametrize(
    ("given", "values", "message"),
    [
        ({"shards": 1}, {"shard": "0"}, "needs documents="),
        ({"shards": 1}, {"shard": "0", "documents": "a", "colour": "red"}, "no parameters .*colour"),
        ({"shards": 1, "version": 1}, {"shard": "0", "documents": "a"}, "installed code is version 2"),
        ({"shards": 1, "stage": "riddle"}, {"shard": "0", "documents": "a"}, "of stage 'riddle', not of 'rehearsal'"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(stage, given, values, message):
    with pytest.raises(ConfigError, match=message):
        job.bind(stage, stage.run_apply, {"stage": "rehearsal", "version": 2, "config": {}} | given, values)


def test_an_expected_error_is_one_line_and_not_a_traceback(stage, caplog):
    assert job.main(["rehearsal", "fail", "--params", params()]) == 1
    assert "rehearsal fail failed: x.gz: cut short" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_defect_keeps_its_traceback(stage):
    with pytest.raises(ZeroDivisionError):
        job.main(["rehearsal", "break", "--params", params()])


def test_stages_are_found_and_others_named():
    assert job.find_module("url_dedup").__name__ == "tamis.stages.url_dedup"
    with pytest.raises(ConfigError, match="no module 'sieve'"):
        job.find_module("sieve")


def test_canonical_params_do_not_depend_on_the_order_of_keys():
    assert canonical({"b": 1, "a": {"d": 2, "c": 3}}) == canonical({"a": {"c": 3, "d": 2}, "b": 1})
    assert json.loads(canonical({"ä": [1, 2]})) == {"ä": [1, 2]}


def test_a_path_that_may_be_missing_is_none_where_nothing_is_given():
    from pathlib import Path

    from tamis.job import _converted

    assert _converted(Path | None, "") is None
    assert _converted(Path | None, "a/b") == Path("a/b")
    assert _converted(Path, "a/b") == Path("a/b")


INTERRUPTING = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
"""


def interrupted(folder, name):
    """`python -m tamis.job` that gets SIGINT when it first imports a module."""
    (folder / "sitecustomize.py").write_text(INTERRUPTING.format(name=name), encoding="utf-8")
    given = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(Path(job.__file__).parents[1])])}
    command = [sys.executable, "-m", "tamis.job", "url_dedup", "apply", "--params", "{}"]
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["argparse", "json", "tamis.ending", "pyarrow"])
def test_ctrl_c_while_a_job_is_imported_ends_it_without_a_word(tmp_path, name):
    ended = interrupted(tmp_path, name)
    assert (ended.returncode, ended.stdout + ended.stderr) == (-signal.SIGINT, "")


class Rule:
    """One of a workflow."""

    def __init__(self, shellcmd):
        self.shellcmd = shellcmd


@pytest.mark.parametrize("name", ["runpy", "tamis"])
def test_ctrl_c_before_a_job_is_reached_waits_for_it_where_snakemake_holds_it_back(tmp_path, name):
    """The interpreter's own imports, during which a program has no say."""
    run = hold_back(lambda rule: interrupted(tmp_path, name))
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(run, Rule("python -m tamis.job url_dedup apply > {log:q}")).result()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert (ended.returncode, ended.stdout + ended.stderr) == (-signal.SIGINT, "")


def test_ctrl_c_is_held_back_for_nothing_that_would_not_let_it_through():
    look = hold_back(lambda rule: signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    commands = ["python -m tamis.job a b", "python -m tamis.readers.fetch > {log:q}", "python -m tamis.job a b", None]
    with ThreadPoolExecutor(1) as pool:
        assert [pool.submit(look, Rule(each)).result() for each in commands] == [True, False, True, False]


def test_what_a_living_child_has_used_is_told():
    """Pages are extracted in one that lives until the job ends."""
    before = float(job.used().split()[1])
    busy = "import time\nwhile time.process_time() < 1: pass\nheld = bytes([7]) * 300_000_000\nprint(len(held), flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        words = job.used().split()
        process.communicate(b"\n")
    assert float(words[1]) >= before + 0.9
    assert int(words[5]) >= 290
