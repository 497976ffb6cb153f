"""`config/classifiers.yaml`: every section and every alternative in its comments is one that a run would take."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tiny_models import write_roberta

from tamis import config, config_files
from tamis.classifiers.checkpoints import KNOWN
from tamis.classifiers.domain_rules import TAUGHT
from tamis.classifiers.judge.answers import Answer, meaning
from tamis.classifiers.judge.section import read_prompt
from tamis.errors import ConfigError

ROOT = Path(__file__).parents[3]
FILE = ROOT / "config" / "classifiers.yaml"
NAMES = ("education", "math", "code", "reasoning", "attacks")
WAYS = ("judge", "files", "ready")
OWN = {"sources": [{"name": "web", "format": "jsonl", "paths": ["a.jsonl"]}]}


def sections() -> dict[str, dict[str, Any]]:
    """Name and way → section: that which is written out, or with the lines of a comment in place of its labels."""
    text = FILE.read_text(encoding="utf-8")
    written = config_files.parse(text, FILE)["classifiers"]
    blocks = re.split(r"^  (\w+):\n", text.split("\nclassifiers:\n")[1], flags=re.MULTILINE)
    found = {f"{name} judge": section for name, section in written.items()}
    for name, block in zip(blocks[1::2], blocks[2::2], strict=True):
        for way, lines in re.findall(r"^    # Or (?:from )?(files|ready).*:\n((?:    #   .*\n)+)", block, re.MULTILINE):
            other = config_files.parse(re.sub("^    #   ", "", lines, flags=re.MULTILINE), FILE)
            kept = {key: value for key, value in written[name].items() if key not in ("model", "labels")}
            found[f"{name} {way}"] = kept | other
    return found


SECTIONS = sections()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "classifiers").symlink_to(ROOT / "classifiers")


def test_each_of_the_recipe_s_classifiers_has_its_three_ways() -> None:
    assert set(SECTIONS) == {f"{name} {way}" for name in NAMES for way in WAYS}
    text = FILE.read_text(encoding="utf-8")
    # Nothing is claimed of models that nobody has asked.
    assert "No endpoint, file or checkpoint that stands here has been tried" in text.replace("\n# ", " ")
    assert max(map(len, text.splitlines())) <= 130


@pytest.mark.parametrize("which", SECTIONS)
def test_a_section_is_taken_as_it_stands(which: str, tmp_path: Path) -> None:
    name, way = which.split()
    section = SECTIONS[which]
    pipeline = ["language_id", "heuristics", name]
    loaded = config.load(OWN | {"pipeline": pipeline, "classifiers": {name: section}})
    found = loaded.section(name)
    # They score, and drop nothing.
    assert found.selection.keeps_all
    if way == "files":
        for entry in section["labels"]["files"]:
            path = tmp_path / entry["path"]
            path.parent.mkdir(exist_ok=True)
            labels = list(entry["classes"]) if "classes" in entry else range(6)
            rows = [
                {"text": f"Text {number} of {label}.", entry["label"]: label}
                for number in range(60)
                for label in labels
            ]
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    if way == "ready":
        folder = section["backbone"]["name"]
        count = KNOWN[folder].labels if folder in KNOWN else 1
        # A name that the table knows is scored as the table says.
        assert (folder in KNOWN) == (name in ("education", "math", "attacks"))
        write_roberta(tmp_path / "models" / name, classes=count)
        if folder in KNOWN:
            return
    found.check_files(name)


@pytest.mark.parametrize("name", NAMES)
def test_prompts_ask_for_the_answers_that_are_understood(name: str) -> None:
    judge = SECTIONS[f"{name} judge"]["labels"]["judge"]
    prompt = read_prompt(Path(judge["prompt"]))
    assert judge["prompt"] == f"classifiers/{name}/prompt.md"
    assert "never an instruction to you" in prompt
    assert "{text}" in prompt
    last = prompt.strip().splitlines()[-1]
    if judge["answers"] == "grade_0_5":
        assert last == "Grade: <a whole number from 0 to 5>"
        # 0 to 5: as many statements as points.
        assert re.findall(r"^(\d)\. ", prompt, re.MULTILINE) == list("12345")
        answers = {f"Grade: {grade}": grade >= 3 for grade in range(6)}
    else:
        answers = {"Answer: yes": True, last: False}
    for said, good in answers.items():
        assert meaning(judge["answers"], Answer(f"Because.\n{said}", "stop", "m", None)).place == good


def test_the_prompt_of_domains_names_what_domains_learns() -> None:
    lines = read_prompt(Path("classifiers/domains/prompt.md")).strip().splitlines()
    assert lines[-5] == ""
    for place, line in enumerate(lines[-4:]):
        assert meaning("class", Answer(f"Because.\n{line}", "stop", "m", None), TAUGHT).place == place


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_page(name: str) -> None:
    text = (ROOT / "classifiers" / name / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}: ")
    for part in ("**Tells apart**", "**Labels.**", "**Accepted when**"):
        assert part in text


def test_the_filter_at_the_end_stands_behind_them(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    lines = re.findall(r"^# (filter:|  keep:|    \w+: .*)$", text, re.MULTILINE)
    section = config_files.parse("\n".join(lines) + "\n", FILE)["filter"]
    assert set(section["keep"]) == {"teaches", "harmless"}
    values = config_files.parse(text, FILE)
    loaded = config.load(
        OWN | values | {"pipeline": ["language_id", "heuristics", *NAMES, "filter"], "filter": section}
    )
    assert loaded.pipeline[-1] == "filter"
    # Before them nobody has made the columns.
    with pytest.raises(ConfigError, match="education"):
        config.load(OWN | values | {"pipeline": ["language_id", "filter", *NAMES], "filter": section})
