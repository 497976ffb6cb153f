"""`manifest.json`: everything that is needed to say where these results come from, and to check that they are whole.

The configuration with all defaults, the code's commit, the versions of tamis, of its stages and of every installed
distribution, the seeds, the models that ran, the hardware, size and SHA-256 of every input; and of every output rows,
size, SHA-256, and the job, the files and the params that made it. No clock: the same run on the same machine gives the
same manifest.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tamis
from tamis.errors import SourceError
from tamis.inventory import Inventory, is_exchange, unpack
from tamis.machine import this_processor
from tamis.report import tables
from tamis.report.hashes import entries
from tamis.report.layout import Results
from tamis.report.origin import code, lock
from tamis.shards import read_json, read_table, write_json

VERSION = 2

MODEL_FILES = ("backbone.json", "card.json", "members.json", "retention.json", "thresholds.json", "training.json")
"""What stages with a model write beside their documents: the model's description and held-out figures."""

LEFT_OUT = ("errors",)
"""Of a card, what is no part of a manifest: it quotes the corpus."""


INPUT_KEYS = ("path", "address", "etag", "last_modified", "records", "skipped", "bytes", "sha256", "bad")
"""What is taken over from ingest's record of a file."""


def distributions() -> dict[str, str]:
    """Version of every distribution installed in this environment, by normalised name."""
    found = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found[re.sub(r"[-_.]+", "-", name).lower()] = distribution.version
    return dict(sorted(found.items()))


