"""Run the jobs of a stage in order, as the workflow does: shards, partitions and barriers, but no Snakemake."""

from __future__ import annotations

import inspect
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from tamis import barrier
from tamis.barrier import told
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.domain_rules import TAUGHT
from tamis.dedup.earlier import part_file
from tamis.dedup.minhash import index
from tamis.ids import home_shards
from tamis.job import FILES
from tamis.shards import part_name, write_table
from tamis.stages import classifier, decontamination, embeddings, judge
from tamis.stages import domains as domain
from tamis.stages import ensemble as ensembles
from tamis.stages import line_pruning as lines
from tamis.stages import minhash_dedup as minhash
from tamis.stages import paragraph_dedup as paragraphs
from tamis.stages import substring_dedup as substrings
from tamis.stages import url_dedup as urls

TABLES = ("documents", "kept", "dropped", "edits", "scores", "entries", "embeddings", "found")
JSON = ("stats", "counts")


def number(name: str) -> int:
    """The number of a document in the second half of its id."""
    return int(name[16:], 16)


class Outcome(NamedTuple):
    """What a stage wrote, over all shards: tables sorted by id, and the sums of the notes."""

    kept: pa.Table
    dropped: pa.Table
    edits: pa.Table | None
    notes: Counter[str]

    def matches(self) -> dict[int, tuple[str, int | None, float | None]]:
        """Dropped document (number in its id) → reason, matched document, similarity."""
        columns = ("id", "reason", "matched_id", "similarity")
        rows = zip(*(self.dropped[name].to_pylist() for name in columns), strict=True)
        return {number(name): (reason, match and number(match), value) for name, reason, match, value in rows}

    def stays(self) -> dict[int, int | None]:
        """Dropped document → the document kept in its place."""
        rows = zip(self.dropped["id"].to_pylist(), self.dropped["kept_id"].to_pylist(), strict=True)
        return {number(name): kept and number(kept) for name, kept in rows}

    def kept_numbers(self) -> list[int]:
        """Kept documents by the number in their id."""
        return sorted(number(name) for name in self.kept["id"].to_pylist())


class Jobs:
    """The jobs of one stage over a folder.

    Files are given as in a rule: a Path as it is, a name as the part of that name for the job's shard or partition, and
    as a job is told what is the one file of `Files`. What a step takes besides (`config`, say) may be given too, and is
    given as it is.
    """

    def __init__(
        self,
        stage: ModuleType,
        folder: Path,
        documents: pa.Table,
        config: Any = None,
        shards: int = 1,
        partitions: int = 1,
        name: str | None = None,
    ) -> None:
        """Write the documents to their home shards, under `documents`; a classifier has a name."""
        self.stage, self.folder = stage, Path(folder)
        self.config = stage.Config() if config is None else config
        self.name = name
        self.shards, self.partitions = shards, partitions
        self.seconds: Counter[str] = Counter()
        self.told: dict[str, Any] = {}
        self._parts: dict[str, int] = {}
        home = home_shards(documents["id"], shards)
        for shard in range(shards):
            mine = documents.filter(pa.array(home == shard)).sort_by("id")
            write_table(self.part("documents", shard), mine, row_group_rows=1000)

    def part(self, name: str, index: int) -> Path:
        """The file of one shard or partition."""
        suffix = ".parquet" if name in TABLES else ".json" if name in JSON else ".arrow"
        return self.folder / name / (part_name(index) + suffix)

    def over(self, name: str) -> Path:
        """A barrier over all files of that name."""
        path = self.folder / name / "barrier.json"
        barrier.write(path, path.parent, self._parts[name], self.part(name, 0).suffix)
        return path

    def each_shard(self, step: str, **files: Any) -> None:
        """Run a step once a shard."""
        for shard in range(self.shards):
            self._run(step, shard, {"shard": shard}, files)
        self._parts |= {name: self.shards for name in files.values() if isinstance(name, str)}

    def each_partition(self, step: str, **files: Any) -> None:
        """Run a step once a partition."""
        for partition in range(self.partitions):
            self._run(step, partition, {"partition": partition}, files)
        self._parts |= {name: self.partitions for name in files.values() if isinstance(name, str)}

    def once(self, step: str, **values: Any) -> None:
        """Run a step that has one job."""
        self._run(step, 0, {}, values)

    def _run(self, step: str, index: int, given: dict[str, Any], files: dict[str, Any]) -> None:
        function = getattr(self.stage, f"run_{step}")
        known = (
            {"config": self.config, "shards": self.shards, "partitions": self.partitions, "name": self.name}
            | self.told
            | given
        )
        taken = {name: known[name] for name in inspect.signature(function).parameters if name in known}
        paths = {name: self.part(file, index) if isinstance(file, str) else file for name, file in files.items()}
        gathered = {name for name, hint in get_type_hints(function).items() if hint in FILES}
        paths = {name: told([str(path)]) if name in gathered and path else path for name, path in paths.items()}
        begin = time.perf_counter()
        function(**(taken | paths))
        self.seconds[step] += time.perf_counter() - begin

    def table(self, name: str) -> pa.Table:
        """The files of all shards together, in the order of the shards."""
        paths = [self.part(name, shard) for shard in range(self.shards)]
        return pa.concat_tables([pq.read_table(path, schema=pq.read_schema(path)) for path in paths])

    def outcome(self, *, edits: bool = False) -> Outcome:
        """What the last step, which writes kept, dropped, stats (and edits), has written."""
        notes: Counter[str] = Counter()
        for shard in range(self.shards):
            notes.update(json.loads(self.part("stats", shard).read_text())["notes"])
        cuts = self.table("edits").sort_by([("id", "ascending"), ("start", "ascending")]) if edits else None
        return Outcome(self.table("kept").sort_by("id"), self.table("dropped").sort_by("id"), cuts, notes)


