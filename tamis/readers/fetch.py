"""Fetch one pinned source release.

    python -m tamis.readers.fetch --requirement 'name==version --hash=sha256:…' --into FOLDER

pip does the download, so an index, a proxy or a mirror that pip is configured for is used. pip insists on the
metadata of what it downloads and asks the release's own build code for it, which would run code of the corpus and
download build tools. So pip runs without build isolation and finds our stand-ins first for the build backends: they
hand it the PKG-INFO that every release carries. A release with a build backend inside its own tree, or one without a
stand-in, is refused: a guard, loaded first in every process of pip, imports nothing from the unpacked release.

The file is checked against its hash here too, and lies whole at FOLDER/<name>-<version>.sdist or not at all.
`.sdist`, because the name must be known before anything is fetched and older releases are .zip as often as .tar.gz;
readers look at the first bytes.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tamis.errors import SourceError, TamisError
from tamis.file_states import sha256_of

log = logging.getLogger("tamis.readers.fetch")

DOWNLOADS = "downloads"
"""Folder of fetched releases, relative to the working directory."""

BACKENDS = (
    "setuptools.build_meta",
    "flit_core.buildapi",
    "flit.buildapi",
    "hatchling.build",
    "poetry.core.masonry.api",
    "poetry.masonry.api",
    "pdm.backend",
    "pdm.pep517.api",
    "uv_build",
)
"""Build backends that have a stand-in."""

STAND_IN = '''\
"""Stands in for a build backend: the metadata of a release is the PKG-INFO it carries."""
import email.parser, pathlib, re, shutil


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    with open("PKG-INFO", encoding="utf-8", errors="replace") as file:
        header = email.parser.HeaderParser().parse(file)
    stem = "-".join(re.sub("[^A-Za-z0-9.+!]+", "_", header[field]) for field in ("Name", "Version"))
    folder = pathlib.Path(metadata_directory, stem + ".dist-info")
    folder.mkdir()
    shutil.copyfile("PKG-INFO", folder / "METADATA")
    return folder.name


class __legacy__:
    prepare_metadata_for_build_wheel = staticmethod(prepare_metadata_for_build_wheel)
'''

GUARD = '''\
"""Loaded first in every process of pip: nothing is imported from the folder where pip unpacks releases."""
import importlib.machinery, os, sys

unpacked = os.path.realpath(os.environ["TMPDIR"]) + os.sep
find_spec = importlib.machinery.PathFinder.find_spec


def guarded(fullname, path=None, target=None):
    spec = find_spec(fullname, path, target)
    if spec is not None:
        for place in [spec.origin, *(spec.submodule_search_locations or ())]:
            if place and (os.path.realpath(place) + os.sep).startswith(unpacked):
                raise ImportError(f"{fullname} belongs to the release, and nothing of a release is executed")
    return spec


# On the class, because newer pip looks into the release with a finder of its own that asks this one.
importlib.machinery.PathFinder.find_spec = staticmethod(guarded)
'''

REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)"
    r"\s+--hash=sha256:(?P<sha256>[0-9a-f]{64})"
)

TIMEOUT_SECONDS = 600


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """One pinned source release.

    Attributes:
        name: of the project, normalised (lower case, runs of `-_.` as one `-`).
        version: as pinned.
        sha256: of the archive, 64 hex digits.
    """

    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name of the fetched file."""
        return f"{self.name}-{self.version}.sdist"

    @property
    def path(self) -> Path:
        """Where the workflow fetches it to."""
        return Path(DOWNLOADS, self.file_name)

    @property
    def requirement(self) -> str:
        """The line that pip reads."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def normalised(name: str) -> str:
    """The name of a project as the package index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_requirement(line: str, where: str = "requirement") -> Release:
    """A pinned release from a line `name==version --hash=sha256:…`.

    Raises:
        SourceError: the line says anything else.
    """
    match = REQUIREMENT.fullmatch(line.strip())
    if match is None:
        msg = (
            f"{where}: expected 'name==version --hash=sha256:<64 hex digits>', one release a line, got {line.strip()!r}"
        )
        raise SourceError(msg)
    return Release(normalised(match["name"]), match["version"], match["sha256"])


def parse_requirements(path: Path) -> list[Release]:
    """The releases of a requirements file; blank lines and `#` comments are passed over.

    Raises:
        SourceError: the file is missing, a line is no pinned release, or a release is named twice.
    """
    try:
        written = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: the list of pinned releases cannot be read ({error}); check `requirements` of the source"
        raise SourceError(msg) from error
    releases: dict[str, Release] = {}
    for number, line in enumerate(written.splitlines(), start=1):
        pinned = re.sub(r"(^|\s)#.*", "", line)
        if not pinned.strip():
            continue
        release = parse_requirement(pinned, f"{path}, line {number}")
        if releases.setdefault(release.file_name, release) is not release:
            msg = f"{path}, line {number}: {release.name} {release.version} is named twice; keep one line"
            raise SourceError(msg)
    return list(releases.values())


