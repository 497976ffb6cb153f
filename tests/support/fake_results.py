"""A small results folder as a run leaves it: four stages, hostile texts, a mixture, an annealing set, an export."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from outcomes import write_outcome

from tamis import provenance, schemas
from tamis.demand import expression
from tamis.ids import content_hash, document_key, home_shards
from tamis.inventory import Group, Inventory, Pattern, pack
from tamis.ledger import Outputs, dropped_rows
from tamis.report import database, layout, manifest, page, record, tables
from tamis.shards import part_name, read_table, write_json, write_table
from tamis.urls import url_key

HOSTILE = (
    "<script>alert('text')</script> & \"quoted\" </div></details> javascript:alert(1) \x1b]0;title\x07 {{ 7 * 7 }}"
)
HOSTILE_URL = "javascript:alert('url')//<img src=x onerror=alert(2)>"
STAGES = ("ingest", "paragraph_dedup", "minhash_dedup", "heuristics")
VERSIONS = dict(zip(STAGES, (7, 2, 3, 1), strict=True)) | {"privacy": 1}
PAGE = "https://docs.example.org/page"
MASKED = "Document 3 of"
MASK = "<b>someone</b>"
BANNER = "Shared banner of every page, cut where it comes again.\n\n"


def document_id(url: str | None, text: str, source: str = "web", date: str = "") -> str:
    return document_key(url_key(url) if url else text) + content_hash(source, url or "", date, text)


def corpus(extra: int = 40) -> pa.Table:
    """Rows of the documents contract, sorted by id."""
    rows = []

    def add(text, url=None, kind="prose", source="web", day=1, copies=1):
        date = dt.datetime(2024, 1, day, tzinfo=dt.UTC)
        rows.append(
            {
                "id": document_id(url, text, source, str(day)),
                "kind": kind,
                "text": text,
                "source": source,
                "url": url,
                "date": date,
                "metadata": None,
                "parent": None,
                "copies": copies,
                "ingested_characters": len(text),
                "rank": len(rows),
            }
        )

    near = " ".join(f"word{i}" for i in range(80))
    add(near, "https://a.example.org/near?utm_source=x", copies=2)
    add(near.replace("word7 ", "other7 "), "https://b.example.org/near-copy")
    add(BANNER + "A page whose banner goes. " * 5, PAGE, day=2)
    add(BANNER + "Another capture of that page. " * 5, PAGE, day=3)
    add(HOSTILE + " kept", HOSTILE_URL, source="<b>hostile</b>")
    add(HOSTILE + " dropped", "https://evil.example.org/<script>", source="<b>hostile</b>")
    for i in range(extra):
        kind = ("prose", "code", "maths")[i % 3]
        add(f"Document {i} of kind {kind}. " * (3 + i % 7) + "中文文本。" * (i % 2), f"https://c.example.org/{i}", kind)
    for i in range(30):
        add(f"short {i}", f"https://poor.example.org/{i}", source="poor")
    return schemas.conform_documents(pa.Table.from_pylist(rows), "fake").sort_by("id")


def write_stage(
    folder: Path,
    stage: str,
    shards: int,
    documents: pa.Table,
    kept: pa.Table,
    dropped: pa.Table,
    edits: pa.Table | None = None,
    notes: dict[str, float] | None = None,
    text_of: str | None = None,
) -> None:
    home = {
        name: home_shards(table["id"], shards)
        for name, table in (("in", documents), ("kept", kept), ("dropped", dropped))
    }
    for shard in range(shards):
        part = part_name(shard)
        outputs = Outputs(
            folder / stage / f"documents/{part}.parquet",
            folder / stage / f"dropped/{part}.parquet",
            folder / stage / f"stats/{part}.json",
            None if edits is None else folder / stage / f"edits/{part}.parquet",
        )
        mine = None if edits is None else edits.filter(pa.array(home_shards(edits["id"], shards) == shard))
        with provenance.job({"stage": stage, "version": 1, "text_of": text_of}):
            write_outcome(
                outputs,
                stage,
                shard,
                documents.filter(pa.array(home["in"] == shard)),
                kept.filter(pa.array(home["kept"] == shard)),
                dropped.filter(pa.array(home["dropped"] == shard)),
                edits=mine,
                notes=notes,
            )


def made(shards: int, *, finish: bool) -> Inventory:
    """What the rules would make that leave such a folder."""
    shard = "{shard}"

    def stage(name: str, *more: str) -> Group:
        files = [f"{name}/{what}/part-{shard}.parquet" for what in ("documents", "dropped", *more)]
        return Group(rule=name, number="shard", numbers=shards, outputs=(*files, f"{name}/stats/part-{shard}.json"))

    more = {"paragraph_dedup": ["edits"], "heuristics": ["scores"]}
    groups = [stage(name, *more.get(name, [])) for name in STAGES]
    groups += [
        Group(rule="ingest_map", outputs=("ingest/skipped/part-00000.parquet",)),
        Group(rule="heuristics_train", outputs=("heuristics/card.json", "heuristics/backbone.json")),
    ]
    if finish:
        single = "documents/part-00000.parquet"
        groups += [
            Group(rule="write", names={"subset": "validation"}, outputs=(f"validation/{single}",)),
            Group(rule="write", names={"subset": "annealing/best"}, outputs=(f"annealing/best/{single}",)),
            Group(
                rule="write",
                names={"subset": "mixtures/main"},
                outputs=(
                    f"mixtures/main/{single}",
                    "mixtures/main/plan.parquet",
                    "mixtures/main/stats/part-00000.json",
                ),
            ),
            Group(rule="export", outputs=("export/main/data/train-00000.parquet",)),
        ]
    groups.append(Group(rule="report_stats", outputs=("stats.parquet", "notes.parquet", "layout.json")))
    groups.append(Group(rule="report_manifest", outputs=("manifest.json",), needs=tuple(range(len(groups)))))
    pages = tuple(
        f"report/{name}" for name in ("index.html", "waterfall.svg", "alarms.json", "page.json", "database.json")
    )
    groups.append(Group(rule="report_page", outputs=("tamis.duckdb", *pages), needs=(len(groups) - 1,)))
    patterns = [
        Pattern(
            rule=group.rule,
            expression=expression(pattern, {"shard": r"\d{5}"}),
            names=tuple(group.names),
        )
        for group in groups
        for pattern in group.outputs
    ]
    folders = {pattern.partition("/")[0] for group in groups for pattern in group.outputs if "/" in pattern}
    return Inventory(groups=tuple(groups), patterns=tuple(patterns), folders=tuple(sorted(folders)))


def has(table: pa.Table, text: str) -> pa.Array:
    return pc.match_substring(table["text"], text)


def make_results(
    folder: Path, shards: int = 2, *, finish: bool = True, text_of: dict[str, str] | None = None
) -> dict[str, str]:
    """Write the folder; returns ids by nickname. `text_of` names stages whose documents hold no texts, and who does."""
    write_json(
        folder / layout.FILE,
        layout.Layout(
            stages=STAGES,
            shards=shards,
            mixtures=("main",),
            annealing=("best",),
            exports=("main",),
            validation=True,
            inventory=made(shards, finish=finish),
        ).model_dump(mode="json"),
    )
    read = corpus()
    names = {url: name for name, url in zip(read["id"].to_pylist(), read["url"].to_pylist(), strict=True)}
    ids = {
        "near_kept": names["https://a.example.org/near?utm_source=x"],
        "near": names["https://b.example.org/near-copy"],
        "hostile": names[HOSTILE_URL],
        "hostile_dropped": names["https://evil.example.org/<script>"],
    }
    repeated = read.filter(has(read, "Document 5 of"))
    ids["repeated"] = repeated["id"][0].as_py()
    before = pa.concat_tables([read, repeated]).sort_by("id")
    write_stage(
        folder,
        "ingest",
        shards,
        before,
        read,
        dropped_rows(
            "ingest", repeated, "duplicate_record", matched_id=repeated["id"], similarity=1.0, kept_id=repeated["id"]
        ),
    )
    write_table(
        folder / "ingest/skipped/part-00000.parquet",
        pa.Table.from_pylist(
            [
                {
                    "source": "web",
                    "path": "data/broken.jsonl",
                    "record": 7,
                    "reason": "invalid_utf8",
                    "detail": "byte 0xff",
                }
            ],
            schema=schemas.SKIPPED,
        ),
    )

    # The owner goes later, so what is cut may be nowhere.
    owner = ids["hostile_dropped"]
    cut = {"reason": "repeated_paragraph", "end": len(BANNER), "count": 2, "matched_id": owner}
    masked = {"reason": "name", "end": len("Document"), "replacement": MASK}
    edits = pa.Table.from_pylist(
        [
            {"id": row["id"], "start": 0, **(cut if row["text"].startswith(BANNER) else masked)}
            for row in read.to_pylist()
            if row["text"].startswith((BANNER, MASKED))
        ],
        schema=schemas.EDITS,
    )
    texts = [
        text.removeprefix(BANNER).replace("Document", MASK, int(text.startswith(MASKED)))
        for text in read["text"].to_pylist()
    ]
    cleaned = read.set_column(read.schema.get_field_index("text"), "text", pa.array(texts, pa.large_string()))
    ids["masked"] = read.filter(has(read, MASKED))["id"][0].as_py()
    nothing = schemas.empty(schemas.LEDGER)
    write_stage(folder, "paragraph_dedup", shards, read, cleaned, nothing, edits, {"paragraphs": 10.0})

    gone = pc.equal(cleaned["id"], ids["near"])
    ledger = dropped_rows(
        "minhash_dedup",
        cleaned.filter(gone),
        "near_duplicate",
        value=0.9375,
        threshold=0.7,
        matched_id=ids["near_kept"],
        similarity=0.9375,
        kept_id=ids["near_kept"],
    )
    left = cleaned.filter(pc.invert(gone))
    notes = {"largest_bucket": 2.0, "candidate_pairs": 5.0, "audit_pairs": 400.0, "audit_missed": 1.0,
             "audit_documents": 50.0, "suppressed_pairs": 1234.0}  # fmt: skip
    write_stage(
        folder,
        "minhash_dedup",
        shards,
        cleaned,
        left,
        ledger,
        notes=notes,
        text_of=(text_of or {}).get("minhash_dedup"),
    )

    poor = pc.equal(left["source"], "poor")
    evil = pc.equal(left["id"], ids["hostile_dropped"])
    ledger = pa.concat_tables(
        [
            dropped_rows("heuristics", left.filter(poor), "gopher_too_few_words", value=2.0, threshold=50.0),
            dropped_rows("heuristics", left.filter(evil), "<i>odd_rule</i>", value=0.25, threshold=0.5),
        ]
    )
    pool = left.filter(pc.invert(pc.or_(poor, evil)))
    domain = pa.array(["code" if kind == "code" else "general" for kind in pool["kind"].to_pylist()])
    pool = pool.append_column("domain", domain)
    write_stage(folder, "heuristics", shards, left, pool, ledger)
    for shard in range(shards):
        mine = left.filter(pa.array(home_shards(left["id"], shards) == shard))
        write_table(
            folder / f"heuristics/scores/{part_name(shard)}.parquet",
            pa.table({"id": mine["id"], "heuristics_score": pa.array(np.full(mine.num_rows, 0.5, np.float32))}),
        )
    write_json(
        folder / "heuristics/card.json",
        {
            "metrics": {"prose": {"auc": 0.9123, "length_baseline_auc": 0.8}, "code": {"auc": 0.71}},
            "labels": [{"class": "good", "documents": 1200}, {"class": "<script>alert(3)</script>", "documents": 3}],
            "model": {"dimension": 64, "learning_rate": 0.1},
        },
    )
    write_json(folder / "heuristics/backbone.json", {"name": "packaged MiniLM", "dimension": 384})
    if not finish:
        return ids
    counted = pool.append_column("tokens", pa.array([len(text) // 4 for text in pool["text"].to_pylist()], pa.int64()))
    first, second, third = (counted.slice(start, 8) for start in (0, 8, 16))
    ids |= {"validation": first["id"][0].as_py(), "mixed": third["id"][0].as_py(), "undrawn": counted["id"][30].as_py()}
    write_table(folder / "validation/documents/part-00000.parquet", first)
    write_table(folder / "annealing/best/documents/part-00000.parquet", second)
    write_table(folder / "mixtures/main/documents/part-00000.parquet", pa.concat_tables([third, third.slice(0, 1)]))
    write_table(
        folder / "mixtures/main/plan.parquet",
        pa.table(
            {
                "domain": ["general", "code"],
                "available_tokens": [900, 300],
                "weight": [0.5, 0.5],
                "target_tokens": [200, 200],
                "taken_tokens": [201, 190],
                "epochs": [1.0, 1.25],
            }
        ),
    )
    write_json(folder / "mixtures/main/stats/part-00000.json", {})
    write_table(folder / "export/main/data/train-00000.parquet", third.select(["id", "text", "url"]))
    finish_results(folder)
    return ids


def join_through(folder: Path, ids: dict[str, str], between: str) -> None:
    """Change the ledger of minhash_dedup as if `near` had been joined to `near_kept` by a document that went too."""
    for path in (folder / "minhash_dedup/documents").iterdir():
        table = read_table(path)
        write_table(path, table.filter(pc.not_equal(table["id"], between)))
    for path in (folder / "minhash_dedup/dropped").iterdir():
        table = read_table(path)
        names = pc.if_else(pc.equal(table["id"], ids["near"]), between, table["matched_id"])
        write_table(path, table.set_column(table.schema.get_field_index("matched_id"), "matched_id", names))


def stats_row(position, outcome, documents, characters, reason="", source="a", shard=0):
    """A row of the table of counts."""
    return {
        "position": position, "stage": f"stage{position}", "shard": shard, "source": source, "kind": "prose",
        "outcome": outcome, "reason": reason, "documents": documents, "characters": characters,
    }  # fmt: skip


def finish_results(folder: Path) -> None:
    """Run the report's own jobs in their order."""
    path = folder / layout.FILE
    tables.run_stats(layout=path, table=folder / "stats.parquet", notes=folder / "notes.parquet")
    manifest.run_write(
        configuration={"output_dir": str(folder), "mixtures": {"main": {"seed": 11}}},
        versions=VERSIONS,
        made=pack({"jobs": {}, "params": {}, "given": []}),
        layout=path,
        output=folder / "manifest.json",
    )
    database.run_views(rows=1_000_000, layout=path, database=folder / "tamis.duckdb", record=folder / record.DATABASE)
    page.run_page(
        page.Config(),
        layout=path,
        page=folder / "report/index.html",
        picture=folder / "report/waterfall.svg",
        alarms=folder / "report/alarms.json",
        record=folder / record.PAGE,
    )