OUTCOME = {"kept": "kept", "dropped": "dropped", "stats": "stats"}
OUTCOME_WITH_EDITS = OUTCOME | {"edits": "edits"}


def url_dedup(folder: Path, documents: pa.Table, config: Any = None, shards: int = 1, partitions: int = 1) -> Outcome:
    """All steps of url_dedup."""
    jobs = Jobs(urls, folder, documents, config, shards, partitions)
    jobs.each_shard("apply", documents="documents", **OUTCOME)
    if jobs.config.write_index:
        jobs.each_shard("index", documents="kept", output="index")
        jobs.once("describe", parts=jobs.over("index"), output=jobs.folder / "index" / "index.json")
    return jobs.outcome()


def paragraph_dedup(
    folder: Path, documents: pa.Table, config: Any = None, shards: int = 1, partitions: int = 1
) -> Outcome:
    """All steps of paragraph_dedup."""
    jobs = Jobs(paragraphs, folder, documents, config, shards, partitions)
    given: dict[str, Any] = {"documents": "documents", "paragraphs": "paragraphs"}
    fates = jobs.folder / "fates.arrow"
    jobs.each_shard("map", **given, output="map")
    jobs.each_partition("reduce", barrier=jobs.over("map"), output="reduce")
    given["barrier"] = jobs.over("reduce")
    jobs.each_shard("decide", **given, candidates="candidates", output="decide")
    jobs.once("resolve", barrier=jobs.over("candidates"), output=fates)
    jobs.each_partition("reown", barrier=jobs.over("map"), lines=jobs.over("decide"), fates=fates, output="reown")
    given |= {"changes": jobs.over("reown"), "fates": fates}
    jobs.each_shard("apply", **given, **OUTCOME_WITH_EDITS)
    if jobs.config.write_index:
        jobs.each_shard("index", **given, kept="kept", output="index")
        jobs.once("describe", parts=jobs.over("index"), output=jobs.folder / "index" / "index.json")
    return jobs.outcome(edits=True)


def line_pruning(
    folder: Path, documents: pa.Table, config: Any = None, shards: int = 1, partitions: int = 1
) -> Outcome:
    """All steps of line_pruning."""
    jobs = Jobs(lines, folder, documents, config, shards, partitions)
    size = jobs.folder / "size.json"
    jobs.once("size", folder=jobs.folder / "documents", output=size)
    jobs.each_shard("map", documents="documents", corpus_size=size, output="map")
    jobs.each_partition("reduce", barrier=jobs.over("map"), corpus_size=size, output="reduce")
    given = {"documents": "documents", "counted": "map", "barrier": jobs.over("reduce"), "corpus_size": size}
    jobs.each_shard("apply", **given, **OUTCOME_WITH_EDITS)
    if jobs.config.write_index:
        jobs.each_shard("index", counted="map", output="index")
        described = jobs.folder / "index" / "index.json"
        jobs.once("describe", corpus_size=size, parts=jobs.over("index"), output=described)
    return jobs.outcome(edits=True)


def substring_dedup(
    folder: Path, documents: pa.Table, config: Any = None, shards: int = 1, partitions: int = 1
) -> Outcome:
    """All steps of substring_dedup."""
    jobs = Jobs(substrings, folder, documents, config, shards, partitions)
    jobs.each_shard("map", documents="documents", output="map")
    jobs.each_partition("reduce", barrier=jobs.over("map"), output="reduce")
    given: dict[str, Any] = {"documents": "documents", "places": "places", "counts": "counts"}
    jobs.each_shard("windows", **given, barrier=jobs.over("reduce"), output="windows")
    jobs.each_partition("elect", barrier=jobs.over("windows"), output="elect")
    jobs.each_shard("apply", **given, barrier=jobs.over("elect"), **OUTCOME_WITH_EDITS)
    return jobs.outcome(edits=True)


