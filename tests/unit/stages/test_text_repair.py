"""The stage repairs texts, leaves a row for every change, and takes no longer for a line than for its length."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from documents import in_batches, make_documents

from tamis.edits import read_edits
from tamis.shards import read_documents, read_json, read_table, write_table
from tamis.stages import text_repair
from tamis.stages.text_repair import Config, repair

TEXTS = (
    "Nothing is wrong here.\n\nNot a thing.\n",
    "schÃ¶n\r\nund P&eacute;rez\n\nMenÃ¼\n\nDas ist ein ganzer Satz mit Ã¤.\n",
    "\x00\x01\ufeff",
    "Share this page\n",
    "",
    "語" * 50 + "\u200b" + "e\u0301.",
)


def run(folder: Path, documents: pa.Table, config: Config) -> Path:
    folder.mkdir()
    write_table(folder / "in", documents)
    paths = {name: folder / name for name in ("kept", "dropped", "edits", "stats")}
    text_repair.run_apply(config, shard=0, documents=folder / "in", **paths)
    return folder


def applied(text: str, rows: list[dict]) -> str:
    for row in reversed(rows):
        text = text[: row["start"]] + (row["replacement"] or "") + text[row["end"] :]
    return text


@pytest.mark.parametrize("lines", [False, True])
def test_rows_are_the_whole_difference_and_what_is_left_empty_is_dropped(tmp_path: Path, lines: bool) -> None:
    documents = make_documents(TEXTS)
    done = run(tmp_path / "whole", documents, Config(c4_lines=lines))
    kept = read_documents(done / "kept")
    gone = [2, 3, 5] if lines else [2]
    ids = documents["id"].to_pylist()
    assert kept["id"].to_pylist() == [name for place, name in enumerate(ids) if place not in gone]
    assert read_table(done / "dropped").select(["id", "reason", "chars"]).to_pylist() == [
        {"id": ids[place], "reason": "nothing_left", "chars": len(TEXTS[place])} for place in gone
    ]
    rows = read_edits(done / "edits").to_pylist()
    for name, after in zip(kept["id"].to_pylist(), kept["text"].to_pylist(), strict=True):
        assert applied(TEXTS[ids.index(name)], [row for row in rows if row["id"] == name]) == after
    texts = kept["text"].to_pylist()
    assert texts[0] == TEXTS[0]
    assert texts[1] == (
        "Das ist ein ganzer Satz mit ä.\n" if lines else "schön\nund Pérez\n\nMenü\n\nDas ist ein ganzer Satz mit ä.\n"
    )
    reasons = {row["reason"] for row in rows}
    assert {"mojibake", "control_character"} < reasons
    assert ("c4_no_terminal_punctuation" in reasons) == lines
    # Rows and files do not depend on what is read at once.
    with in_batches(documents):
        again = run(tmp_path / "batches", documents, Config(c4_lines=lines))
    for name in ("kept", "dropped", "edits", "stats"):
        assert (again / name).read_bytes() == (done / name).read_bytes()
    outcomes = {(row["outcome"], row["reason"]) for row in read_json(done / "stats")["counts"]}
    assert {("cut", "mojibake"), ("added", "mojibake")} <= outcomes


def test_what_is_doubtful_is_damage_in_documents_that_are_damaged() -> None:
    doubtful = "Ã melendé wéi.\n"
    after, _ = repair(make_documents([doubtful, f"{doubtful}TrÃ¨s bien.\n"]), Config())
    assert after["text"].to_pylist() == [doubtful, "à melendé wéi.\nTrès bien.\n"]


def test_kinds_that_are_not_named_pass_through() -> None:
    documents = make_documents([TEXTS[1]] * 3, kind=["prose", "code", "maths"])
    after, rows = repair(documents, Config())
    assert [one == TEXTS[1] for one in after["text"].to_pylist()] == [False, True, True]
    assert pc.unique(rows["id"]).to_pylist() == [documents["id"][0].as_py()]


@pytest.mark.parametrize("piece", ["Ã©", "íª°í\xad", "&amp;amp;", "Ã Â Ð ", "a\xad", "e\u0301\u0327", "â€" * 3, "ÃÂÃÂ"])
def test_a_line_of_damage_and_nothing_else_takes_time_in_proportion(piece: str) -> None:
    # Whole, one of these took a minute: decoders look at what is left again and again.
    text = piece * (40_000 // len(piece))
    after, rows = repair(make_documents([text]), Config())
    assert (rows.num_rows == 0) == (after["text"][0].as_py() == text)


def test_settings() -> None:
    assert Config(c4_lines=False).c4_lines is None
    assert Config(c4_lines=True) == Config(c4_lines={})
    json.dumps(Config(c4_lines=True).model_dump(mode="json"))
