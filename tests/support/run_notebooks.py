"""Running a notebook as Jupyter does, in a kernel of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from running import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def executed(path: Path, results: Path, monkeypatch: Any) -> list[Any]:
    """The outputs of all cells of a notebook that is run on a results folder; an error in a cell fails the test."""
    monkeypatch.setenv("TAMIS_RESULTS", str(results))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def printed(outputs: list[Any]) -> str:
    """What the cells printed, and the plain form of the tables that they show."""
    texts = [output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"]
    texts += [output.data.get("text/plain", "") for output in outputs if "data" in output]
    return "\n".join(texts)


def pictures(outputs: list[Any]) -> int:
    """How many pictures the cells drew."""
    return sum("image/png" in output.data for output in outputs if "data" in output)