def decontaminate(folder: Path, documents: pa.Table, config: Any, shards: int = 1) -> Jobs:
    """All steps of decontamination."""
    jobs = Jobs(decontamination, folder, documents, config, shards)
    index, rarity, carriers = (jobs.folder / f"{name}.arrow" for name in ("index", "rarity", "chosen"))
    jobs.once("index", output=index)
    jobs.each_shard("map", documents="documents", index=index, counts="counted", carriers="carriers")
    over = {"counts": jobs.over("counted"), "carriers": jobs.over("carriers")}
    jobs.once("rarity", **over, output=rarity, chosen=carriers)
    jobs.once("audit", index=index, rarity=rarity, carriers=carriers, output=jobs.folder / "audit.json")
    jobs.each_shard("apply", documents="documents", index=index, rarity=rarity, found="found", **OUTCOME_WITH_EDITS)
    given = {"index": index, "audit": jobs.folder / "audit.json", "found": jobs.over("found")}
    jobs.once("table", **given, output=jobs.folder / "contamination.json")
    return jobs


class MinhashJobs(Jobs):
    """The jobs of minhash_dedup, in groups between which a test may look or interfere."""

    judged = "documents"
    """Folder of the documents with the text that is compared."""

    def candidates(self) -> None:
        """Steps map and pairs."""
        given = {"judged": self.judged, "documents": "documents"}
        self.each_shard("map", **given, signatures_file="signatures", output="map")
        members = "map"
        if self.config.against:
            self.each_partition("lookup", barrier=self.over("map"), output="lookup")
            given = {"judged": self.judged, "signatures_file": "signatures", "members": "map"}
            self.each_shard("match", **given, barrier=self.over("lookup"), matches="matches", output="unmatched")
            members = "unmatched"
        self.each_partition("pairs", barrier=self.over(members), output="pairs", collapsed="collapsed")

    def verification(self) -> None:
        """Steps sets and verify."""
        given = {"judged": self.judged, "signatures_file": "signatures"}
        self.each_shard("sets", **given, barrier=self.over("pairs"), output="sets")
        self.each_shard("verify", **given, barrier=self.over("sets"), output="edges")

    def decision(self) -> Outcome:
        """Steps resolve, audit (where the configuration asks for it) and apply."""
        verdicts = self.folder / "verdicts.arrow"
        self.once("resolve", edges=self.over("edges"), collapsed=self.over("collapsed"), output=verdicts)
        given: dict[str, Any] = {
            "judged": self.judged,
            "verdicts": verdicts,
            "matches": "matches" if self.config.against else None,
        }
        audit = None
        if self.config.audit_sample:
            signed = {"signatures_file": "signatures", "barrier": self.over("signatures")}
            self.each_shard("audit", **given, **signed, output="audit")
            audit = self.over("audit")
        given |= {"documents": "documents", "sets": "sets", "edges": "edges", "audit": audit}
        self.each_shard("apply", **given, **OUTCOME)
        return self.outcome()

    def index(self) -> None:
        """Steps index and describe."""
        folder = self.folder / "index"
        for shard in range(self.shards):
            bands, sets = (part_file(folder, shard, what) for what in index.FILES)
            judged, documents = self.part(self.judged, shard), self.part("kept", shard)
            self.once("index", judged=judged, documents=documents, bands=bands, sets=sets)
        self.once("describe", output=folder / "index.json")


def minhash_dedup(
    folder: Path, documents: pa.Table, config: Any = None, shards: int = 1, partitions: int = 1
) -> Outcome:
    """All steps of minhash_dedup."""
    jobs = MinhashJobs(minhash, folder, documents, config, shards, partitions)
    jobs.candidates()
    jobs.verification()
    outcome = jobs.decision()
    if jobs.config.write_index:
        jobs.index()
    return outcome


