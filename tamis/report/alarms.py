"""What should make a person stop and look: one sentence each, with the stage or source, how many, and what to do.

The page shows them, `tamis run`, `tamis waterfall` and plain Snakemake print them, and `report.alarms_fatal` makes a
run fail over them. Everything is counted from what the run wrote; of documents only the column `language` is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tamis.errors import TamisError
from tamis.readers.record import DAMAGED, EMPTY, read_well
from tamis.report import tables
from tamis.report.figures import Group
from tamis.report.layout import Results
from tamis.report.model_cards import worse_than_a_baseline
from tamis.report.settings import Config
from tamis.shards import read_json, read_table

NAMED = 3
"""Rules, files or fields that a sentence names."""


@dataclass
class Reading:
    """What ingest read of one source."""

    records: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[str, str]] = field(default_factory=list)
    """Files that were left out, and why."""
    fields: Counter[str] = field(default_factory=Counter)
    """Field that the configuration names → records that had it."""
    single: bool = True
    """Whether no file holds more than one record, as files of text."""


def _list(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def readings(results: Results) -> dict[str, Reading]:
    """What ingest read, by source, from `ingest/read/` and `ingest/skipped/`.

    Files that an earlier version wrote say nothing of fields.
    """
    found: dict[str, Reading] = {}
    # One list of skips a unit: its name says which units the configuration has.
    for path in results.skipped():
        for batch in pq.ParquetFile(path).iter_batches(columns=["source", "reason"]):
            for source, reason in zip(batch["source"].to_pylist(), batch["reason"].to_pylist(), strict=True):
                found.setdefault(source, Reading()).skipped[reason] += 1
        record = results.folder / "ingest" / "read" / f"{path.stem}.json"
        if not record.exists():
            continue
        value: Any = read_json(record)
        reading = found.setdefault(value["source"], Reading())
        for file in value["files"]:
            reading.records += file["records"]
            reading.single &= file["records"] + file["skipped"] <= 1
            if file.get("bad"):
                reading.bad.append((file["path"], file["bad"]))
            for name, records in file.get("fields", {}).items():
                reading.fields[name] += records
    return dict(sorted(found.items()))


def left_out(folder: Path) -> list[str]:
    """A sentence a source of which ingest left out files, also where a run of single stages made no layout.

    Args:
        folder: of the results.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((folder / "ingest" / "read").glob("part-*.json")):
        value: Any = read_json(path)
        bad = [(file["path"], file["bad"]) for file in value["files"] if file.get("bad")]
        if bad:
            found.setdefault(value["source"], []).extend(bad)
    return [_left_out(source, bad) for source, bad in sorted(found.items())]


def _left_out(source: str, bad: Sequence[tuple[str, str]]) -> str:
    paths = _list([f"{path} ({why})" for path, why in bad])
    return (
        f"ingest left out {len(bad):,} bad file{'s'[: len(bad) != 1]} of source {source}, as "
        f"on_bad_file asks: {paths}. Repair or fetch them again, then run again."
    )


def of_reading(read: Mapping[str, Reading], config: Config) -> list[str]:
    """Alarms about the input: files left out, records skipped, fields that no record has.

    Args:
        read: what ingest read, by source.
        config: the thresholds.
    """
    found = []
    for source, reading in read.items():
        if reading.bad:
            found.append(_left_out(source, reading.bad))
        # An empty text was read well: an empty file (`__init__.py`) is whole, a record without text may be a mistake.
        # So was a record that is no page: of other media types, of other statuses.
        empty = reading.skipped[EMPTY]
        unread = Counter({reason: count for reason, count in reading.skipped.items() if not read_well(reason)})
        skipped = unread.total()
        share = skipped / max(1, skipped + reading.records)
        if reading.records and share > config.alarm_skipped_share:
            reasons = _list([f"{reason} {count:,}" for reason, count in unread.most_common()])
            damaged = sum(unread[reason] for reason in DAMAGED)
            remedies = ["correct the source's format and fields"] * (damaged < skipped)
            remedies += ["fetch what is damaged again"] * (damaged > 0)
            found.append(
                f"ingest could not read {skipped:,} of {skipped + reading.records:,} records of source {source} "
                f"({100 * share:.1f} %: {reasons}). They are listed in ingest/skipped/; {', '.join(remedies)}, "
                "or raise report.alarm_skipped_share."
            )
        share = empty / max(1, empty + reading.records)
        key = "alarm_lost_share" if reading.single else "alarm_skipped_share"
        if reading.records and share > getattr(config, key):
            what, remedy = ("files", "fetch them again") if reading.single else ("texts", "correct the source's fields")
            found.append(
                f"{empty:,} of {empty + reading.records:,} {what} of source {source} are empty ({100 * share:.1f} %). "
                f"If they should hold something, {remedy}, else raise report.{key}."
            )
        missing = [name for name, records in sorted(reading.fields.items()) if not records]
        if missing and reading.records:
            found.append(
                f"No record of source {source} has {_list([repr(name) for name in missing])}, which the configuration "
                f"names, among {reading.records:,} records. Correct the name in `sources`, or leave the key out."
            )
    return found


