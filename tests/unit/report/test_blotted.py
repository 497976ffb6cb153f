"""What a run with the stage `privacy` replaces is read nowhere: not on the page, not in `tamis why`, not on a card."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from documents import make_documents
from fake_results import finish_results, write_stage

from tamis import schemas
from tamis.ledger import dropped_rows
from tamis.privacy.blot import blot
from tamis.report.layout import FILE, Layout, Private, Results
from tamis.report.model_cards import _blotted, cards
from tamis.report.story import tell
from tamis.report.terminal import story
from tamis.shards import part_name, read_documents, write_json
from tamis.stages import privacy

MAIL, KEY, PHONE = "anna.huber@web.de", "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", "+49 30 2345678"
VALUES = (MAIL, KEY, PHONE)
STAGES = ("ingest", "paragraph_dedup", "minhash_dedup", "privacy")
CUT = f"Questions go to {MAIL}, as they did in every year before.\n\n"
MASKED = "harbour master"
TEXTS = {
    "plain": f"Ask {MAIL} or {MAIL}; TOKEN={KEY} lets you in. 中文 " + "The harbour opens at six. " * 9,
    "cut": CUT + f"The harbour is closed, call {PHONE} first. " + "Ships wait outside. " * 9,
    "replaced": "The harbour master is away. " * 4 + "Nobody else is asked.",
    "kept": f"Boats of {MAIL} lie in the harbour and wait for the tide to turn.",
    "near": f"Boats of {MAIL} lie in the harbour and wait for the wind to turn.",
    "nothing": "A harbour without a person. " * 5,
}


def make_folder(folder: Path, *, told: bool, shards: int = 2, names: bool = False) -> dict[str, str]:
    """Write a run: three stages as they would leave it, and what the stage `privacy` makes of it; returns ids by name."""
    config = privacy.Config()
    private = Private(kinds=config.kinds, phone_regions=config.phone_regions, names=names) if told else None
    write_json(folder / FILE, Layout(stages=STAGES, shards=shards, privacy=private).model_dump(mode="json"))
    ids = {name: f"{number:x}" * 32 for number, name in enumerate(TEXTS, 5)}
    read = make_documents(list(TEXTS.values()), id=list(ids.values()))
    nothing = schemas.empty(schemas.LEDGER)
    write_stage(folder, "ingest", shards, read, read, nothing)
    at = TEXTS["replaced"].index(MASKED)
    edits = [
        {"id": ids["cut"], "start": 0, "end": len(CUT), "reason": "repeated_paragraph", "count": 2},
        # What a stage puts in is a text too.
        {"id": ids["replaced"], "start": at, "end": at + len(MASKED), "reason": "name", "replacement": MAIL},
    ]
    texts = [text.removeprefix(CUT).replace(MASKED, MAIL, 1) for text in read["text"].to_pylist()]
    cleaned = read.set_column(read.schema.get_field_index("text"), "text", pa.array(texts, pa.large_string()))
    made = pa.Table.from_pylist(edits, schema=schemas.EDITS)
    write_stage(folder, "paragraph_dedup", shards, read, cleaned, nothing, made)
    gone = pc.equal(cleaned["id"], ids["near"])
    near = cleaned.filter(gone)
    ledger = dropped_rows("minhash_dedup", near, "near_duplicate", similarity=0.9, matched_id=ids["kept"], value=0.9)
    left = cleaned.filter(pc.invert(gone))
    write_stage(folder, "minhash_dedup", shards, cleaned, left, ledger)
    for shard in range(shards):
        part = part_name(shard)
        outputs = {name: folder / f"privacy/{what}/{part}.parquet"
                   for name, what in (("kept", "documents"), ("dropped", "dropped"), ("edits", "edits"))}  # fmt: skip
        privacy.run_apply(
            config,
            shard=shard,
            documents=folder / f"minhash_dedup/documents/{part}.parquet",
            stats=folder / f"privacy/stats/{part}.json",
            **outputs,
        )
    finish_results(folder)
    return ids


def page_of(folder: Path) -> str:
    return (folder / "report/index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("private") / "results"
    return folder, make_folder(folder, told=True)


def test_no_value_is_on_the_page(made):
    folder, ids = made
    texts = [
        text for path in (folder / "ingest/documents").iterdir() for text in read_documents(path)["text"].to_pylist()
    ]
    assert all(any(value in text for text in texts) for value in VALUES)
    source = page_of(folder)
    for value in VALUES:
        assert value not in source
        assert value.partition("@")[0] not in source
    # The same sentence before the stage, in its edits, and after it.
    block = "█" * len(MAIL)
    assert f"Ask {block} or {block}; TOKEN={'█' * len(KEY)} lets you in. 中文 The" in source
    assert f"Ask <del>{block}</del><ins>[EMAIL_1]</ins> or <del>{block}</del><ins>[EMAIL_1]</ins>" in source
    assert "The [EMAIL_1] is away." in source
    # A cut of another stage, what one puts in, and both documents of a pair.
    assert f"<del>Questions go to {block}, as they" in source
    assert f"The <del>{MASKED}</del><ins>{block}</ins> is away." in source
    assert source.count(f"Boats of {block} lie in the harbour") >= 2
    assert ids["near"] in source


@pytest.mark.parametrize("name", TEXTS)
def test_no_value_is_in_what_became_of_a_document(made, name):
    folder, ids = made
    said = story(tell(Results.open(folder), ids[name]))
    assert ids[name] in said
    for value in VALUES:
        assert value not in said
    blotted = "█" in said
    assert blotted == (name != "nothing")
    assert ("[EMAIL_1]" in said) == (name in {"plain", "replaced", "kept"})


def test_cards_show_mistakes_blotted(made):
    error = {"id": "5" * 32, "kind": "prose", "source": "test", "language": None, "label": "good", "characters": 9,
             "score": 0.01, "text": TEXTS["plain"]}  # fmt: skip
    card = {"metrics": {}, "groups": {}, "remarks": [], "errors": [error], "limits": []}
    (entry,) = cards(Results.open(made[0]), {"quality": {"card": card}})
    assert entry.mistakes[0].text.startswith(f"Ask {'█' * len(MAIL)} or")
    assert KEY not in entry.mistakes[0].text


def test_where_names_are_replaced_no_letter_from_before_is_shown(tmp_path):
    ids = make_folder(tmp_path, told=True, names=True)
    results = Results.open(tmp_path)
    shown = page_of(tmp_path) + "".join(story(tell(results, name)) for name in ids.values())
    # What stands in dropped documents, in cuts, and in what an earlier stage put in; and what the last stage wrote.
    for words in ("lie in the harbour and wait for the wind", "Questions go to", "is closed, call <del>", MAIL):
        assert words not in shown
    assert "<del>███</del>" not in shown
    assert "The [EMAIL_1] is away." in shown.replace("\n", " ")
    card = {"errors": [{"text": "Anna is here"}]}
    assert _blotted(results, "quality", card)["errors"][0]["text"] == "████ ██ ████"
    assert _blotted(results, "privacy", card) == card


def test_a_run_without_the_stage_shows_texts_as_they_are(tmp_path):
    make_folder(tmp_path, told=False)
    assert MAIL in page_of(tmp_path)
    assert "█" not in page_of(tmp_path)


def test_a_blotted_text_is_as_long_as_before():
    before = [f"é中 {MAIL}, 中文 {PHONE}", "nothing", "", f"{KEY}"]
    assert blot(before) == [f"é中 {'█' * len(MAIL)}, 中文 {'█' * len(PHONE)}", "nothing", "", "█" * len(KEY)]
    assert blot(before, kinds=["secret"])[0] == before[0]
    assert blot([]) == []


def test_a_value_that_is_read_though_nothing_may_be_seen_in_it_is_blotted():
    hidden = f"\ufeffAsk anna.hu\u00adber@web\u200b.de or {MAIL}."
    assert blot([hidden, "a\u200bb"]) == [f"\ufeffAsk {'█' * (len(MAIL) + 2)} or {'█' * len(MAIL)}.", "a\u200bb"]
