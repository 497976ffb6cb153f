"""What is imported when somebody asks for it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

BEGIN = """
import json, sys
from tamis.engine import imports
imports.install({arguments})
import snakemake.cli
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry
from snakemake_interface_report_plugins.registry import ReportPluginRegistry
ExecutorPluginRegistry()
reporters = ReportPluginRegistry().get_registered_plugins()
from snakemake.sourcecache import LocalSourceFile, SourceCache
import pathlib, tempfile
"""
READ = """
folder = tempfile.TemporaryDirectory()
place = pathlib.Path(folder.name) / "a b%.smk"
place.write_text("héllo\\n", encoding="utf-8")
with SourceCache(pathlib.Path(folder.name)).open(LocalSourceFile(str(place))) as file:
    read = file.read()
print(json.dumps([sorted({name.partition(".")[0] for name in sys.modules}), reporters, read]))
"""


def after(arguments: list[str], *statements: str):
    code = "".join([BEGIN.format(arguments=arguments), *statements])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_a_job_begins_without_what_it_does_not_use():
    modules, reporters, read = after(["--target-jobs", "a:shard=00000"], READ)
    assert {"pandas", "boto3", "requests", "docutils"}.isdisjoint(modules)
    assert (reporters, read) == ([], "héllo\n")


def test_a_run_can_still_write_a_report():
    modules, reporters, read = after(["--cores", "2"], READ)
    assert {"pandas", "boto3"}.isdisjoint(modules)
    assert (reporters, read) == (["html"], "héllo\n")


def test_sources_lie_in_the_cache_where_snakemake_puts_them():
    own, ours = after(
        [],
        "file = LocalSourceFile('/a/b c%20.smk')\nours = file.get_cache_path()\n"
        "from snakemake import common, sourcecache\n"
        "sourcecache.parse_uri = common.parse_uri\nprint(json.dumps([file.get_cache_path(), ours]))",
    )
    assert own == ours


def test_what_jobs_were_told_is_written_down_as_snakemake_does():
    alike, early, late = after(
        [],
        "from snakemake.persistence import PersistenceBase\n"
        "from snakemake.persistence.file import FilePersistence\n"
        "base = FilePersistence.__new__(FilePersistence)\n"
        "ours = base._serialize_param('a\"b'), 'pandas' in sys.modules\n"
        "import pandas\n"
        "frame = base._serialize_param(pandas.Series([1])) == repr(pandas.util.hash_pandas_object(pandas.Series([1])).tolist())\n"
        "print(json.dumps([ours[0] == repr('a\"b'), ours[1], frame]))",
    )
    assert (alike, early, late) == (True, False, True)


@pytest.mark.skipif(find_spec("snakemake_executor_plugin_slurm") is None, reason="the SLURM plugin is not installed")
def test_the_report_on_efficiency_is_imported_when_it_is_asked_for():
    asked, named = after(
        [],
        "import snakemake_executor_plugin_slurm as plugin\n"
        "try:\n    plugin.create_efficiency_report()\nexcept TypeError as error:\n    said = str(error)\n"
        "print(json.dumps(['pandas' in sys.modules, said]))",
    )
    assert asked
    assert named.startswith("create_efficiency_report() missing")
