"""What Snakemake imports whenever it starts, imported when somebody asks for it instead.

Seconds are of CPU, as `python -X importtime` shares them out, of the 2.4 that a Snakemake takes for one job of the
tests' chain; on a cluster each job begins with one.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NamedTuple

EFFICIENCY = "snakemake_executor_plugin_slurm.efficiency_report"


class Place(NamedTuple):
    """An address, in the two parts that are asked for."""

    scheme: str
    uri_path: str


def pandas_for_a_report() -> None:
    """Import pandas for SLURM's report on efficiency alone: 0.33 seconds, 80 of 146 MB.

    Snakemake imports all plugins that are installed, and this one all its modules. Comes before that.
    """

    def create_efficiency_report(*given: Any, **named: Any) -> Any:
        sys.modules.pop(EFFICIENCY, None)
        return importlib.import_module(EFFICIENCY).create_efficiency_report(*given, **named)

    if find_spec(EFFICIENCY.partition(".")[0]) is not None and EFFICIENCY not in sys.modules:
        stand_in = ModuleType(EFFICIENCY)
        vars(stand_in)["create_efficiency_report"] = create_efficiency_report
        sys.modules[EFFICIENCY] = stand_in


def no_pandas_for_texts() -> None:
    """Let what a job was told be written down without pandas where it is text: 0.3 seconds a run.

    Snakemake asks of each value whether it is a data frame; ours are all text (`spec` in rules/common.smk).
    """
    from snakemake.persistence import PersistenceBase  # type: ignore[import-untyped]

    ask = PersistenceBase._serialize_param_pandas  # noqa: SLF001 - where it is imported

    def serialize(self: Any, value: Any) -> Any:
        return self._serialize_param_builtin(value) if type(value) is str else ask(self, value)

    PersistenceBase._serialize_param_pandas = serialize  # noqa: SLF001 - likewise


def is_job(arguments: Sequence[str]) -> bool:
    """Whether a command line is that of a Snakemake that was started for jobs of another one."""
    return "--target-jobs" in arguments


def no_report_in_jobs() -> None:
    """Let a Snakemake that runs one job not import what writes `--report`: 0.2 seconds. Comes before its plugins."""
    from snakemake_interface_common.plugin_registry import PluginRegistryBase
    from snakemake_interface_report_plugins.registry import ReportPluginRegistry  # type: ignore[import-untyped]

    ReportPluginRegistry.collect_plugins = PluginRegistryBase.collect_plugins


def open_files_as_files() -> None:
    """Open the Snakefile and what it includes without the clients of all object stores: 0.45 seconds."""
    from snakemake import sourcecache  # type: ignore[import-untyped]

    anywhere, parsed = sourcecache.SourceCache._open, sourcecache.parse_uri  # noqa: SLF001 - where both are imported

    def opened(self: Any, source: Any, mode: str, encoding: str | None = None) -> Any:
        path = source.get_path_or_uri(secret_free=False) if type(source) is sourcecache.LocalSourceFile else ""
        # What is no plain path, or not there, is Snakemake's to open or to explain.
        if os.path.isfile(path):  # noqa: PTH113 - a text, which may be an address
            return open(path, mode, encoding=None if "b" in mode else encoding)  # noqa: PTH123 - for the caller
        return anywhere(self, source, mode, encoding)

    def parse_uri(text: str) -> Any:
        return Place("file", text) if str(text).startswith("/") else parsed(text)

    sourcecache.SourceCache._open = opened  # noqa: SLF001 - likewise
    sourcecache.parse_uri = parse_uri


def install(arguments: Sequence[str]) -> None:
    """Put them in, before Snakemake's command line is imported.

    Args:
        arguments: of this process.
    """
    pandas_for_a_report()
    if is_job(arguments):
        no_report_in_jobs()
    open_files_as_files()
    no_pandas_for_texts()