def _graphics_cards() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        listed = subprocess.run(  # noqa: S603 - a fixed command
            [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in listed.stdout.splitlines() if line.strip()]


def hardware() -> dict[str, Any]:
    """Processor, cores this process may use, memory in bytes, and graphics cards of this machine; no host name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": this_processor(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "cores": cores,
        "memory_bytes": memory,
        "graphics_cards": _graphics_cards(),
    }


def seeds(configuration: Any, path: str = "") -> dict[str, int]:
    """Every key of a configuration that is called `seed` or ends in `_seed`, by its dotted path."""
    found: dict[str, int] = {}
    if isinstance(configuration, dict):
        for key, value in sorted(configuration.items()):
            where = f"{path}.{key}" if path else str(key)
            if isinstance(value, int) and not isinstance(value, bool) and (key == "seed" or str(key).endswith("_seed")):
                found[where] = value
            found |= seeds(value, where)
    elif isinstance(configuration, list | tuple):
        for index, value in enumerate(configuration):
            found |= seeds(value, f"{path}[{index}]")
    return found


def model_cards(results: Results) -> dict[str, dict[str, Any]]:
    """What the model stages of this run wrote about their models: stage → file stem → content.

    Raises:
        SourceError: a card is not JSON.
    """
    found: dict[str, dict[str, Any]] = {}
    for stage in results.layout.stages:
        for name in MODEL_FILES:
            path = results.folder / stage / name
            if path.exists():
                try:
                    found.setdefault(stage, {})[path.stem] = read_json(path)
                except ValueError as error:
                    msg = f"{path}: not JSON ({error}). Delete it and run the workflow again."
                    raise SourceError(msg) from error
    return found


def _without_quotes(value: Any) -> Any:
    return {key: part for key, part in value.items() if key not in LEFT_OUT} if isinstance(value, dict) else value


def inputs(results: Results) -> list[dict[str, Any]]:
    """Every file that ingest read, with what it recorded of it: source, path, records, skips, size and SHA-256.

    The time that a file bears is left out: it says when it was copied, not what it holds.
    """
    found = []
    parts: dict[tuple[str | None, str], dict[str, Any]] = {}
    for name in results.layout.inventory.below("ingest/read"):
        path = results.folder / name
        if not path.is_file():
            continue
        try:
            value = read_json(path)
            files = value["files"] if isinstance(value, dict) else value
            source = value.get("source") if isinstance(value, dict) else None
            in_parts = isinstance(value, dict) and value.get("part")
            for file in files:
                kept = {key: file[key] for key in INPUT_KEYS if file.get(key) is not None}
                entry = ({"source": source} if source else {}) | kept
                known = parts.setdefault((source, file["path"]), entry) if in_parts else entry
                if known is entry:
                    found.append(entry)
                else:
                    # One file, which several jobs have read.
                    for key in ("records", "skipped"):
                        known[key] = known.get(key, 0) + entry.get(key, 0)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            msg = f"{path}: not a record of what was read ({error}). Delete it and run the workflow again."
            raise SourceError(msg) from error
    return found


def outputs(results: Results, hashed: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Rows, size and SHA-256 of every file that the run makes, and the job that made it, by set, export or stage.

    Args:
        results: the results folder.
        hashed: `tamis.report.hashes.entries` of the files.
    """
    delivered = {delivery.label: delivery for delivery in results.deliveries()}
    found: dict[str, Any] = {}
    jobs = results.layout.inventory.jobs()
    for path in sorted(hashed):
        first, _, rest = path.partition("/")
        label = f"{first}/{rest.partition('/')[0]}" if first in ("annealing", "mixtures", "export") else first
        entry = {"path": path, **hashed[path], "job": jobs[path]}
        found.setdefault(label if rest else "", {"delivered": label in delivered, "files": []})["files"].append(entry)
    for label, delivery in delivered.items():
        documents = [path.relative_to(results.folder).as_posix() for path in results.delivered_documents(delivery)]
        found.setdefault(label, {"delivered": True, "files": []})
        found[label]["documents"] = sum(hashed[path]["rows"] for path in documents)
    return found


def covered(inventory: Inventory, folder: Path, name: str) -> list[str]:
    """The files that a manifest answers for: all that are made before it, sorted.

    Barriers are not among them, because they hold times; nor are exchange files that are gone, because nobody needs
    them once a run is over.
    """
    paths = (path for group in inventory.behind(name) for path in group.paths(group.outputs))
    return sorted(
        path
        for path in paths
        if not is_exchange(path) or (not path.endswith("/barrier.json") and (folder / path).exists())
    )


def _stages(results: Results, versions: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for step in tables.steps(read_table(results.folder / "stats.parquet")):
        yield {
            "stage": step.stage,
            "version": versions[step.stage],
            "documents_read": step.read.documents,
            "documents": step.kept.documents,
            "characters": step.kept.characters,
        }


def run_write(
    *, configuration: dict[str, Any], versions: dict[str, int], made: str, layout: Path, output: Path
) -> None:
    """Write the manifest.

    Args:
        configuration: the whole validated configuration as JSON.
        versions: `VERSION` of the code of each stage of the layout.
        made: what makes each output (`tamis.report.origin.made_by`), packed.
        layout: `layout.json` in the results folder.
        output: the manifest to write.
    """
    results = Results.open(layout.parent)
    origin = unpack(made)
    names = covered(results.layout.inventory, results.folder, output.name)
    given = {f"given {path}": Path(path) for path in origin["given"]}
    hashed = entries(results.folder, {name: results.folder / name for name in names} | given)
    write_json(
        output,
        {
            "tamis": tamis.__version__,
            "code": code(),
            "lock": lock(),
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            "distributions": distributions(),
            "configuration": configuration,
            "seeds": seeds(configuration),
            "layout": results.layout.model_dump(mode="json", exclude={"inventory"}),
            "stages": list(_stages(results, versions)),
            "models": {
                stage: {name: _without_quotes(value) for name, value in found.items()}
                for stage, found in model_cards(results).items()
            },
            "hardware": hardware(),
            "inputs": inputs(results),
            "given": {path: hashed.pop(f"given {path}") for path in origin["given"]},
            "outputs": outputs(results, hashed),
            "jobs": origin["jobs"],
            "params": {key: json.loads(text) for key, text in origin["params"].items()},
        },
    )
