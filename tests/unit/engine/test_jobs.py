"""Jobs that are forked, held against the same commands given to a shell."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.engine import jobs
from tamis.engine.forks import thread_count
from tamis.pipeline import CLASSIFIER, MODULES
from tamis.stages import url_dedup

SHELL = "/bin/bash"
PYTHON = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
ROOT = str(Path(jobs.__file__).parents[2])


@pytest.fixture(scope="module", name="environment")
def _environment() -> dict[str, str]:
    return os.environ | ONE_THREAD | {"PATH": PYTHON, "PYTHONPATH": ROOT}


@pytest.fixture(scope="module", name="forks")
def _forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[jobs.Forks]:
    """In a folder that all of its jobs work in."""
    with contextlib.chdir(tmp_path_factory.mktemp("forks")):
        made = jobs.Forks()
        yield made
        made._wait()


def command(step: str, *values: str, params: str = "{}", log: str = "job.log") -> str:
    """What Snakemake gives to a shell for a job."""
    words = shlex.join(["python", "-m", "tamis.job", *step.split(), "--params", params, *values])
    return f"{jobs.PREFIX}  {words} > {shlex.quote(log)} 2>&1"


def forked(forks: jobs.Forks, text: str, environment: dict[str, str]) -> jobs.Forked:
    parts = jobs.simple(text)
    assert parts is not None
    job = forks.fork(parts, environment)
    assert job is not None
    return job


def of_shell(text: str, environment: dict[str, str]) -> int:
    return subprocess.run([SHELL, "-c", text], env=environment, check=False).returncode


def said(log: str = "job.log") -> str:
    """What a job printed, without the moment and without what the way of starting it adds to a traceback."""
    text = re.sub(r"^\d{4}-\S+ \S+ ", "", Path(log).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return text if "Traceback" not in text else text.splitlines()[-1]


def waiting_command(log: str = "waits.log") -> str:
    """Of a job that waits for ever: its barrier is a pipe."""
    pipe = Path("pipe") / "barrier.json"
    pipe.parent.mkdir(exist_ok=True)
    if not pipe.exists():
        os.mkfifo(pipe)
    params = json.dumps({"stage": "url_dedup", "version": url_dedup.VERSION, "config": {}})
    return command("url_dedup describe", "--files", "parts", str(pipe), "--end", "output=o", params=params, log=log)


WORDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8), max_size=4)


@given(words=WORDS, log=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_command_has_the_words_that_a_shell_finds_in_it(words: list[str], log: str) -> None:
    found = jobs.simple(command("a b", *words, log=log))
    assert found == (["python", "-m", "tamis.job", "a", "b", "--params", "{}", *words], log)


@pytest.mark.parametrize(
    "more", ["$HOME", "~", "*.txt", "; true", "| cat", "&", "x=$(id)", "`id`", '"a"', "'a", "{a,b}", "> other", "a  b"]
)
def test_what_a_shell_would_do_something_with_is_left_to_it(more: str) -> None:
    assert jobs.simple(f"{jobs.PREFIX} python -m tamis.job a b {more} > log 2>&1") is None
    assert jobs.simple(f"{jobs.PREFIX} python -m tamis.job a b > log 2>&1") is not None
    assert jobs.simple(f"{jobs.PREFIX} python -m tamis.barrier a b > log 2>&1") is None


@pytest.mark.parametrize(
    ("step", "params"),
    [
        ("url_dedup apply", "{}"),  # refused, in words
        ("url_dedup apply", "no JSON"),  # a traceback
        ("url_dedup no_step", "{}"),
        ("no_stage apply", "{}"),
        ("--wrong apply", "{}"),  # refused by the parser of arguments
    ],
)
def test_a_job_that_fails_says_and_returns_what_a_started_one_does(
    forks: jobs.Forks, environment: dict[str, str], step: str, params: str
) -> None:
    text = command(step, params=params)
    code = forked(forks, text, environment).wait()
    words = said()
    assert (of_shell(text, environment), said()) == (code, words)
    assert code in (1, 2)
    assert words


def test_a_log_that_cannot_be_made_fails_the_job(forks: jobs.Forks, environment: dict[str, str]) -> None:
    text = command("url_dedup apply", log="no/folder.log")
    assert forked(forks, text, environment).wait() == of_shell(text, environment) == 1


def running(job: jobs.Forked) -> psutil.Process:
    """A job's process, once it is at work."""
    process = psutil.Process(job.pid)
    until = time.monotonic() + 60
    while "tamis.job" not in process.cmdline() or process.status() != psutil.STATUS_SLEEPING:
        assert time.monotonic() < until
        time.sleep(0.01)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, 137), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_job_is_found_by_its_command_and_ended_by_signals(
    forks: jobs.Forks, environment: dict[str, str], number: int, code: int
) -> None:
    job = forked(forks, waiting_command(), environment)
    process = running(job)
    assert process.cmdline()[:5] == ["python", "-m", "tamis.job", "url_dedup", "describe"]
    assert process.memory_info().rss > 20_000_000
    assert len([file for file in process.open_files() if "waits.log" in file.path]) == 2
    assert not process.net_connections("unix")
    # A moment later it hears Ctrl-C.
    while number == signal.SIGINT and process.status() != psutil.STATUS_ZOMBIE:
        job.send_signal(number)
        time.sleep(0.05)
    job.send_signal(number)
    assert job.wait() == code
    job.kill()  # of what has ended: nothing
    assert said("waits.log") in ("", "tamis: url_dedup describe stopped\n")


