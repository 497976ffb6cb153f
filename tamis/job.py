"""Run one job of the workflow: `python -m tamis.job STAGE STEP --params JSON name=value … --files name PATH … --end`.

The rules call this and nothing else. STAGE is a module of `tamis.stages` (or `tamis.export`, `tamis.report`),
STEP its function `run_<step>`. The params are canonical JSON
`{"stage":…, "version":…, "config":{…}, …}`: the section of this stage with all defaults filled in, the version of
its code, and whatever else the step uses (number of shards, say). `name=value` are the paths and indices of this
job, and between `--files` and `--end` stands what names the files of all shards (`tamis/barrier.py`). Each argument is
converted by the annotation of the function's parameter (Path, Files, int, str).
"""

# ruff: noqa: E402 - what Ctrl-C does is settled before all other imports

from __future__ import annotations

import signal

HEARS = signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""Whether this process stops at Ctrl-C; one that was started in the background may not."""


def let_through() -> None:
    """Hear Ctrl-C from here on: Snakemake holds it back until then (tamis/engine/jobs.py)."""
    if HEARS:
        # While a job is imported it ends without a traceback; nothing is written yet.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


if __name__ == "__main__":
    let_through()

import argparse
import contextlib
import importlib
import importlib.abc
import importlib.util
import inspect
import json
import logging
import os
import re
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

from tamis import ending, provenance, trouble, user_cache
from tamis.barrier import Files, told
from tamis.errors import ConfigError, TamisError


class _NoPandas(importlib.abc.MetaPathFinder):
    """Refuses pandas and leaves every other module to the finders behind it."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


def settle_without_pandas() -> None:
    """Let pyarrow find no pandas, which it looks for once, at the first `pa.array`, and would import for 0.27 s a job.

    No stage hands pandas to Arrow, and a run of the default experiment has about 150 jobs. Afterwards pandas can be
    imported as ever (transformers does).
    """
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    pa.array([0])
    sys.meta_path.remove(finder)


PACKAGES = ("tamis.stages", "tamis.export", "tamis.report")


def find_module(stage: str) -> Any:
    """Import the module of a stage.

    Raises:
        ConfigError: there is none of that name.
    """
    for package in PACKAGES:
        name = f"{package}.{stage}"
        if importlib.util.find_spec(name) is not None:
            return importlib.import_module(name)
    msg = f"no module {stage!r} in {', '.join(PACKAGES)}"
    raise ConfigError(msg)


FILES = (Files, Files | None)
"""Annotations of what names the files of all shards."""


def _converted(hint: Any, value: Any) -> Any:
    """A value of the command line as its annotation says; for a path that may be missing, nothing is None."""
    if hint in FILES:
        return told(value)
    if hint == Path | None:
        return Path(value) if value else None
    return {Path: Path, int: int}.get(hint, str)(value)


Values = dict[str, str | list[str]]
"""Parameter → what the command line gives it; a list is files of all shards."""


def bind(module: Any, function: Callable[..., None], params: dict[str, Any], values: Values) -> dict[str, Any]:
    """Match params and the values of the command line with the parameters of a step function.

    Raises:
        ConfigError: an argument is missing or unknown, or the params are of another stage or version.
    """
    stage = module.__name__.rpartition(".")[2]
    if params.get("stage") != stage:
        msg = f"{module.__name__}: the params are of stage {params.get('stage')!r}, not of {stage!r}; correct the rule"
        raise ConfigError(msg)
    if params.get("version") != module.VERSION:
        msg = (
            f"{module.__name__}: the workflow was parsed with version {params.get('version')} of this stage, the "
            f"installed code is version {module.VERSION}. Start the workflow again."
        )
        raise ConfigError(msg)
    from pydantic import TypeAdapter

    # With what is annotated: the kinds of a classifier are told apart by it.
    hints = get_type_hints(function, include_extras=True)
    arguments: dict[str, Any] = {}
    for name in inspect.signature(function).parameters:
        if name == "config" and name in params:
            arguments[name] = TypeAdapter(hints[name]).validate_python(params["config"])
        elif name in values:
            arguments[name] = _converted(hints[name], values[name])
        elif name in params:
            arguments[name] = params[name]
        elif inspect.signature(function).parameters[name].default is inspect.Parameter.empty:
            msg = f"{module.__name__}.{function.__name__} needs {name}=… and the rule does not give it"
            raise ConfigError(msg)
    unknown = sorted(values.keys() - arguments.keys())
    if unknown:
        msg = f"{module.__name__}.{function.__name__} has no parameters {unknown}"
        raise ConfigError(msg)
    return arguments


# Indices of a job, which are wildcards of its rule.
WILDCARDS = ("shard", "partition", "file")

# Around the files of all shards. No path of the results is one of the two, because each has a folder.
OPEN, CLOSE = "--files", "--end"


