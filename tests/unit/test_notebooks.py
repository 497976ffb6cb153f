"""The notebooks: stored without outputs, and run on results that lack stages."""

from __future__ import annotations

import nbformat
import pytest
from fake_results import finish_results, make_results
from run_notebooks import NOTEBOOKS, executed, pictures, printed

from tamis.report.layout import FILE, Layout
from tamis.shards import write_json


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_are_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None), (
                f"{path.name}: clear the outputs before storing it"
            )
    # As the kernel is called that ipykernel installs, whatever a person's own is called.
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def test_they_are_found():
    assert [path.stem for path in NOTEBOOKS] == ["where_did_the_tokens_go"]


def test_what_did_not_run_is_left_out_and_text_is_shown_as_text(tmp_path, monkeypatch):
    make_results(tmp_path)
    outputs = executed(NOTEBOOKS[0], tmp_path, monkeypatch)
    text = printed(outputs)
    assert "No stage of this run names the language of a document." in text
    assert "gopher_too_few_words" in text
    # A terminal's control characters are spelled out, and no text of the corpus becomes markup.
    assert "\\x1b]0;title" in text
    assert "\x1b" not in text
    assert "<i>odd_rule</i>" in text
    for output in outputs:
        assert "<i>odd_rule</i>" not in output.get("data", {}).get("text/html", "")
    # The waterfall, the sources, the domains, the scores and how close the decisions were.
    assert pictures(outputs) == 5


def test_a_run_of_two_stages_that_drops_nothing_has_its_pictures(tmp_path, monkeypatch):
    make_results(tmp_path, finish=False)
    write_json(tmp_path / FILE, Layout(stages=("ingest", "paragraph_dedup"), shards=2).model_dump(mode="json"))
    finish_results(tmp_path)
    outputs = executed(NOTEBOOKS[0], tmp_path, monkeypatch)
    assert "No stage of this run gives a score." in printed(outputs)
    assert "No rule of this run holds a value against a threshold." in printed(outputs)
    assert pictures(outputs) == 3
