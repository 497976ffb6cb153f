"""The page: what it says, and that hostile text stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from fake_results import HOSTILE, HOSTILE_URL, finish_results, join_through, make_results

from tamis.errors import AlarmError
from tamis.report import page, record
from tamis.report.layout import FILE, Layout
from tamis.shards import read_json, write_json


class Reader(HTMLParser):
    """Tags, attributes and visible text of a page; void elements aside, every tag must be closed in order."""

    VOID = frozenset({"meta", "br", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "results"
    ids = make_results(folder)
    # So many samples that every document of the pool is shown.
    page.run_page(page.Config(kept_samples=100), layout=folder / "layout.json", page=folder / "report/index.html",
                  picture=folder / "report/waterfall.svg", alarms=folder / "report/alarms.json",
                  record=folder / record.PAGE)  # fmt: skip
    source = (folder / "report/index.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(source)
    return folder, ids, source, reader


def test_hostile_text_stays_text(made):
    _, _, source, reader = made
    assert "<script" not in source
    assert "<img" not in source
    assert "<b>hostile" not in source
    assert "<i>odd_rule" not in source
    text = "".join(reader.text)
    for shown in (HOSTILE + " dropped", HOSTILE + " kept", HOSTILE_URL, "<b>hostile</b>", "<i>odd_rule</i>"):
        assert shown in text
    assert "{{ 7 * 7 }}" in text
    assert not reader.open


def test_it_is_one_file_that_loads_and_runs_nothing(made):
    _, _, source, reader = made
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "image", "use"}
    for _, attributes in reader.tags:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "srcset", "xlink:href")}
        assert attributes.get("href", "#").startswith("#")
    assert "@import" not in source
    assert "url(" not in source.split("</style>")[0]
    policy = [attributes for tag, attributes in reader.tags if tag == "meta" and "http-equiv" in attributes]
    assert policy[0]["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_links_lead_somewhere_and_the_page_has_a_language(made):
    _, _, _, reader = made
    anchors = {attributes["id"] for _, attributes in reader.tags if "id" in attributes}
    links = {attributes["href"][1:] for tag, attributes in reader.tags if tag == "a"}
    assert links <= anchors
    assert ("html", {"lang": "en"}) in reader.tags


def test_a_plan_has_the_whole_width_and_the_names_of_its_columns_break(made):
    # In half of the page, with names that do not break, six of its eleven columns could not be seen.
    delivered = made[2].split('<section id="delivered">')[1].split("</section>")[0]
    assert "<span>Plan</span>" in delivered
    assert 'class="columns"' not in delivered
    heads = [head for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', delivered) if "_" in head]
    assert heads
    assert all("_" not in head.replace("_<wbr>", "") for head in heads)


def test_figures_and_samples_are_there(made):
    _, ids, _, reader = made
    text = re.sub(r"\s+", " ", "".join(reader.text))
    assert "57.9 %" in text
    assert "gopher_too_few_words" in text
    assert ids["near"] in text
    assert ids["near_kept"] in text
    assert "recall, measured99.8 %2 of 800 pairs" in text
    assert "pairs not compared2,468" in text
    assert "packaged MiniLM" in text
    assert "0.9123" in text
    assert "heuristics dropped 100.0 % of source poor: 0 of 30 documents are left" in text
    assert "mixtures/main" in text
    assert "1 record skipped" in text
    assert "Documents ingested" in text
    assert re.search(r"\w+ cut in \d", text)


def test_the_kept_document_is_named_apart_from_the_matched_one(made, tmp_path):
    _, _, source, _ = made
    assert "kept instead</span>" in source
    ids = make_results(tmp_path)
    join_through(tmp_path, ids, ids["hostile"])
    finish_results(tmp_path)
    source = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert "kept instead</span>" not in source
    assert f"kept instead {ids['near_kept']}" in source


def test_a_chain_without_deliveries_or_models_still_has_a_page(tmp_path):
    make_results(tmp_path, finish=False)
    write_json(tmp_path / FILE, Layout(stages=("ingest", "paragraph_dedup"), shards=2).model_dump(mode="json"))
    finish_results(tmp_path)
    source = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert "Nothing is delivered" in source
    assert "minhash_dedup" not in source


def test_alarms_are_written_and_can_be_fatal(made, tmp_path):
    folder, _, source, _ = made
    alarms = read_json(folder / "report/alarms.json")
    assert len(alarms) == 1
    assert "source poor" in alarms[0]
    assert f"<li>{alarms[0]}</li>" in source
    arguments = {"alarms": folder / "report/alarms.json", "page": folder / "report/index.html"}
    page.run_check(page.Config(), **arguments, output=tmp_path / "checked.json")
    assert read_json(tmp_path / "checked.json") == {"alarms": 1}
    with pytest.raises(AlarmError, match=r"1 alarm, and report\.alarms_fatal is set:\n  heuristics dropped 100\.0 %"):
        page.run_check(page.Config(alarms_fatal=True), **arguments, output=tmp_path / "never.json")
    assert not (tmp_path / "never.json").exists()
    write_json(tmp_path / "none.json", [])
    page.run_check(
        page.Config(alarms_fatal=True),
        alarms=tmp_path / "none.json",
        page=arguments["page"],
        output=tmp_path / "fine.json",
    )
    assert read_json(tmp_path / "fine.json") == {"alarms": 0}