def languages(results: Results) -> Iterator[tuple[str, Counter[str]]]:
    """Stage and documents by language that it kept, from the stage that identifies languages on.

    Memory: a batch of one column.
    """
    for stage in results.layout.stages:
        counts: Counter[str] = Counter()
        paths = results.parts(stage, "documents")
        if not paths or "language" not in pq.read_schema(paths[0]).names:
            continue
        for path in paths:
            for batch in pq.ParquetFile(path).iter_batches(columns=["language"]):
                for entry in pc.value_counts(batch["language"].cast(pa.string())).to_pylist():
                    counts[entry["values"] or ""] += entry["counts"]
        yield stage, counts


def _rules(step: tables.Step) -> str:
    return ", ".join(f"{reason} {count.documents:,}" for reason, count in list(step.dropped.items())[:NAMED])


def of_counts(stats: pa.Table, config: Config) -> list[str]:
    """Alarms about stages: a source nearly gone, documents unaccounted for.

    Args:
        stats: a table with the schema `tables.STATS`.
        config: the thresholds.
    """
    found = []
    for source in sorted({value for value in stats["source"].to_pylist() if value}):
        for step in tables.steps(stats, source=source):
            lost = 1 - step.kept_share
            # Of a small source one document more or less is a large share; that nothing is left of it is not.
            enough = step.read.documents >= (1 if not step.kept.documents else config.alarm_lost_minimum)
            if enough and lost > config.alarm_lost_share:
                found.append(
                    f"{step.stage} dropped {100 * lost:.1f} % of source {source}: {step.kept.documents:,} of "
                    f"{step.read.documents:,} documents are left ({_rules(step)}). Read some of them on the page; if "
                    f"they should stay, change the section {step.stage}, else raise report.alarm_lost_share."
                )
    for step in tables.steps(stats):
        missing = step.read.documents - step.kept.documents - sum(count.documents for count in step.dropped.values())
        if missing:
            found.append(f"{step.stage} does not account for {missing:,} documents; this is a defect.")
    return found


def of_languages(kept: Sequence[tuple[str, Counter[str]]], config: Config) -> list[str]:
    """Alarms about stages that keep hardly anything of a language.

    Args:
        kept: stages in order and what each kept; the first only says what comes in, for it chooses by language.
        config: the thresholds.
    """
    found = []
    for (_, before), (stage, after) in pairwise(kept):
        for language, read in sorted(before.items()):
            lost = 1 - after[language] / read
            if read >= config.alarm_lost_minimum and lost > config.alarm_lost_share:
                found.append(
                    f"{stage} dropped {100 * lost:.1f} % of language {language}: {after[language]:,} of {read:,} "
                    f"documents are left. Are its rules made for this language? If they should stay, change the "
                    f"section {stage}, else raise report.alarm_lost_share."
                )
    return found


def of_groups(groups: Sequence[Group], config: Config) -> list[str]:
    """Alarms about giant groups of copies."""
    return [
        f"{group.stage} dropped {group.documents:,} documents as copies of {group.id}; a template? Look at it with "
        f"`tamis why {group.id}`; if it is none, raise report.alarm_group."
        for group in groups
        if group.documents > config.alarm_group
    ]


EQUAL_SCORES = 10
"""Documents that are no accident where all of them have one score."""


