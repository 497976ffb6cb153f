"""A chain on a user's own text: what `tamis init` writes runs to its export, from every format alike."""

from __future__ import annotations

import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import web_archives as made
from running import environment, run_workflow
from web_pages import ENGLISH, page, paragraphs

from tamis.shards import read_table


def init(folder, *arguments):
    subprocess.run(
        [sys.executable, "-m", "tamis.cli", "init", *arguments, "--output", "test.yaml"],
        check=True,
        cwd=folder,
        env=environment(),
    )


def kept(folder):
    """Id → text of what the rules have kept, and the reason of every dropped document by stage and id."""
    results = folder / "results_test"
    rows = [read_table(path, columns=["id", "text"]) for path in sorted(results.glob("heuristics/documents/*"))]
    texts = {row["id"]: row["text"] for row in pa.concat_tables(rows).to_pylist()}
    reasons = {
        (path.parts[-3], row["id"]): row["reason"]
        for path in results.glob("*/dropped/*")
        for row in read_table(path, columns=["id", "reason"]).to_pylist()
    }
    return texts, reasons


def test_init_and_run_end_in_an_export_and_formats_agree(make_folder, corpus):
    lines = make_folder("lines")
    init(lines, "web", "--source", "corpus/web/*.jsonl.zst")
    run_workflow(lines, None)
    texts, reasons = kept(lines)
    assert len(texts) >= 20
    # Near-copies and texts of bad form were planted.
    assert {"minhash_dedup", "heuristics"} <= {stage for stage, _ in reasons}
    exported = [
        document_id
        for name in ("everything", "validation")
        for path in (lines / "results_test" / "export" / name).glob("**/*.parquet")
        for document_id in pq.read_table(path, columns=["id"])["id"].to_pylist()
    ]
    assert sorted(exported) == sorted(texts)

    columns = make_folder("columns")
    (columns / "web").mkdir()
    # One page again, older, as it comes out of a press: a copy once it is repaired, and none before.
    rows = list(records(corpus))
    text = next(row["text"] for row in rows if row["text"] in texts.values())
    rows.append({"text": text.replace("e", "e\xad"), "url": "https://press.example/", "date": "1990-01-01"})
    pq.write_table(pa.Table.from_pylist(rows), columns / "web" / "all.parquet")
    init(columns, "web", "--source", "web/*.parquet")
    run_workflow(columns, None, "heuristics")
    found, why = kept(columns)
    ((again, reason),) = why.items() - reasons.items()
    assert (found, again[0]) == (texts, "minhash_dedup"), reason
    (edits,) = (columns / "results_test" / "text_repair" / "edits").glob("*0.parquet")
    repaired = pa.concat_tables(map(read_table, [edits, edits.with_name("part-00001.parquet")]))
    assert set(repaired["id"].to_pylist()) == {again[1]}
    assert set(repaired["reason"].to_pylist()) == {"soft_hyphen"}
    assert repaired.num_rows == text.count("e")

    archives = make_folder("archives")
    (archives / "web").mkdir()
    extracted = [
        made.record(row["text"].encode(), url=row["url"], date=row["date"], type="conversion", kind="text/plain")
        for row in records(corpus)
    ]
    damaged = [made.warcinfo(), *extracted[:9], b"noise", *extracted[9:], made.response(1)[:-99]]
    (archives / "web" / "all.warc.wet.gz").write_bytes(made.gz(damaged))
    init(archives, "web", "--source", "web/*.warc.wet.gz")
    run_workflow(archives, None, "heuristics")
    assert kept(archives) == (texts, reasons)
    skipped = read_table(next((archives / "results_test" / "ingest" / "skipped").glob("*.parquet"))).to_pylist()
    assert {"garbage", "truncated"} <= {row["reason"] for row in skipped}


def test_init_and_run_take_a_folder_of_html_to_documents(make_folder):
    folder = make_folder("html")
    for name, html in {
        "a/one.html": page(paragraphs()),
        "a/b/two.html": page(paragraphs(*reversed(ENGLISH))).replace("news.example/boats", "news.example/late"),
        "a/none.html": "<html><script>x()</script></html>",
    }.items():
        (folder / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "pages" / name).write_text(html, encoding="utf-8")
    init(folder, "web", "--source", "pages/**/*.html")
    run_workflow(folder, None, "ingest")
    results = folder / "results_test" / "ingest"
    rows = pa.concat_tables(read_table(path) for path in sorted(results.glob("documents/*"))).to_pylist()
    assert sorted(row["url"] for row in rows) == ["https://news.example/boats", "https://news.example/late"]
    assert all(line in row["text"] and "cookies" not in row["text"] for row in rows for line in ENGLISH)
    (skipped,) = pa.concat_tables(read_table(path) for path in sorted(results.glob("skipped/*"))).to_pylist()
    assert (skipped["path"], skipped["reason"]) == ("pages/a/none.html", "no_main_content")


def records(corpus):
    """Text, URL and date of the lines of the corpus that are JSON objects in UTF-8."""
    for path in sorted((corpus / "web").glob("*.jsonl.zst")):
        with pa.input_stream(str(path), compression="zstd") as file:
            lines = file.read().split(b"\n")
        for line in lines:
            try:
                record = json.loads(line.decode())
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("text"), str):
                yield {name: record.get(name) for name in ("text", "url", "date")}
