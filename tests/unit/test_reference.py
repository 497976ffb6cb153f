"""The reference pages are written from the code; nobody may forget to write them again."""

from pathlib import Path

import pytest

from tamis import reference
from tamis.pipeline import BUILT_IN, STAGES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted(reference.pages()))
def test_pages_say_what_the_code_says(path):
    assert (ROOT / path).read_text(encoding="utf-8") == reference.pages()[path], "run `make docs`"


def test_every_stage_has_a_section():
    page = reference.pages()[reference.FOLDER / "config.md"]
    for name in STAGES:
        assert f"\n## {name}\n" in page or (name in BUILT_IN and f"| `{name}` | [" in page)


def test_every_key_is_described():
    page = reference.pages()[reference.FOLDER / "config.md"]
    bare = [line for line in page.splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert bare == []


def test_drift_is_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert reference.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
