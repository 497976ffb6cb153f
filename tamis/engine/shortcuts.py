"""What Snakemake does once a job or a file, done faster, with the same answers: its graph is most of a dry run.

Shares are of the CPU time of a dry run of all stages on 100 shards (6,881 jobs, 21,186 edges), under the profiler. Each
falls back on Snakemake's own where the question is another than a run of tamis asks.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any


class Prefixes:
    """Entries by the prefixes of a path, as `snakemake.common.prefix_lookup.PrefixLookup` finds them: 5 % of the time.

    That one goes letter by letter, back and forth between the prefixes that begin alike, and most of ours do.
    """

    def __init__(self, entries: Iterable[tuple[str, Any]]) -> None:
        """Take pairs of prefix and value."""
        self._values: dict[str, list[Any]] = {}
        for prefix, value in entries:
            self._values.setdefault(prefix, []).append(value)
        self._lengths = sorted({len(prefix) for prefix in self._values}, reverse=True)

    def match_iter(self, query: str) -> Iterator[tuple[str, Any]]:
        """Pairs of prefix and value, the longest prefixes first."""
        size, values = len(query), self._values
        for length in self._lengths:
            if length <= size and (found := values.get(query[:length])):
                prefix = query[:length]
                for value in found:
                    yield prefix, value

    def match(self, query: str) -> set[Any]:
        """The values."""
        return {value for _, value in self.match_iter(query)}


def parent_among(paths: Iterable[str]) -> str | None:
    """A path that lies below another one of the same paths, or None."""
    known = {os.path.abspath(path) for path in paths}  # noqa: PTH100 - thrice as fast, and once a file
    looked: set[str] = set()
    for path in known:
        above = os.path.dirname(path)  # noqa: PTH120 - likewise
        while above not in looked:
            if above in known:
                return path
            looked.add(above)
            above = os.path.dirname(above)  # noqa: PTH120
    return None


def _look_up_rules() -> None:
    from snakemake import output_index  # type: ignore[import-untyped]

    output_index.PrefixLookup = Prefixes


def _no_environments_in_dry_runs() -> None:
    """Let a dry run without conda make no list of environments, for which it asks the params of each job: 10 %."""
    from snakemake.dag import DAG  # type: ignore[import-untyped]
    from snakemake.settings.types import DeploymentMethod  # type: ignore[import-untyped]

    listed: Callable[[Any], None] = DAG.update_conda_envs

    def update(dag: Any) -> None:
        methods = dag.workflow.deployment_settings.deployment_method
        if not dag.workflow.dryrun or DeploymentMethod.CONDA in methods:
            listed(dag)

    DAG.update_conda_envs = update


def _check_folders_once() -> None:
    """Look whether an output lies inside of another by sets instead of sorted `Path` objects: 4 %."""
    from snakemake.dag import DAG

    explain: Callable[[Any], None] = DAG.check_directory_outputs

    def check(dag: Any) -> None:
        if parent_among(str(file) for job in dag.jobs for file in job.output) is not None:
            explain(dag)

    DAG.check_directory_outputs = check


def _signatures_once() -> None:
    """Look at the parameters of an input function once, not once a job: 5 %."""
    from snakemake import common

    of = lru_cache(maxsize=None)(lambda function: inspect.signature(function).parameters)
    name = common.FUNC_OVERWRITE_PARAMS_ATTR

    def get_function_params(function: Callable[..., Any]) -> Any:
        return getattr(function, name) if hasattr(function, name) else of(function)

    common.get_function_params = get_function_params


def _flags_without_questions() -> None:
    """Look flags up without an abstract class, which is asked more than a hundred times a job: 8 %."""
    from snakemake.io import AnnotatedString, _IOFile, is_flagged  # type: ignore[import-untyped]

    def look_up(value: Any, flag: str) -> bool:
        # What most values are.
        if type(value) is _IOFile:
            value = value._file  # noqa: SLF001 - where its flags are
        if type(value) is str:
            return False
        if type(value) is AnnotatedString:
            return bool(value._flags.get(flag))  # noqa: SLF001 - likewise
        return bool(is_flagged(value, flag))

    for module in [module for name, module in sys.modules.items() if name.startswith("snakemake.")]:
        if getattr(module, "is_flagged", None) is is_flagged:
            vars(module)["is_flagged"] = look_up
    _IOFile.is_storage = property(lambda file: look_up(file._file, "storage_object"))  # noqa: SLF001 - likewise


def _names_compared_once() -> None:
    """Compare names of files that hold names of files at once: 2 %."""
    from snakemake.io import _IOFile

    def equal(one: Any, other: Any) -> bool:
        while type(one) is _IOFile:
            one = one._file  # noqa: SLF001 - as Snakemake's own does
        while type(other) is _IOFile:
            other = other._file  # noqa: SLF001 - likewise
        return bool(one == other)

    _IOFile.__eq__ = equal


def _each_producer_once() -> None:
    """Find out once what makes a file: a barrier is asked for by all shards, and has all shards to look through.

    With `_one_file_after_another`, `_no_groups_that_nobody_sees` and `files`: 7.1 → 6.1 CPU seconds for 100 shards,
    20.3 → 16.9 for 400.
    """
    from snakemake.dag import DAG
    from snakemake.output_index import OutputIndex  # type: ignore[import-untyped]

    make, look, match = DAG.new_job, DAG.update, OutputIndex.match_producers

    async def new_job(self: Any, rule: Any, targetfile: Any = None, **named: Any) -> Any:
        known = None if targetfile is None else self.job_cache.get((rule, targetfile))
        return known or await make(self, rule, targetfile=targetfile, **named)

    async def update(self: Any, jobs: Any, file: Any = None, visited: Any = None, **named: Any) -> Any:
        found = vars(self).setdefault("_tamis_found", set())
        known = len(jobs) == 1 and (jobs[0], file) in found and jobs[0] in self._dependencies
        # Of a way round in a circle Snakemake is to tell.
        if known and jobs[0] not in (visited or ()):
            return jobs[0]
        producer = await look(self, jobs, file=file, visited=visited, **named)
        if len(jobs) == 1:
            found.add((producer, file))
        return producer

    def match_producers(self: Any, targetfile: Any) -> Any:
        known = vars(self).setdefault("_tamis_known", {})
        if targetfile not in known:
            known[targetfile] = match(self, targetfile)
        return known[targetfile]

    DAG.new_job, DAG.update, OutputIndex.match_producers = new_job, update, match_producers


def _one_file_after_another() -> None:
    """Ask for the times of a job's outputs in turn, not by a task each, which waits for nothing: 8 %."""
    from snakemake.jobs import Job  # type: ignore[import-untyped]

    async def output_mintime(job: Any) -> Any:
        files = [*job.output, job.benchmark] if job.benchmark else job.output
        times = [(await file.mtime()).local_or_storage() for file in files if await file.exists()]
        return min((each for each in times if each is not None), default=None)

    Job.output_mintime = property(output_mintime)


def _no_groups_that_nobody_sees() -> None:
    """Let a dry run that prints no jobs put none together: 6 %."""
    from snakemake.dag import DAG
    from snakemake.settings.enums import Quietness  # type: ignore[import-untyped]

    together = DAG.update_groups

    def update_groups(dag: Any) -> None:
        quiet = {Quietness.RULES, Quietness.ALL}.intersection(dag.workflow.output_settings.quiet or ())
        if not (dag.workflow.dryrun and quiet):
            together(dag)

    DAG.update_groups = update_groups


def install() -> None:
    """Put them into Snakemake; before the workflow is parsed."""
    _look_up_rules()
    _no_environments_in_dry_runs()
    _check_folders_once()
    _signatures_once()
    _flags_without_questions()
    _names_compared_once()
    _each_producer_once()
    _one_file_after_another()
    _no_groups_that_nobody_sees()