def of_scored(models: Mapping[str, Mapping[str, Any]], named: Collection[str], config: Config) -> list[str]:
    """Alarms about classifiers that judge nothing, or only a sliver of what reaches them: all else passes unjudged.

    Args:
        models: as in `alarms`.
        named: classifiers that have no section of their own.
        config: the thresholds.
    """
    found = []
    for stage, files in models.items():
        counted = files.get("retention")
        if not isinstance(counted, dict) or not {"documents", "unscored"} <= counted.keys():
            continue
        scored, all_ = counted["documents"], counted["documents"] + counted["unscored"]
        section = f"classifiers.{stage}" if stage in named else stage
        if scored >= EQUAL_SCORES and counted.get("lowest", 0.0) == counted.get("highest", 1.0):
            found.append(
                f"{stage} gives all {scored:,} documents the same score: if it drops some, their ids decide. Its model "
                f"sees nothing in which they differ. Give {section} labels or a model for texts like these, or take it "
                "out of pipeline."
            )
        if all_ >= config.alarm_lost_minimum and scored < config.alarm_scored_share * all_:
            if "members" in files:
                found.append(
                    f"{stage} scored {scored:,} of {all_:,} documents ({100 * scored / all_:.1f} %): all others pass "
                    f"without a score, because {section}.applies_to leaves them out or none of its classifiers scored "
                    "them. Widen these, or lower report.alarm_scored_share."
                )
                continue
            card = files.get("card")
            kinds = ", ".join(card.get("kinds", ())) if isinstance(card, dict) else ""
            found.append(
                f"{stage} scored {scored:,} of {all_:,} documents ({100 * scored / all_:.1f} %): all others pass "
                f"without a score{f'; its labels hold kind {kinds} only' if kinds else ''}. If more should be judged, "
                f"give {section}.labels texts of their kinds, or widen {section}.applies_to or its cascade; else lower "
                "report.alarm_scored_share."
            )
    return found


HIT_TIMES, HIT_SHARE = 3, 0.05
"""A bound on word lists hits one group: as many times the share of all others, and at least so large a share."""


def of_word_lists(retention: pa.Table, config: Config) -> list[str]:
    """Alarms about languages and sources of which a bound on word lists drops far more than of all others.

    Args:
        retention: rows of `tamis.toxicity.retention.RETENTION`.
        config: the thresholds.
    """
    found = []
    rows = retention.filter(retention["in_force"]).to_pylist()
    whole, gone = (sum(row[name] for row in rows) for name in ("documents", "beyond"))
    for key in ("language", "source"):
        for name in sorted({row[key] for row in rows}):
            own, dropped = (sum(row[n] for row in rows if row[key] == name) for n in ("documents", "beyond"))
            others = (gone - dropped) / max(1, whole - own)
            if own < max(1, config.alarm_lost_minimum) or own == whole:
                continue
            if dropped >= HIT_SHARE * own and dropped > HIT_TIMES * others * own:
                found.append(
                    f"toxicity dropped {dropped:,} of {own:,} documents of {key} {name} ({100 * dropped / own:.1f} %, "
                    f"of all others {100 * others:.1f} %). Read thirty of them; then put entries that mean something "
                    "else there under toxicity.allow, or give that language bounds of its own under toxicity.languages."
                )
    return found


def alarms(
    results: Results,
    stats: pa.Table,
    groups: Sequence[Group],
    models: Mapping[str, Mapping[str, Any]],
    config: Config,
) -> list[str]:
    """All alarms of a run: about the input first, then by stage.

    Args:
        results: a results folder.
        stats: a table with the schema `tables.STATS`.
        groups: the largest groups of copies.
        models: what was written of each model, from `tamis.report.manifest.model_cards`.
        config: the thresholds.
    """
    return [
        *of_reading(readings(results), config),
        *of_counts(stats, config),
        *of_languages(list(languages(results)), config),
        *of_groups(groups, config),
        *of_scored(models, results.layout.classifiers, config),
        *([] if (listed := _retention(results)) is None else of_word_lists(listed, config)),
        *worse_than_a_baseline(models, results.layout.classifiers, config.alarm_baseline),
    ]


def _retention(results: Results) -> pa.Table | None:
    path = results.folder / "toxicity" / "retention.parquet"
    return read_table(path) if "toxicity" in results.layout.stages and path.exists() else None


def raised(results: Results) -> list[str]:
    """The alarms of the last run whose page was made; none where the page is older than the counts, or missing."""
    path = results.folder / "report" / "alarms.json"
    counts = results.folder / "stats.parquet"
    try:
        if path.stat().st_mtime_ns < counts.stat().st_mtime_ns:
            return []
        found: list[str] = read_json(path)
    except (FileNotFoundError, TamisError, ValueError):  # the next run makes it again
        return []
    return found
