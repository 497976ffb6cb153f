"""The card of an export and its list of files."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from fake_pool import export

from tamis.errors import ConservationError
from tamis.export import Config
from tamis.export.card import _private, _word_lists, cell
from tamis.shards import read_json, write_json
from tamis.toxicity.card import by_language_and_source
from tamis.toxicity.retention import RETENTION


def test_the_list_of_files_is_true(exported: Path) -> None:
    listed = json.loads((exported / "export.json").read_text())
    for entry in listed["files"]:
        data = (exported / entry["path"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        table = pq.read_table(exported / entry["path"])
        assert (entry["rows"], entry["tokens"]) == (table.num_rows, sum(table["tokens"].to_pylist()))
    assert listed["rows"] == sum(entry["rows"] for entry in listed["files"])
    assert listed["set"] == "mixtures/mix"


def test_the_card_has_front_matter_and_the_plan(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    _, front, body = card.split("---\n", 2)
    fields = yaml.safe_load(front)
    assert fields["configs"][0]["data_files"] == [{"split": "train", "path": "parquet/*.parquet"}]
    assert fields["size_categories"] == ["n<1K"]
    assert fields["language"] == ["en"]
    assert "| math | 0.5 |" in body
    assert "## Licences seen" in body
    assert "| MIT |" in body


def test_words_of_the_corpus_cannot_break_out_of_the_card(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    assert "<b>" not in card
    assert r"CC-BY &lt;b&gt;\|4.0" in card
    assert cell("a\n| b | <script>\x1b[0m") == r"a \| b \| &lt;script&gt; \[0m"
    assert cell("x" * 100) == "x" * 79 + "…"


def test_an_export_that_lost_rows_is_refused(exported: Path) -> None:
    root = exported.parents[1]
    summary = root / "mixtures/mix/summary.json"
    write_json(summary, read_json(summary) | {"documents": 1})
    (exported / "export.json").unlink()
    with pytest.raises(ConservationError, match="export of mixtures/mix"):
        export(root, "mixtures/mix", Config(), 3, 2)
    assert not (exported / "export.json").exists()


@pytest.mark.parametrize("bound", ["no bound", "hits > 1"])
def test_the_card_says_whom_word_lists_hit(bound):
    names = ("documents", "listed", "with_hits")
    rows = [
        {"language": language, "source": source, "position": place, "bound": name, "in_force": place == 0,
         **dict(zip(names, counts, strict=True)), "beyond": beyond[place]}
        for language, source, counts, beyond in (("en", "a|b<i>", (8, 8, 4), (1, 4)), ("de", "news", (2, 0, 0), (0, 0)))
        for place, name in enumerate((bound, "hits > 0"))
    ]  # fmt: skip
    said = _word_lists(*by_language_and_source(pa.Table.from_pylist(rows, schema=RETENTION)))
    dropped = bound != "no bound"
    head = "| language | documents | with list | with hits | " + "dropped | " * dropped + "hits > 0 |"
    assert head in said.splitlines()
    assert "| en | 8 | 8 | 50.00% | " + "12.50% | " * dropped + "50.00% |" in said.splitlines()
    assert r"| a\|b&lt;i&gt; | 8 | 8 | 50.00% |" in said
    assert "| de | 2 | 0 | – |" in said
    assert ("(hits &gt; 1)" in said, "Nothing was dropped" in said) == (dropped, not dropped)


def test_the_card_says_what_was_replaced():
    counts = Counter({("in", ""): 9, ("cut", "email"): 1_200, ("cut", "phone_number"): 3, ("added", "email"): 1_200})
    said = _private(counts)
    assert {"| email | 1,200 |", "| phone number | 3 |"} <= set(said.splitlines())
    assert "dropped" not in said
    assert "such as names of persons." in said
    counts.update({("cut", "name"): 5, ("dropped", "too_many_spans"): 2})
    assert (
        "such as names of persons that the model missed. 2 documents with too many of them were dropped."
        in _private(counts)
    )
    assert "| nothing | 0 |" in _private(Counter({("in", ""): 9}))
