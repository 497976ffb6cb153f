"""`tamis estimate`: what a run will take, from timed runs over three samples of its real input.

The chain itself runs, with the configuration's own stages and settings, over some files of each source (`sample`: those
of the smallest hashes), over about a ninth of them, a third, and all; token budgets of sets are cut in proportion. A
shard of them holds as much as one of the whole run, as far as the sample goes, so that a job's memory is that of a real
one. What a job used stands in its log. `tamis.scaling` draws the lines.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tamis import launch, scaling, sharding
from tamis.classifiers import cards
from tamis.config import load
from tamis.config_model import Config
from tamis.engine.jobs import STARTED, VARIABLE
from tamis.errors import ConfigError, TamisError
from tamis.inventory import Group, Inventory, is_exchange
from tamis.readers.units import Unit
from tamis.readers.units import units as units_of
from tamis.scaling import Holds, Key, Learnt, Room, Sampled, Step, Work
from tamis.shards import BATCH_ROWS, ROW_GROUP_ROWS, read_json
from tamis.stages import tokenizer
from tamis.sweep import place
from tamis.user_cache import COMPILED

PARTS = (1 / 9, 1 / 3, 1.0)
"""Of the sample, one after the other: the first, which compiles kernels where there are none, is soon repeated."""

USED = re.compile(r"used (\d+\.\d+) s of CPU, (\d+) MB\n*\Z")
NUMBER = re.compile(r"-\d{5}[^/]*$")


def sizes(planned: Sequence[Unit]) -> dict[str, dict[Path, int | None]]:
    """The files of each source, with their bytes where these are known."""
    found: dict[str, dict[Path, int | None]] = {}
    for unit in planned:
        for path in unit.files:
            wanted = unit.remote.get(path)
            known = path.stat().st_size if path.is_file() else wanted.bytes if wanted else None
            found.setdefault(unit.source.name, {})[path] = known
    return found


def times(whole: Mapping[Path, int | None], part: Mapping[Path, int | None]) -> float:
    """How many times as much the files of a source are as those of its sample, by bytes, or by number."""
    if None in (*whole.values(), *part.values()):
        return len(whole) / max(1, len(part))
    return sum(size or 0 for size in whole.values()) / max(1, sum(size or 0 for size in part.values()))


def sampled_configuration(values: Mapping[str, Any], share: float, folder: Path, shards: int = 1) -> dict[str, Any]:
    """The configuration of a run over a share of the files of each source.

    Args:
        values: the whole configuration.
        share: of the files, in (0, 1].
        folder: of its results.
        shards: of its results.
    """
    found = {**values, "output_dir": str(folder), "shards": shards, "partitions": None, "keep_exchange": True}
    found["sources"] = [_fewer(source, share) for source in values["sources"]]
    for name in ("annealing", "mixtures"):
        found[name] = {key: _less(section, share) for key, section in (values.get(name) or {}).items()} or None
    if values.get("validation"):
        found["validation"] = _less(values["validation"], share)
    found["report"] = {**(values.get("report") or {}), "alarms_fatal": False}
    return found


def _fewer(source: Mapping[str, Any], share: float) -> dict[str, Any]:
    limit = source.get("limit")
    fewer = {} if limit is None else {"limit": max(1, round(limit * share))}
    return {**source, **fewer, "sample": (source.get("sample") or 1.0) * share}


def _less(section: Mapping[str, Any], share: float) -> dict[str, Any]:
    tokens = section.get("tokens")
    # A share of the pool stays one.
    return {**section, **({"tokens": max(1, round(tokens * share))} if isinstance(tokens, int) else {})}


def run_sample(values: Mapping[str, Any], folder: Path, cores: int, nodes: int) -> tuple[Sampled, Inventory]:
    """Run the chain over a sample and read what it took.

    On several nodes each job is a process that imports what it needs; here most are forked from one that has
    (`tamis.engine.forks`).

    Raises:
        TamisError: the run fails; what it printed is in the message.
    """
    path = folder.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True), encoding="utf-8")
    command = [sys.executable, "-m", "tamis.cli", "run", "--configfile", str(path), "--quiet", "all"]
    printed = folder.with_suffix(".txt")
    with printed.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - no shell
            [*command, "--cores", str(cores)],
            env=os.environ | ({VARIABLE: STARTED} if nodes > 1 else {}),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        text = printed.read_text(encoding="utf-8", errors="replace")[-4_000:]
        msg = f"the run over a sample failed; a larger one (--sample) may hold what it lacks. It said:\n{text}"
        raise TamisError(msg)
    return measured(folder, usage.ru_utime + usage.ru_stime, load(values))


def measured(results: Path, seconds: float, config: Config | None = None) -> tuple[Sampled, Inventory]:
    """What a finished run took, by its logs and files; and what it made.

    Args:
        results: its folder.
        seconds: CPU seconds of all its processes.
        config: what says how much its models would have learnt from at most.
    """
    layout = read_json(results / "layout.json")
    made = Inventory.model_validate(layout["inventory"])
    characters: dict[str, int] = {}
    documents: dict[str, int] = {}
    for path in (results / "ingest" / "stats").glob("*.json"):
        for count in read_json(path)["counts"]:
            if count["outcome"] == "kept":
                characters[count["source"]] = characters.get(count["source"], 0) + count["characters"]
                documents[count["source"]] = documents.get(count["source"], 0) + count["documents"]
    work = _work(results / "logs")
    jobs = sum(one.jobs for one in work.values())
    own = sum(one.seconds for one in work.values())
    overhead = max(0.0, seconds - own) / max(1, jobs)
    learnt = {key: found for key in work if config and (found := _learnt(results, *key, config))}
    return Sampled(characters, documents, work, _room(results), overhead, learnt), made


def _learnt(results: Path, stage: str, step: str, config: Config) -> dict[str, Learnt]:
    """What a step that trains has learnt from, and how much that may be; nothing of any other step."""
    if step not in ("train", "tune"):
        return {}
    if stage == "tokenizer" and config.tokenizer is not None:
        return tokenizer.learnt(config.tokenizer, read_json(results / stage / "training.json"))
    card, sampling = results / stage / "card.json", getattr(config.section(stage), "sampling", None)
    return cards.learnt(read_json(card), sampling.cap) if sampling and card.exists() else {}


def _work(logs: Path) -> dict[Key, Work]:
    found: dict[Key, Work] = {}
    for path in sorted(logs.rglob("*.log")):
        used = USED.search(path.read_text(encoding="utf-8", errors="replace"))
        if used is None:
            continue
        key = _key(path.relative_to(logs).as_posix())
        before = found.get(key, Work(0, 0.0, 0.0))
        found[key] = Work(before.jobs + 1, before.seconds + float(used[1]), max(before.megabytes, float(used[2])))
    return found


def _key(log: str) -> Key:
    """Stage and step of a log, relative to the folder of logs; those of several sets are steps of their own."""
    stage = place(log)
    return stage, NUMBER.sub("", log.removesuffix(".log")).removeprefix(f"{stage}/")


def _room(results: Path) -> dict[str, Room]:
    found: dict[str, list[int]] = {}
    for path in results.rglob("*"):
        name = path.relative_to(results).as_posix()
        if path.is_file() and "/" in name and not name.startswith(("logs/", "benchmarks/", "swept/")):
            entry = found.setdefault(place(name), [0, 0, 0])
            entry[1 if is_exchange(name) else 0] += path.stat().st_size
            entry[2] += 1
    return {name: Room(*entry) for name, entry in found.items()}


def steps_of(made: Inventory, counts: Mapping[str, int], of_document: float) -> dict[Key, Step]:
    """What each step will be in the whole run.

    Args:
        made: the inventory of a sample.
        counts: by the wildcard that counts: shards, partitions and units of the whole run.
        of_document: characters of a document.
    """
    found: dict[Key, Step] = {}
    for group in made.groups:
        if log := next((record for record in group.records if record.startswith("logs/")), None):
            numbered = re.sub(r"\{\w+\}", "00000", log.removeprefix("logs/"))
            key = _key(numbered)
            jobs = _number(group, counts) + (found[key].jobs if key in found else 0)
            found[key] = Step(jobs, group.number is not None, _holds(*key, of_document))
    return found


def _number(group: Group, counts: Mapping[str, int]) -> int:
    # The shards of an export are its own.
    if group.number is None or "export" in group.names:
        return len(group.values())
    return counts.get(group.number, len(group.values()))


def _holds(stage: str, step: str, of_document: float) -> Holds | None:
    """What a job of a step holds of its text at most: what its module says, or a batch if it reads documents."""
    row_group = ROW_GROUP_ROWS * of_document
    if (stage, step) in READ_IN_ROW_GROUPS:
        return Holds(row_group, row_group)
    for name in (stage, "classifier", "subset"):
        if importlib.util.find_spec(f"tamis.stages.{name}") is None:
            continue
        module = importlib.import_module(f"tamis.stages.{name}")
        last = step.rpartition("/")[2]
        if (found := getattr(module, "HOLDS", {}).get(last)) is not None:
            return found
        if function := getattr(module, f"run_{last}", None):
            read = READ_IN_BATCHES & inspect.signature(function).parameters.keys()
            return Holds(BATCH_ROWS * of_document, row_group) if read else None
    return None


READ_IN_ROW_GROUPS = {("report", "page")}
"""Steps that read documents by their place, of one shard after the other."""

READ_IN_BATCHES = {"documents", "judged"}
"""Parameters that are files of documents, which a job reads in batches and writes in row groups (`tamis.shards`)."""


def estimate(config_file: str, *, cores: int, nodes: int, sample: int, say: Callable[[str], None]) -> scaling.Estimate:
    """What a run of a configuration will take.

    Args:
        config_file: its file.
        cores: that work at one time, on all nodes together.
        nodes: how many.
        sample: bytes of input files that are read for it, about.
        say: shows a line.

    Raises:
        TamisError: the configuration is wrong, or a run over a sample fails.
    """
    values = launch.merged(["--configfile", config_file])
    config = load(values)
    results = Path(config.output_dir)
    planned = units_of(config.sources, config.ingest.unit_bytes, None)
    config = config.of_shards(sharding.choose(config.shards, planned, results).shards)
    files = sizes(planned)
    bytes_of_all = sum(size or 0 for source in files.values() for size in source.values())
    share = min(1.0, sample / bytes_of_all) if bytes_of_all else 1.0
    results.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tamis-estimate-", dir=results.parent) as scratch:
        runs = _run_samples(values, config, files, share, Path(scratch), nodes, say)
    (_, made, chosen), samples = runs[-1], [sampled for sampled, _, _ in runs]
    of_document = samples[-1].total / max(1, sum(samples[-1].documents.values()))
    growth = {name: times(files[name], chosen.get(name, {})) for name in files}
    counts = {"shard": config.shards, "partition": config.partition_count, "unit": len(planned)}
    found = scaling.scaled(samples, growth, steps_of(made, counts, of_document), cores)
    found.stages = scaling.in_order(found.stages, ["ingest", *config.stages, *AFTER])
    found.notes += list(_notes(samples, growth))
    return found


Chosen = dict[str, dict[Path, int | None]]


def _run_samples(
    values: Mapping[str, Any],
    config: Config,
    files: Chosen,
    share: float,
    scratch: Path,
    nodes: int,
    say: Callable[[str], None],
) -> list[tuple[Sampled, Inventory, Chosen]]:
    """Run over the samples; where two are of the same files, once."""
    runs: list[tuple[Sampled, Inventory, Chosen]] = []
    # At this number a shard of the largest sample holds as much as one of the whole run, or all of the sample.
    shards = max(1, round(share * int(config.shards)))
    for part in PARTS:
        folder = scratch / f"sample{len(runs)}"
        wanted = sampled_configuration(values, share * part, folder, shards)
        chosen = sizes(units_of(load(wanted).sources, config.ingest.unit_bytes, None))
        if runs and chosen == runs[-1][2] and part < 1:
            continue
        say(f"running over {sum(map(len, chosen.values()))} of {sum(map(len, files.values()))} files ...")
        found = run_sample(wanted, folder, os.cpu_count() or 1, nodes)
        if any(
            COMPILED in log.read_text(encoding="utf-8", errors="replace") for log in (folder / "logs").rglob("*.log")
        ):
            say("once more, because kernels were compiled ...")
            shutil.rmtree(folder)
            found = run_sample(wanted, folder, os.cpu_count() or 1, nodes)
        runs.append((*found, chosen))
    return runs


AFTER = ("tokenizer", "validation", "annealing", "mixtures", "export", "report")


def _notes(samples: Sequence[Sampled], growth: Mapping[str, float]) -> list[str]:
    notes = []
    if samples[-1].total < 1.5 * max(1, samples[0].total):
        notes.append(
            "the samples are about as large, because whole files are read: what a job costs by itself could not be "
            "told from what its text costs; cut the input into more files"
        )
    far = max(growth.values(), default=1.0)
    if far > FAR:
        notes.append(f"the whole is {far:,.0f} times the sample of one source; a larger --sample says more")
    return notes


FAR = 1000


def table(found: scaling.Estimate, *, cores: int, keep_exchange: bool) -> str:
    """An estimate for people."""
    lines = [
        f"{found.documents:,.0f} documents, {found.characters / 1e6:,.1f} million characters; {cores} cores",
        "",
        f"{'stage':24}{'jobs':>10}{'core-hours':>13}{'peak MB':>9}{'kept MB':>12}{'exchange MB':>13}{'ends after':>12}",
    ]
    end = 0.0
    for stage in found.stages:
        end += stage.elapsed
        lines.append(
            f"{stage.name:24}{stage.jobs:>10,}{_hours(stage.seconds):>13}{stage.megabytes:>9,.0f}"
            f"{stage.kept / 1e6:>12,.1f}{stage.exchange / 1e6:>13,.1f}{_duration(end):>12}"
        )
    total = scaling.Stage(
        "all",
        sum(stage.jobs for stage in found.stages),
        sum(stage.seconds for stage in found.stages),
        max((stage.megabytes for stage in found.stages), default=0.0),
        sum(stage.kept for stage in found.stages),
        sum(stage.exchange for stage in found.stages),
    )
    lines.append(
        f"{total.name:24}{total.jobs:>10,}{_hours(total.seconds):>13}{total.megabytes:>9,.0f}"
        f"{total.kept / 1e6:>12,.1f}{total.exchange / 1e6:>13,.1f}{_duration(end):>12}"
    )
    peak = found.peak_disk(keep_exchange=keep_exchange)
    lines += ["", f"peak disk {peak / 1e6:,.1f} MB with keep_exchange: {str(keep_exchange).lower()}"]
    lines += [f"note: {note}" for note in found.notes]
    return "\n".join(lines)


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.4f}" if hours < 1 else f"{hours:,.1f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def run(config_file: str, *, cores: int, nodes: int, sample: int, say: Callable[[str], None]) -> int:
    """`tamis estimate`; 0.

    Raises:
        ConfigError: a number is not positive.
        TamisError: as `estimate`.
    """
    for name, value in (("--cores", cores), ("--nodes", nodes), ("--sample", sample)):
        if value < 1:
            raise ConfigError(f"{name}: must be 1 or more (given: {value})")
    found = estimate(config_file, cores=cores * nodes, nodes=nodes, sample=sample, say=say)
    keep = load(launch.merged(["--configfile", config_file])).keep_exchange
    say(table(found, cores=cores * nodes, keep_exchange=keep))
    return 0
