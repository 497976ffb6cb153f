"""`tamis reproduce MANIFEST`: the configuration that made some results, and what is not as it was then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import tamis
from tamis.errors import SourceError
from tamis.file_states import sha256_of
from tamis.report.hashes import in_threads
from tamis.report.origin import code, lock
from tamis.shards import read_json, whole_file


def read(path: Path) -> dict[str, Any]:
    """A manifest.

    Raises:
        SourceError: it is missing, damaged, or something else.
    """
    try:
        value = read_json(path)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: missing; give the manifest.json of a results folder") from error
    except (ValueError, IsADirectoryError) as error:
        raise SourceError(f"{path}: not a manifest ({error}); give the manifest.json of a results folder") from error
    if not isinstance(value, dict) or not {"configuration", "tamis"} <= value.keys():
        raise SourceError(
            f"{path}: not a manifest: it has no `configuration`; give the manifest.json of a results folder"
        )
    return value


def differences(manifest: dict[str, Any]) -> Iterator[str]:
    """What is not as it was: the code, the locked dependencies, the files that were read."""
    then, now = manifest.get("code") or {}, code()
    if manifest["tamis"] != tamis.__version__:
        yield f"tamis {tamis.__version__} is installed, these results are from {manifest['tamis']}"
    if then.get("commit") and then["commit"] != now["commit"]:
        yield f"the code is at commit {now['commit'] or 'unknown'}, these results are from {then['commit']}"
    if then.get("dirty"):
        yield "the code that made these results had changes that were not committed"
    if now["dirty"]:
        yield "the installed code has changes that are not committed"
    if manifest.get("lock") and manifest["lock"] != lock():
        yield f"requirements.lock is not the one of these results (sha256 {manifest['lock'][:12]}…)"
    read_then = [file for file in manifest.get("inputs", []) if file.get("sha256")]
    read_then += [{"path": path, **entry} for path, entry in (manifest.get("given") or {}).items()]

    def changed(file: dict[str, Any]) -> str | None:
        path = Path(file["path"])
        try:
            if path.stat().st_size != file.get("bytes", path.stat().st_size) or sha256_of(path) != file["sha256"]:
                return f"{path}: holds something else than it did"
        except OSError:
            if file.get("address"):
                return f"{path}: not here; it is fetched again from {file['address']}, where it may have changed"
            return f"{path}: cannot be read from here"
        return None

    yield from (found for found in in_threads(changed, read_then) if found)


def configuration(manifest: dict[str, Any]) -> str:
    """The configuration of a manifest as YAML: every key, with its value then."""
    made = manifest.get("code") or {}
    commit = f", commit {made['commit']}" if made.get("commit") else ""
    dirty = " with changes that were not committed" if made.get("dirty") else ""
    head = (
        f"# The whole configuration of results made with tamis {manifest['tamis']}{commit}{dirty}.\n"
        "# snakemake --cores all --configfile THIS_FILE\n"
    )
    return head + yaml.safe_dump(manifest["configuration"], sort_keys=False, allow_unicode=True)


def write(path: Path, output: Path) -> list[str]:
    """Write the configuration of a manifest to a file; returns what is not as it was then."""
    manifest = read(path)
    with whole_file(output) as temporary:
        temporary.write_text(configuration(manifest), encoding="utf-8")
    return list(differences(manifest))
