"""What one complete run leaves behind, read from its files and held against what the corpus has planted."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import finished
import pyarrow.parquet as pq
import pytest
import zstandard
from running import environment

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module", name="truth")
def _truth(corpus):
    return json.loads((corpus / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", name="run")
def _run(full):
    return full / "results"


@pytest.fixture(scope="module", name="ids")
def _ids(run):
    """URL → id; an address stands for its newest capture only where the test says so."""
    return {row["url"]: row["id"] for row in finished.rows(run / "ingest" / "documents") if row["url"]}


def kept(run, stage):
    return set(finished.table(run / stage / "documents")["id"].to_pylist())


def ledger(run, stage):
    return {row["id"]: row for row in finished.rows(run / stage / "dropped")}


# Conservation


def test_every_record_of_the_input_is_a_document_a_duplicate_or_a_listed_skip(full, run, corpus, truth):
    def count(path):
        data = path.read_bytes()
        plain = gzip.decompress(data) if path.suffix == ".gz" else zstandard.decompress(data)
        return plain.count(b"\n")

    lines = sum(count(path) for path in [*corpus.glob("web/*"), corpus / "archive.jsonl.gz"])
    lines += pq.read_metadata(corpus / "papers.parquet").num_rows + truth["files"]
    documents = finished.table(run / "ingest" / "documents")
    dropped = finished.rows(run / "ingest" / "dropped")
    skipped = finished.rows(run / "ingest" / "skipped")
    assert lines == documents.num_rows + len(dropped) + len(skipped)
    assert Counter(row["reason"] for row in dropped) == {"duplicate_record": truth["duplicate_records"]}
    assert Counter(row["reason"] for row in skipped) == truth["skipped"]["web"]
    assert {row["source"] for row in skipped} == {"web"}


def test_documents_and_characters_are_conserved_by_every_stage(run, config):
    for before, stage in finished.stages_with_documents(run, config["pipeline"]):
        texts = {row["id"]: row["text"] for row in finished.rows(run / before / "documents")}
        after = {row["id"]: row["text"] for row in finished.rows(run / stage / "documents")}
        dropped = finished.rows(run / stage / "dropped")
        assert sorted(texts) == sorted([*after, *(row["id"] for row in dropped)]), stage
        assert {row["stage"] for row in dropped} <= {stage}
        assert all(row["chars"] == len(texts[row["id"]]) for row in dropped), stage
        folder = run / stage / "edits"
        edits = finished.rows(folder) if folder.exists() else []
        cut = sum(edit["end"] - edit["start"] for edit in edits if edit["id"] in after)
        characters = [sum(map(len, side.values())) for side in (texts, after)]
        gone = sum(row["chars"] for row in dropped)
        assert characters[0] + finished.added_characters(run / stage) == characters[1] + gone + cut, stage


def test_texts_change_only_where_edits_say_so(run, config):
    for before, stage in finished.stages_with_documents(run, config["pipeline"]):
        folder = run / stage / "edits"
        edits = Counter()
        cuts = {}
        for edit in finished.rows(folder) if folder.exists() else []:
            edits[edit["id"]] += 1
            cuts.setdefault(edit["id"], []).append((edit["start"], edit["end"]))
        texts = {row["id"]: row["text"] for row in finished.rows(run / before / "documents")}
        for row in finished.rows(run / stage / "documents"):
            text = texts[row["id"]]
            for start, end in sorted(cuts.get(row["id"], []), reverse=True):
                text = text[:start] + text[end:]
            # Separators around a cut may be collapsed; every other character is the same.
            assert row["text"].split() == text.split(), (stage, row["id"])
            assert row["text"] == texts[row["id"]] or edits[row["id"]], (stage, row["id"])


def test_stats_say_the_same_as_the_files(run, config):
    for _, stage in finished.stages_with_documents(run, config["pipeline"]):
        counted = Counter()
        for path in (run / stage / "stats").glob("*.json"):
            for row in json.loads(path.read_text())["counts"]:
                counted[row["outcome"], row["reason"]] += row["documents"]
        dropped = Counter(row["reason"] for row in finished.rows(run / stage / "dropped"))
        assert {reason: count for (outcome, reason), count in counted.items() if outcome == "dropped"} == dropped, stage
        assert counted["kept", ""] == finished.table(run / stage / "documents").num_rows


def test_copies_count_every_record_once(run, truth):
    """Who drops a copy counts it on the document that stays, so the sum over all documents does not change."""

    def copies(stage):
        return sum(finished.table(run / stage / "documents")["copies"].to_pylist())

    assert copies("ingest") == finished.table(run / "ingest" / "documents").num_rows + truth["duplicate_records"]
    for before, stage in (("ingest", "url_dedup"), ("paragraph_dedup", "minhash_dedup")):
        assert {row["kept_id"] for row in finished.rows(run / stage / "dropped")} <= kept(run, stage)
        assert copies(stage) == copies(before), stage


# Copies


def test_of_captures_of_one_url_the_newest_stays(run, ids, truth):
    stays, gone = kept(run, "url_dedup"), ledger(run, "url_dedup")
    for case in truth["captures"]:
        assert ids[case["newest"]] in stays
        for url in case["older"]:
            assert gone[ids[url]]["matched_id"] == ids[case["newest"]]
            assert gone[ids[url]]["reason"] == "same_url"
    assert len(gone) == sum(len(case["older"]) for case in truth["captures"])


def test_near_copies_at_and_above_the_threshold_go_and_none_below(run, ids, truth):
    stays, gone = kept(run, "minhash_dedup"), ledger(run, "minhash_dedup")
    sides = Counter()
    for case in truth["near_copies"]:
        older, newer = ids[case["older"]], ids[case["newer"]]
        assert newer in stays, case
        if case["jaccard"] >= 0.7:
            assert gone[older]["matched_id"] == newer, case
            assert gone[older]["similarity"] == pytest.approx(case["jaccard"], abs=1e-12)
        else:
            assert older in stays, case
        sides[case["jaccard"] >= 0.7] += 1
    assert min(sides.values()) >= 15


@pytest.mark.parametrize("case", ["exact_copies", "rewrapped"])
def test_copies_under_another_address_go_and_name_the_newer_one(run, ids, truth, case):
    gone = ledger(run, "paragraph_dedup") | ledger(run, "minhash_dedup")
    for planted in truth[case]:
        assert gone[ids[planted["older"]]]["matched_id"] == ids[planted["newer"]], planted
        assert ids[planted["newer"]] in kept(run, "minhash_dedup")


def test_every_document_dropped_by_minhash_is_as_like_a_kept_one_as_the_ledger_says(run):
    # As it was before the first stage that cuts.
    texts = {row["id"]: row["text"] for row in finished.rows(run / "url_dedup" / "documents")}
    stays = kept(run, "minhash_dedup")
    dropped = finished.rows(run / "minhash_dedup" / "dropped")
    assert dropped
    for row in dropped:
        assert row["matched_id"] in stays
        one, two = finished.ngrams(texts[row["id"]]), finished.ngrams(texts[row["matched_id"]])
        assert row["similarity"] == pytest.approx(len(one & two) / len(one | two), abs=1e-12)
        assert row["similarity"] >= 0.7


def test_no_pair_of_kept_documents_is_alike(run):
    pool = kept(run, "domains")
    texts = {row["id"]: row["text"] for row in finished.rows(run / "url_dedup" / "documents") if row["id"] in pool}
    assert list(finished.similar_pairs(texts, 0.7)) == []
    before = {row["id"]: row["text"] for row in finished.rows(run / "ingest" / "documents")}
    assert len(list(finished.similar_pairs(before, 0.7))) > 30


# Shared paragraphs and lines


def test_the_exact_banner_and_repeated_paragraphs_stand_once(run, truth):
    before = [row["text"] for row in finished.rows(run / "url_dedup" / "documents")]
    after = [row["text"] for row in finished.rows(run / "paragraph_dedup" / "documents")]
    for text in [truth["banners"]["exact"], *truth["repeated"]]:
        assert sum(text in document for document in before) >= 5
        assert sum(text in document for document in after) == 1


def test_banners_with_another_date_in_each_go_everywhere(run, truth):
    banner = truth["banners"]["varying"]
    assert sum(banner in row["text"] for row in finished.rows(run / "minhash_dedup" / "documents")) > 20
    assert sum(banner in row["text"] for row in finished.rows(run / "line_pruning" / "documents")) == 0
    edits = {row["id"] for row in finished.rows(run / "line_pruning" / "edits")}
    pages = {row["id"] for row in finished.rows(run / "minhash_dedup" / "documents") if banner not in row["text"]}
    # Ordinary prose is left alone.
    assert len(edits & pages) <= 0.02 * len(pages)


# Rules, languages, domains


def test_languages_are_found(run, truth):
    column = {row["url"]: row["language"] for row in finished.rows(run / "language_id" / "documents") if row["url"]}
    languages = {"german": "de", "chinese": "zh", "french": "fr", "near_copy": "en"}
    for category, language in languages.items():
        found = [
            column[url] for url, what in truth["documents"].items() if what["category"] == category and url in column
        ]
        assert len(found) >= 5
        assert found.count(language) >= 0.95 * len(found), (category, Counter(found))


def test_what_rules_are_for_does_not_reach_the_pool(run, ids, truth, config):
    pool = kept(run, config["pipeline"][-1])
    left = Counter(what["category"] for url, what in truth["documents"].items() if ids.get(url) in pool)
    for category in ("word_list", "symbols", "short", "hostile", "generated_code", "data_code"):
        assert left[category] == 0, left
    for category in ("german", "french", "chinese", "maths", "code", "near_copy"):
        planted = sum(what["category"] == category for what in truth["documents"].values())
        assert left[category] >= 0.3 * planted, left


def test_the_classifiers_tell_good_prose_from_chatter(run, ids, truth):
    for stage in ("fasttext_quality", "transformer_quality"):
        scores = {row["id"]: row[stage] for row in finished.rows(run / stage / "scores")}
        sides = {"good": [], "poor": []}
        for url, what in truth["documents"].items():
            if "quality" in what and scores.get(ids.get(url)) is not None:
                sides[what["quality"]].append(scores[ids[url]])
        assert min(map(len, sides.values())) >= 5, stage
        assert sorted(sides["good"])[len(sides["good"]) // 2] > sorted(sides["poor"])[len(sides["poor"]) // 2], stage


def test_every_document_of_the_pool_has_one_domain(run, config, ids, truth):
    domains = {row["id"]: row["domain"] for row in finished.rows(run / config["pipeline"][-1] / "documents")}
    assert set(domains.values()) <= {"general", "math", "code", "reasoning", "multilingual"}
    for category, domain in {"maths": "math", "code": "code", "german": "multilingual"}.items():
        found = [
            domains[ids[url]]
            for url, what in truth["documents"].items()
            if what["category"] == category and ids[url] in domains
        ]
        assert found.count(domain) >= 0.9 * len(found), (category, Counter(found))


def test_kept_texts_are_whole(run, config, ids, truth):
    """Maths keeps its formulas and code its lines, from ingest to the pool."""
    first = {row["id"]: row["text"] for row in finished.rows(run / "ingest" / "documents")}
    for row in finished.rows(run / config["pipeline"][-1] / "documents"):
        if row["kind"] in ("maths", "code"):
            assert row["text"] == first[row["id"]]


# Mixtures and exports


def sets_of(run, config):
    names = ["validation"]
    names += [f"annealing/{name}" for name in config["annealing"]]
    return names + [f"mixtures/{name}" for name in config["mixtures"]]


def test_validation_annealing_and_mixtures_share_no_document(run, config):
    sets = {name: set(finished.table(run / name / "documents")["id"].to_pylist()) for name in sets_of(run, config)}
    assert all(sets.values())
    pool = kept(run, config["pipeline"][-1])
    for name, members in sets.items():
        assert members <= pool
        for other, others in sets.items():
            if name != other and not (name.startswith("mixtures") and other.startswith("mixtures")):
                assert not members & others, (name, other)


def test_mixture_shares_are_those_of_the_plan(run, config):
    for name, section in config["mixtures"].items():
        documents = finished.rows(run / "mixtures" / name / "documents")
        plan = {row["domain"]: row for row in pq.read_table(run / "mixtures" / name / "plan.parquet").to_pylist()}
        by = section.get("by", "domain")
        taken = Counter()
        for row in documents:
            taken[row[by]] += row["tokens"]
        for key, weight in section["weights"].items():
            found = sum(taken[value] for value in key.split("+"))
            assert found == plan[key]["taken_tokens"]
            assert plan[key]["weight"] == weight
            largest = max(row["tokens"] for row in documents if row[by] in key.split("+"))
            assert abs(found - plan[key]["target_tokens"]) <= largest
        targets = [plan[key]["target_tokens"] / weight for key, weight in section["weights"].items()]
        assert max(targets) - min(targets) <= 0.005 * max(targets)
        assert sum(taken.values()) <= section["tokens"] * 1.02


def test_exports_hold_their_sets_and_load(run, config, tmp_path):
    datasets = pytest.importorskip("datasets")
    for name in sets_of(run, config):
        folder = run / "export" / name.split("/")[-1]
        split = "validation" if name == "validation" else "train"
        loaded = datasets.load_dataset(str(folder), split=split, cache_dir=str(tmp_path))
        expected = finished.table(run / name / "documents")
        assert sorted(loaded["id"]) == sorted(expected["id"].to_pylist())
        assert sorted(loaded["text"]) == sorted(expected["text"].to_pylist())


def test_exports_are_shuffled(run):
    ids = finished.table(run / "export" / "standard" / "parquet")["id"].to_pylist()
    rises = sum(a < b for a, b in pairwise(ids))
    assert 0.3 < rises / len(ids) < 0.7


# Report


def test_the_manifest_lists_every_result_with_its_hash(run):
    manifest = json.loads((run / "manifest.json").read_text())
    text = json.dumps(manifest)
    for path in [*run.glob("export/*/parquet/*.parquet"), *run.glob("mixtures/*/documents/*.parquet")]:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text, path


def test_the_report_shows_every_stage_and_escapes_the_corpus(full, run, config):
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert [stage for stage in config["pipeline"] if stage not in page] == []
    assert "<script>document.title" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;document.title" in page
    # One file, nothing is fetched.
    assert "<script src" not in page
    assert "<link" not in page
    assert not list(full.rglob("owned"))


def test_tamis_why_tells_the_story_of_a_dropped_document(full, ids, truth):
    case = next(case for case in truth["near_copies"] if case["jaccard"] > 0.8)
    done = subprocess.run(
        [sys.executable, "-m", "tamis.cli", "why", case["older"]],
        cwd=full,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "minhash_dedup" in done.stdout
    assert ids[case["newer"]] in done.stdout


def test_duckdb_sees_the_results(full):
    import duckdb

    # From this working directory, which is not that of the run.
    with duckdb.connect(str(full / "results" / "tamis.duckdb"), read_only=True) as connection:
        tables = dict(connection.execute("SELECT table_name, table_type FROM information_schema.tables").fetchall())
        lost = connection.execute("SELECT sum(documents_lost), sum(characters_lost) FROM conservation").fetchone()
        pool = connection.execute("SELECT count(*) FROM pool").fetchone()
    assert {name for name in ("dropped", "edits", "stats", "plan") if tables[name] == "BASE TABLE"} == {
        "dropped", "edits", "stats", "plan"
    }  # fmt: skip
    assert tables["pool"] == tables["export"] == "VIEW"
    assert lost == (0, 0)
    assert pool == (len(finished.rows(full / "results" / "tokenizer" / "documents")),)


def test_tamis_sql_shows_times_with_a_zone(full):
    command = [sys.executable, "-m", "tamis.cli", "sql", "SELECT * FROM pool LIMIT 1"]
    done = subprocess.run(command, cwd=full, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ingested_characters" in done.stdout
