"""What CONTRIBUTING says it takes to add a stage, a reader or an export format is what it takes, and all of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import finished
import pytest
from running import ROOT, run_workflow

pytestmark = pytest.mark.workflow

STAGE = '''"""Drop documents that shout: most of their letters are capitals."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.section import Section, Share
from tamis.shards import document_batches

VERSION = 1


class Config(Section):
    """Dropping documents written in capitals."""

    most: Share = Field(0.5, description="Share of capitals among the letters above which a document is dropped.")


def capitals(documents: pa.Table) -> pa.ChunkedArray:
    """Share of capitals among the letters of each document, float64; 0 where there is no letter."""
    letters = pc.count_substring_regex(documents["text"], r"\\\\pL")
    upper = pc.count_substring_regex(documents["text"], r"\\\\p{Lu}")
    return pc.divide(pc.cast(upper, pa.float64()), pc.max_element_wise(letters, 1))


def run_apply(config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, stats: Path) -> None:
    """Drop the documents of one shard that shout."""
    with outcome_writer(Outputs(kept, dropped, stats), "shouting", shard) as writer:
        for before in document_batches(documents):
            share = capitals(before)
            loud = pc.greater(share, config.most)
            gone = before.filter(loud)
            rows = dropped_rows("shouting", gone, "capitals", value=share.filter(loud), threshold=config.most)
            writer.add(before, before.filter(pc.invert(loud)), rows)
'''.replace("\\\\", "\\")

RULE = """# Drop documents that shout.
#
# Input: the documents of the stage before. Output: <results>/shouting/{documents,dropped,stats}/part-*.


rule shouting_apply:
    input:
        documents=documents_before("shouting"),
    output:
        **outcome("shouting"),
    log:
        f"{LOGS}/shouting/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/shouting/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("shouting"),
    shell:
        job("shouting", "apply", writes=OUTCOME)
"""

READER = '''"""Blocks of text between blank lines, a document each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from tamis.readers.record import Record, Skip, Source, make


class BlocksSource(Source):
    """Files of blocks."""

    format: Literal["blocks"] = Field(default="blocks", description="Text, a document between two blank lines.")

    def read(self, path: Path) -> Iterator[Record | Skip]:
        """The blocks of one file."""
        for number, block in enumerate(path.read_text(encoding="utf-8").split("\\n\\n"), start=1):
            yield make(self, str(path), number, block)
'''

FORMAT = '''"""Lines of JSON."""

import json
from pathlib import Path

from tamis.barrier import Files
from tamis.export.files import Format, describe
from tamis.export.order import ordered
from tamis.section import Section
from tamis.shards import whole_file, write_json

VERSION = 1

FORMAT = Format(suffix=".jsonl", files="files of lines of JSON", loading="`json.loads` reads a line.", on_hub=False)


class Config(Section):
    """Lines of JSON."""


def run_write(config: Config, *, name: str, shards: int, shard: int, barrier: Files, output: Path, stats: Path) -> None:
    """Write one output shard."""
    table = ordered(barrier, shard, shards)
    with whole_file(output) as temporary:
        rows = table.select(["id", "text"]).to_pylist()
        temporary.write_text("".join(json.dumps(row) + "\\n" for row in rows), encoding="utf-8")
    write_json(stats, describe(table, output))
'''


def lines_of(title: str) -> list[str]:
    """The numbered lines of a section of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {title}.*?\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\d\. .*(?:\n   .*)*", section, re.MULTILINE)


def files_of(title: str) -> set[str]:
    """The files that such a section names, tests and the user's own configuration left out."""
    named = {name for line in lines_of(title) for name in re.findall(r"`([\w/<>.]+\.(?:py|smk)|Snakefile)`", line)}
    return {name for name in named if not name.startswith("tests/")}


class Project:
    """A copy of the project, in which files are added and changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.touched: set[str] = set()
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("tamis", "rules", "envs", "profiles"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        shutil.copy(ROOT / "Snakefile", folder)

    def add(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")
        self.touched.add(name)

    def change(self, name: str, before: str, after: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name} holds {before!r} {text.count(before)} times"
        path.write_text(text.replace(before, after), encoding="utf-8")
        self.touched.add(name)

    def took(self) -> set[str]:
        """What was touched since the last call."""
        touched, self.touched = self.touched, set()
        return touched


@pytest.mark.parametrize("title", ["Add a stage", "Add a reader", "Add an export format"])
def test_it_takes_five_lines_at_most(title):
    assert 1 <= len(lines_of(title)) <= 5


def test_a_stage_a_reader_and_a_format_are_added(make_folder: Callable[..., Path], tmp_path: Path):
    project = Project(tmp_path / "project")
    project.add("tamis/stages/shouting.py", STAGE)
    project.change("tamis/pipeline.py", '    "remove",\n', '    "remove",\n    "shouting",\n')
    project.add("rules/shouting.smk", RULE)
    project.change(
        "Snakefile", 'include: "rules/remove.smk"\n', 'include: "rules/remove.smk"\ninclude: "rules/shouting.smk"\n'
    )
    assert {name.replace("shouting", "<stage>") for name in project.took()} == files_of("Add a stage")

    project.add("tamis/readers/blocks.py", READER)
    registry = "tamis/readers/__init__.py"
    project.change(registry, "    JsonlSource\n", "    BlocksSource\n    | JsonlSource\n")
    project.change(
        registry, "from tamis.readers.jsonl", "from tamis.readers.blocks import BlocksSource\nfrom tamis.readers.jsonl"
    )
    assert {name.replace("blocks", "<format>") for name in project.took()} == files_of("Add a reader")

    project.add("tamis/export/lines.py", FORMAT)
    registry = "tamis/export/__init__.py"
    project.change(registry, '    "parquet": parquet,\n', '    "parquet": parquet,\n    "lines": lines,\n')
    project.change(registry, "from tamis.export import order", "from tamis.export import lines, order")
    assert {name.replace("lines", "<format>") for name in project.took()} == files_of("Add an export format")

    folder = make_folder("additions")
    blocks = ["A quiet text of some words.", "MOST OF THIS IS LOUD, not all.", "Another QUIET text.", "NO!"]
    (folder / "blocks.txt").write_text("\n\n".join(blocks), encoding="utf-8")
    config = {
        "sources": [{"name": "own", "format": "blocks", "paths": ["blocks.txt"]}],
        "pipeline": ["shouting"],
        "shouting": {"most": 0.4},
        "tokenizer": {"vocabulary_size": 300},
        "mixtures": {"all": {"files": 1}},
        "export": {"formats": {"parquet": {}, "lines": {}}},
    }
    output = run_workflow(folder, config, root=project.folder)
    assert "shouting" in output
    results = folder / "results"
    dropped = {row["id"]: row for row in finished.rows(results / "shouting" / "dropped")}
    assert {(row["reason"], row["threshold"]) for row in dropped.values()} == {("capitals", 0.4)}
    assert len(dropped) == 2
    written = [json.loads(line) for path in results.glob("export/all/lines/*.jsonl") for line in path.open()]
    assert {row["text"] for row in written} == {blocks[0], blocks[2]}
    assert {row["id"] for row in written} == {row["id"] for row in finished.rows(results / "export/all/parquet")}
    described = json.loads((results / "export/all/export.json").read_text())
    assert described["format"] == "parquet, lines"
    assert "files of lines of JSON" in (results / "export/all/README.md").read_text(encoding="utf-8")