def test_nobody_lives_on_after_the_process_that_forked_it(environment: dict[str, str], tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        forks = jobs.Forks()
        job = forked(forks, waiting_command(), environment)
        process = running(job)
        forks._process.kill()
        assert job.wait() == 128 + signal.SIGKILL
        with contextlib.suppress(psutil.NoSuchProcess):
            process.wait(60)
        # Later jobs are started.
        parts = jobs.simple(waiting_command())
        assert parts is not None
        assert forks.fork(parts, environment) is None


def test_jobs_end_before_the_process_that_forked_them_when_nobody_asks_any_more(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with contextlib.chdir(tmp_path):
        forks = jobs.Forks()
        job = forked(forks, waiting_command(), environment)
        process = running(job)
        forks._end()
        time.sleep(0.2)
        assert forks._process.poll() is None
        process.kill()
        assert job.wait() == 128 + signal.SIGKILL
        assert forks._process.wait(60) == 0


def test_no_job_lives_on_after_snakemake_was_killed(environment: dict[str, str], tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        forks = jobs.Forks()
        job = forked(forks, waiting_command(), environment)
        running(job)
        assert forks._control is not None
        # The kernel closes what a killed process has open.
        forks._control.close()
        forks._control = None
        assert job.wait() == 128 + signal.SIGKILL
        assert forks._process.wait(60) == 0


def test_only_what_has_the_same_environment_and_one_thread_is_forked(
    forks: jobs.Forks, environment: dict[str, str]
) -> None:
    parts = jobs.simple(command("url_dedup apply"))
    assert parts is not None
    job = forks.fork(parts, environment)
    assert job is not None
    job.wait()
    for other in ({"OMP_NUM_THREADS": "2"}, {"MORE": "1"}, {"PATH": "/usr/bin"}):
        assert forks.fork(parts, environment | other) is None


def test_jobs_of_many_threads_are_told_apart(forks: jobs.Forks, environment: dict[str, str]) -> None:
    found: dict[int, tuple[int, str]] = {}

    def one(number: int) -> None:
        log = f"many-{number}.log"
        step = ("url_dedup no_step", "--wrong apply")[number % 2]
        found[number] = forked(forks, command(step, log=log), environment).wait(), said(log)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number][0] for number in range(12)] == [1, 2] * 6
    assert len({words for _, words in found.values()}) == 2


def test_what_jobs_import_starts_no_thread(environment: dict[str, str]) -> None:
    names = [*MODULES, CLASSIFIER, "embeddings", "layout", "tables", "manifest", "database", "page"]
    code = (
        f"from tamis.engine import forks\nforks.prepare()\n"
        f"for name in {names}: forks.job.find_module(name)\nprint(forks.thread_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_a_process_with_threads_forks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from tamis.engine import forks

    def never() -> int:
        raise AssertionError

    server = forks.Forks.__new__(forks.Forks)
    monkeypatch.setattr(os, "fork", never)
    held = threading.Event()
    thread = threading.Thread(target=held.wait)
    thread.start()
    assert thread_count() > 1
    assert server._fork() is None
    held.set()
    thread.join()


def test_where_nothing_can_be_watched_jobs_are_started(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\ndel os.pidfd_open\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    forks = jobs.Forks()
    parts = jobs.simple(command("url_dedup apply"))
    assert parts is not None
    for _ in range(2):
        assert forks.fork(parts, environment | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}) is None
    assert forks._process.wait(60) == 0


def test_commands_that_cannot_be_forked_are_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[Any] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **named: started.append((given, named)))
    start = jobs.forks_what_it_can(jobs.Forks())
    start("echo", stdout=None, env={})
    start(command("a b"), stdout=subprocess.PIPE, env=os.environ)
    start(command("a b"), stdout=None, env=os.environ | {"OMP_NUM_THREADS": "2"})
    assert len(started) == 3