def classify(folder: Path, documents: pa.Table, config: Any, shards: int = 1, name: str = "quality") -> Jobs:
    """All steps of a classifier, and those of its embeddings if it sees any."""
    jobs = Jobs(classifier, folder, documents, config, shards, name=name)
    backbone, thresholds = jobs.folder / "backbone.json", jobs.folder / "thresholds.json"
    model = {"model": jobs.folder / "model", "card": jobs.folder / "card.json"}
    every: dict[str, Any] = {}
    one: dict[str, Any] = {}
    if config.encodes:
        jobs.stage, embedding = embeddings, config.for_embedding()
        jobs.once("backbone", config=embedding, output=backbone)
        jobs.each_shard("embed", config=embedding, documents="documents", backbone=backbone, embeddings="embeddings")
        jobs.stage, one = classifier, {"embeddings": "embeddings"}
        every = {"embeddings": jobs.over("embeddings"), "backbone": backbone}
    if config.labels.judge is not None:
        jobs.stage, asked, every["judged"] = judge, config.labels.judge, jobs.folder / "judged.arrow"
        jobs.told = {"kinds": config.applies_to, "characters": config.labelled_characters, "seed": config.sampling.seed}
        jobs.told["ways"] = json.dumps(asked.ways())
        jobs.each_shard("sample", config=asked.for_answers(), documents="documents", output="sample")
        over = {"barrier": jobs.over("sample"), "prompt": asked.prompt}
        jobs.once("judge", config=asked.for_answers(), **over, output=every["judged"])
        jobs.stage = classifier
    jobs.each_shard("label", documents="documents", output="labels")
    if config.tunes:
        every = one = {"tuned": jobs.folder / "fine_tuned.json"}
        jobs.once("tune", labels=jobs.over("labels"), **every)
    jobs.once("train", labels=jobs.over("labels"), **model, card_text=jobs.folder / "card.md", **every)
    jobs.each_shard("score", documents="documents", **model, scores="scores", **one)
    retained = {"retention": jobs.folder / "retention.json", "retention_text": jobs.folder / "retention.md"}
    jobs.once("threshold", barrier=jobs.over("scores"), output=thresholds, **retained)
    jobs.each_shard("apply", documents="documents", scores="scores", thresholds=thresholds, **OUTCOME)
    return jobs


def ensemble(folder: Path, documents: pa.Table, config: Any, shards: int = 1, name: str = "both") -> Jobs:
    """All steps of an ensemble over documents that have the scores of its members."""
    jobs = Jobs(ensembles, folder, documents, config, shards, name=name)
    ranked = {"members": jobs.folder / "members.json"}
    jobs.each_shard("count", documents="documents", output="ensemble")
    jobs.once("rank", barrier=jobs.over("ensemble"), output=jobs.folder / "ranks.arrow", **ranked)
    jobs.each_shard("score", documents="documents", ranked=jobs.folder / "ranks.arrow", **ranked, scores="scores")
    jobs.stage = classifier
    retained = {"retention": jobs.folder / "retention.json", "retention_text": jobs.folder / "retention.md"}
    thresholds = jobs.folder / "thresholds.json"
    jobs.once("threshold", barrier=jobs.over("scores"), output=thresholds, **retained)
    jobs.each_shard("apply", documents="documents", scores="scores", thresholds=thresholds, **OUTCOME)
    return jobs


class DomainsJobs(Jobs):
    """The jobs of domains; a test may write embeddings first."""

    backbone: Backbone | None = None
    """What made them."""

    def all_steps(self) -> None:
        """Steps label, train, score and apply."""
        model = self.folder / "model"
        wanted = self.config.features == "embeddings"
        asked, judged = self.config.labels.judge, None
        if asked is not None:
            self.each_shard("sample", documents="documents", output="sample")
            self.stage, judged = judge, self.folder / "judged.arrow"
            self.told = {"seed": self.config.sampling.seed, "ways": json.dumps(asked.ways())}
            self.told |= {"classes": list(TAUGHT), "name": "domains"}
            given = {"barrier": self.over("sample"), "prompt": asked.prompt, "output": judged}
            self.once("judge", config=asked.for_answers(), **given)
            self.stage = domain
        self.each_shard("label", documents="documents", output="labels")
        self.once(
            "train",
            judged=judged,
            backbone=(self.backbone or Backbone()).model_dump(mode="json"),
            labels=self.over("labels"),
            model=model,
            card=self.folder / "card.json",
            card_text=self.folder / "card.md",
            embeddings=self.over("embeddings") if wanted else None,
        )
        vectors = "embeddings" if wanted else None
        given = {"model": model, "card": self.folder / "card.json"}
        self.each_shard("score", documents="documents", **given, scores="scores", embeddings=vectors)
        self.each_shard("apply", documents="documents", scores="scores", **OUTCOME)

    def write(self, name: str, make: Callable[[pa.Table], pa.Table]) -> None:
        """Write a file a shard, made from its documents."""
        for shard in range(self.shards):
            write_table(self.part(name, shard), make(pq.read_table(self.part("documents", shard))))
        self._parts[name] = self.shards


def domains(
    folder: Path,
    documents: pa.Table,
    config: Any,
    embeddings: Callable[[pa.Table], pa.Table],
    shards: int = 1,
    backbone: Backbone | None = None,
) -> Jobs:
    """All steps of domains.

    Args:
        folder: a new one.
        documents: n documents with a language.
        config: the section.
        embeddings: documents of a shard → the rows of its embeddings file.
        shards: how many.
        backbone: what made the embeddings.
    """
    jobs = DomainsJobs(domain, folder, documents, config, shards)
    jobs.backbone = backbone
    jobs.write("embeddings", embeddings)
    jobs.all_steps()
    return jobs
