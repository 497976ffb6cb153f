"""A tree of code through the workflow: `tamis init code` to an export, and a licence that changes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import finished
import pytest
from identify.vendor.licenses import LICENSES
from running import environment, planned_jobs, run_workflow

pytestmark = pytest.mark.workflow

TEXTS = dict(LICENSES)
BODY = """
import math


def area_{name}(radius: float) -> float:
    \"\"\"The area of a circle, for {name}.\"\"\"
    if radius < 0:
        raise ValueError("a radius is not negative")
    return math.pi * radius**2


def perimeter_{name}(radius: float) -> float:
    return 2 * math.pi * radius
"""


def kept(folder: Path, results: str, stage: str = "ingest") -> dict[str, str]:
    """Path → licence of the documents of a stage."""
    rows = [json.loads(row["metadata"]) for row in finished.rows(folder / results / stage / "documents")]
    return {row["path"]: row["licence"] for row in rows}


def test_a_tree_goes_through_and_a_changed_licence_changes_what_is_read(tmp_path: Path) -> None:
    for place, part in enumerate(("free", "shut", "{{cookiecutter.part}}", "a <b> $(touch x) 'c'")):
        folder = tmp_path / "tree" / part
        folder.mkdir(parents=True)
        for number in range(6):
            (folder / f"m{number}.py").write_text(BODY.format(name=f"{place}_{number}" + "xyz" * number))
    (tmp_path / "tree" / "LICENSE").write_text(TEXTS["MIT"])
    (tmp_path / "tree" / "shut" / "LICENSE").write_text(TEXTS["GPL-3.0"])
    (tmp_path / "tree" / "link.py").symlink_to("free/m0.py")
    (tmp_path / "tree" / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    subprocess.run(
        [sys.executable, "-m", "tamis.cli", "init", "code", "--source", "tree", "--output", "test.yaml"],
        check=True, cwd=tmp_path, env=environment(),
    )  # fmt: skip
    text = (tmp_path / "test.yaml").read_text()
    assert "format: code\n" in text
    text = text.replace("    # licenses: {allow: [MIT,", "    licenses: {allow: [MIT,")
    (tmp_path / "test.yaml").write_text(text.replace("sources:\n", "ingest: {unit_bytes: 1}\nsources:\n", 1))
    run_workflow(tmp_path, None)
    found = kept(tmp_path, "results_test")
    assert len(found) == 19
    assert set(found.values()) == {"MIT"}
    assert not any(path.startswith("shut/") for path in found)
    skipped = finished.rows(tmp_path / "results_test" / "ingest" / "skipped")
    listed = sorted((row["reason"], Path(row["path"]).name) for row in skipped)
    assert listed[0] == ("binary", "logo.png")
    assert [name for reason, name in listed if reason == "licence_not_allowed"] == [
        "LICENSE",
        *(f"m{n}.py" for n in range(6)),
    ]
    assert ("link", "link.py") in listed
    assert list((tmp_path / "results_test" / "export").glob("**/*.parquet"))

    (tmp_path / "tree" / "shut" / "LICENSE").write_text(TEXTS["ISC"])
    jobs = planned_jobs(run_workflow(tmp_path, None, "ingest"))
    assert jobs["ingest_map"] == 7
    assert len(kept(tmp_path, "results_test")) == 26
    assert "ingest_map" not in planned_jobs(run_workflow(tmp_path, None, "ingest"))
