"""Every way to install tamis installs the packages of requirements.lock."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()


def test_conda_has_the_pins_of_the_lock_and_needs_no_other_file():
    """Snakemake makes environments from a copy of the file in another folder."""
    environment = yaml.safe_load((ROOT / "envs" / "cpu.yaml").read_text(encoding="utf-8"))
    pinned = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pinned == [line for line in LOCK if line and not line.startswith("#")]


def dockerfile():
    """Instruction → its arguments, in the order of the file."""
    text = (ROOT / "containers" / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]


def definition():
    """Section → its lines."""
    text = (ROOT / "containers" / "tamis.def").read_text(encoding="utf-8")
    _, *parts = re.split(r"^%(\w+)\n", text, flags=re.MULTILINE)
    return {name: body.split("\n") for name, body in zip(parts[::2], parts[1::2], strict=True)}


def test_both_images_are_made_of_the_same_files_by_the_same_commands():
    instructions = dockerfile()
    copied = [source for name, rest in instructions if name == "COPY" for source in shlex.split(rest)[:-1]]
    taken = [line.split()[0] for line in definition()["files"] if line.strip()]
    assert copied == taken
    assert all((ROOT / source).exists() for source in copied)
    ran = [rest for name, rest in instructions if name == "RUN"]
    post = [line.strip() for line in definition()["post"] if line.strip() and not line.strip().startswith("cd ")]
    assert ran == post
    assert any("--requirement requirements.lock" in command for command in ran)


def test_images_have_the_interpreter_of_the_project():
    [(_, base)] = [line for line in dockerfile() if line[0] == "FROM"]
    text = (ROOT / "containers" / "tamis.def").read_text(encoding="utf-8")
    assert f"From: {base}\n" in text
    environment = yaml.safe_load((ROOT / "envs" / "cpu.yaml").read_text(encoding="utf-8"))
    assert f"python={base.partition(':')[2].removesuffix('-slim')}" in environment["dependencies"]


@pytest.mark.parametrize("folder", ["rules", "profiles", "tamis", "config", "classifiers"])
def test_an_image_holds_all_that_a_run_reads(folder):
    assert ["COPY", f"{folder} ./{folder}"] in dockerfile()