def verify(path: Path, release: Release) -> None:
    """Hold a file to the hash of its release.

    Raises:
        SourceError: missing, or other bytes than pinned.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror or error}); fetch it again"
        raise SourceError(msg) from error
    if found != release.sha256:
        msg = (
            f"{path}: expected sha256 {release.sha256} for {release.name} {release.version}, got {found}. Delete the "
            "file and run again; if it stays, the pinned hash is wrong or the file was tampered with."
        )
        raise SourceError(msg)


def fetch(release: Release, into: Path) -> Path:
    """Download a release unless it is already there with the right hash.

    Returns:
        path of the archive.

    Raises:
        SourceError: pip cannot get it, or what lies there or was downloaded has another hash.
    """
    path = into / release.file_name
    if path.exists():
        verify(path, release)
        log.info("%s: already there", path)
        return path
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{release.file_name}.", dir=into) as temporary:
        downloaded = _download(release, Path(temporary))
        verify(downloaded, release)
        with downloaded.open("rb") as file:
            os.fsync(file.fileno())
        downloaded.replace(path)
    log.info("%s: fetched, %d bytes", path, path.stat().st_size)
    return path


def _download(release: Release, folder: Path) -> Path:
    """Run pip for one release; returns the one file that it left."""
    requirements, stand_ins, target = folder / "requirements.txt", folder / "stand-ins", folder / "download"
    requirements.write_text(release.requirement + "\n", encoding="utf-8")
    unpacked = folder / "unpacked"
    stand_ins.mkdir()
    unpacked.mkdir()
    (stand_ins / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    for backend in BACKENDS:
        module = stand_ins.joinpath(*backend.split("."))
        module.parent.mkdir(parents=True, exist_ok=True)
        for package in module.relative_to(stand_ins).parents[:-1]:
            # Without this it is a namespace package, and the real setuptools, later on the path, wins and runs
            # setup.py.
            (stand_ins / package / "__init__.py").touch()
        module.with_suffix(".py").write_text(STAND_IN, encoding="utf-8")
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--require-hashes",
        "--no-build-isolation", "--use-pep517", "--ignore-requires-python", "--disable-pip-version-check", "--no-input",
        "--progress-bar", "off", "--requirement", str(requirements.resolve()), "--dest", str(target.resolve()),
    ]  # fmt: skip
    environment = os.environ | {
        "PYTHONPATH": str(stand_ins.resolve()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(unpacked.resolve()),
    }
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the requirement was checked by a pattern
            command, check=False, capture_output=True, text=True, env=environment, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{release.name} {release.version}: pip did not finish within {TIMEOUT_SECONDS} s; try again"
        raise SourceError(msg) from error
    files = sorted(target.iterdir()) if target.is_dir() else []
    if done.returncode or len(files) != 1:
        raise SourceError(_explain(release, done.stdout + done.stderr))
    return files[0]


def _explain(release: Release, said: str) -> str:
    """The message for what pip said."""
    if "DO NOT MATCH THE HASHES" in said:
        why = (
            "the package index serves another file than the one pinned. Check the hash in the requirements file; it "
            "must be that of the source release (.tar.gz or .zip), not of a wheel"
        )
    elif "No matching distribution" in said and ("Retrying" in said or "connection" in said.lower()):
        why = (
            "the package index cannot be reached. Check the network and pip's own settings (pip config list), or put "
            f"the archive at {DOWNLOADS}/{release.file_name} by hand"
        )
    elif "No matching distribution" in said:
        why = "the package index has no source release of that version"
    else:
        why = "pip failed"
    lines = [line for line in said.splitlines() if line.strip()]
    shown = "".join(f"\n  {line.strip()[:240]}" for line in lines[-12:])
    return f"{release.name} {release.version}: {why}.\npip said:{shown}"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 0 when the release lies in the folder, 1 with a readable message otherwise, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m tamis.readers.fetch", description="Fetch one pinned source release."
    )
    parser.add_argument("--requirement", required=True, help="name==version --hash=sha256:…")
    parser.add_argument("--into", required=True, type=Path, help="folder that receives <name>-<version>.sdist")
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    try:
        fetch(parse_requirement(given.requirement), given.into)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except TamisError as error:
        log.error("fetch failed: %s", error)  # noqa: TRY400 - the message is for the user, the traceback is not
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