def command(stage: str, step: str, writes: Sequence[str], beside: Mapping[str, str] | None = None) -> str:
    """The command line of a step as a rule gives it to its shell, with Snakemake's fields for what the rule knows.

    Every parameter that is a path or files of all shards is named so in the rule; indices are wildcards,
    `threads` is the rule's, and all others come with the params, in the rule's one entry `spec`.

    Args:
        stage: a module.
        step: of its function `run_<step>`.
        writes: the parameters that are outputs; all other paths are inputs.
        beside: parameters that are no part of the params, because they change nothing that is made, with the field
            of Snakemake that holds each.

    Raises:
        ConfigError: there is no such stage or step, or it has no such paths.
    """
    module = find_module(stage)
    function = getattr(module, f"run_{step}", None)
    if function is None:
        msg = f"{module.__name__} has no step {step!r}"
        raise ConfigError(msg)
    hints = get_type_hints(function)
    paths = [name for name, hint in hints.items() if hint in (Path, Path | None)]
    if unknown := sorted(set(writes) - set(paths)):
        msg = f"{module.__name__}.{function.__name__} has no paths {unknown}; it has {paths}"
        raise ConfigError(msg)
    gathered = [name for name, hint in hints.items() if hint in FILES]
    fields = {name: f"{{{'output' if name in writes else 'input'}.{name}:q}}" for name in (*paths, *gathered)}
    fields |= {name: f"{{wildcards.{name}}}" for name in WILDCARDS} | {"threads": "{threads}"} | dict(beside or {})
    values = [
        f"{OPEN} {name} {fields[name]} {CLOSE}" if name in gathered else f"{name}={fields[name]}"
        for name in inspect.signature(function).parameters
        if name in fields
    ]
    return " ".join([f"python -m tamis.job {stage} {step} --params {{params.spec:q}}", *values])


def parted(argv: Sequence[str]) -> tuple[list[str], Values]:
    """A command line without the files of all shards, and those by the name of their parameter.

    Raises:
        ConfigError: `--files` without a name or without its end.
    """
    rest, found = list(argv), Values()
    while OPEN in rest:
        start = rest.index(OPEN)
        end = rest.index(CLOSE, start) if CLOSE in rest[start:] else start
        if end < start + 2:
            raise ConfigError(f"{OPEN} needs a name, paths and {CLOSE}")
        found[rest[start + 1]] = rest[start + 2 : end]
        del rest[start : end + 1]
    return rest, found


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 0 when the job is done, 1 with a readable message on an error of tamis."""
    parser = argparse.ArgumentParser(prog="python -m tamis.job", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("step")
    parser.add_argument("--params", required=True, help="canonical JSON")
    parser.add_argument("values", nargs="*", metavar="name=value")
    rest, files = parted(sys.argv[1:] if argv is None else argv)
    # The values follow an option, which plain parsing refuses.
    given = parser.parse_intermixed_args(rest)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    values: Values = dict(pair.split("=", 1) for pair in given.values) | files
    try:
        module = find_module(given.stage)
        function = getattr(module, f"run_{given.step}")
        params = json.loads(given.params)
        arguments = bind(module, function, params, values)
        with provenance.job(params):
            function(**arguments)
        logging.getLogger("tamis").info(used())
    except KeyboardInterrupt:
        logging.getLogger("tamis").warning("%s %s stopped", given.stage, given.step)
        return INTERRUPTED
    except Exception as error:
        message = explained(error, values.values())
        ending.tell(
            job=f"{given.stage} {given.step}",
            message=message or f"{type(error).__name__}: {error}; this is a defect",
            log=ending.own_log(),
        )
        if message is None:
            raise
        # The message says what to do; a traceback would bury it.
        logging.getLogger("tamis").error("%s %s failed: %s", given.stage, given.step, message)  # noqa: TRY400
        return 1
    return 0


INTERRUPTED = 130


def used() -> str:
    """What this process and its children have used, for `tamis estimate`.

    Snakemake's own figures come from looks at a job, which short ones end before. Processes that extract pages live
    until a job ends, and take nearly all of the time of one that reads them.
    """
    kinds = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    alive = list(_living_children())
    seconds = sum(usage.ru_utime + usage.ru_stime for usage in kinds) + sum(one for one, _ in alive)
    most = max([usage.ru_maxrss for usage in kinds] + [kilobytes for _, kilobytes in alive])
    return f"used {seconds:.2f} s of CPU, {most / 1000:.0f} MB"


def _living_children() -> Iterator[tuple[float, int]]:
    """CPU seconds and largest kB in memory of each child that lives, from /proc (proc(5))."""
    ticks = os.sysconf("SC_CLK_TCK")
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text(encoding="ascii").split():
                fields = Path("/proc", child, "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
                status = Path("/proc", child, "status").read_text(encoding="ascii", errors="replace")
                peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
                yield sum(map(int, fields.split()[11:15])) / ticks, int(peak[1]) if peak else 0


def explained(error: Exception, values: Iterable[str | list[str]]) -> str | None:
    """What a person reads about the failure of a job; None where only a traceback helps.

    Args:
        error: what it raised.
        values: its files, among other values; what it reads is what it needs space for, at least.
    """
    if trouble.is_full(error):
        # All outputs have a folder, some are not there yet; an input is a file.
        each = chain.from_iterable([value] if isinstance(value, str) else value for value in values)
        paths = [Path(value) for value in each if os.sep in value]
        needed = sum(path.stat().st_size for path in paths if path.is_file())
        return trouble.full_disk([path.parent for path in paths], needed)
    if isinstance(error, TamisError):
        return str(error)
    if isinstance(error, OSError) and trouble.is_refusal(error):
        return trouble.refusal(error)
    return None


def leave(code: int) -> NoReturn:
    """End the process without taking its memory apart, object by object, which takes 0.1 s a job.

    Nothing is left to do then: every file was closed and renamed by the step that wrote it.
    """
    # The log may lie on a disk that is full.
    with contextlib.suppress(OSError):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def run(argv: Sequence[str]) -> NoReturn:
    """Be the process of a job, from when all is imported to its end.

    Args:
        argv: the command line, from STAGE on.
    """
    os.environ.update(user_cache.environment())
    settle_without_pandas()
    code = INTERRUPTED
    # What comes before or after the step that `main` watches over is as quiet.
    with contextlib.suppress(KeyboardInterrupt):
        if HEARS:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = main(argv)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave(code)


if __name__ == "__main__":
    run(sys.argv[1:])
