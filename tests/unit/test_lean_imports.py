"""Every job is a fresh interpreter, and the workflow imports every stage when it is parsed: both must start fast."""

import json
import subprocess
import sys

import pytest

from tamis.pipeline import CLASSIFIER, MODULES

HEAVY = {
    "torch",
    "transformers",
    "datatrove",
    "fasttext",
    "numba",
    "scipy",
    "pandas",
    "matplotlib",
    "sklearn",
    "duckdb",
}
STEP = """
import json, sys
from pathlib import Path
from tamis import job
job.settle_without_pandas()
{statement}
print(json.dumps(sorted(name for name in sys.modules if "." not in name)))
"""


def imported(statement: str) -> set[str]:
    code = STEP.format(statement=statement)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_no_stage_imports_a_heavy_package_before_it_uses_it():
    names = "".join(f"job.find_module({stage!r})\n" for stage in (*MODULES, CLASSIFIER, "embeddings"))
    assert imported(f"import tamis.config\n{names}").isdisjoint(HEAVY)


def test_what_the_rules_import_of_the_report_is_light():
    names = "".join(f"job.find_module({name!r})\n" for name in ("layout", "tables", "manifest", "database", "page"))
    assert imported(names).isdisjoint(HEAVY | {"polars", "jinja2"})


@pytest.mark.parametrize("stage", ["url_dedup", "paragraph_dedup", "minhash_dedup", "line_pruning", "substring_dedup"])
def test_the_first_job_of_each_de_duplication_loads_numba_at_most(stage, make_documents, tmp_path):
    from tamis.shards import write_json, write_table

    write_table(tmp_path / "in.parquet", make_documents(["one two three four five six seven eight nine ten"]))
    write_json(tmp_path / "size.json", {"documents": 1, "earlier": 0, "buckets": 1})
    if stage == "url_dedup":
        call = "module.run_apply(config, shard=0, shards=1, documents=folder / 'in.parquet', kept=folder / 'k', dropped=folder / 'd', stats=folder / 's')"
    else:
        wanted = "{name: folder / name for name in inspect.signature(module.run_map).parameters if name not in given}"
        call = (
            "import inspect\n"
            "given = {'config': config, 'partitions': 1, 'documents': folder / 'in.parquet', 'judged': folder / 'in.parquet', 'corpus_size': folder / 'size.json'}\n"
            "names = inspect.signature(module.run_map).parameters\n"
            f"given = {{name: value for name, value in given.items() if name in names}} | {wanted}\n"
            "module.run_map(**given)"
        )
    found = imported(
        f"module, folder = job.find_module({stage!r}), Path({str(tmp_path)!r})\nconfig = module.Config()\n{call}"
    )
    assert found.isdisjoint(HEAVY - {"numba", "polars", "scipy"})
