"""Moses pairs whose sides lie elsewhere: both come, are held to what they were, and never one without the other."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from file_server import FileServer, file_server, serving

from tamis.errors import SourceError
from tamis.readers import units
from tamis.readers.observed import Reading, ReadRecord
from tamis.readers.parallel import ParallelSource
from tamis.readers.remote.addresses import place_of
from tamis.readers.remote.origin import forget, let_go
from tamis.refresh import _chosen
from tamis.shards import part_name, write_json
from tamis.stages.fetch import run_unit

DE, EN = b"Eins.\nZwei.\n", b"One.\nTwo.\n"
BOTH = ["de Eins.", "de Zwei.", "en One.", "en Two."]


@pytest.fixture(name="server")
def _server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    files = {"/c/x.de": DE, "/c/x.en": EN, "/c/x.fr": b"Un.\nDeux.\n", "/c/LICENSE": b"Free."}
    with file_server(serving(files)) as server:
        server.files = files
        yield server


def source(server: FileServer, *names: str, **more: Any) -> ParallelSource:
    paths = [f"{server.url}/c/{name}" for name in names or ("x.de", "x.en")]
    return ParallelSource.model_validate({"name": "pairs", "paths": paths, "remote": {"retries": 0}} | more)


def run(given: ParallelSource, *, fetching: bool = True) -> tuple[list[str], list[ReadRecord]]:
    """What a run does whose jobs know nothing but their params: language and text of each document."""
    found = units.units([given], 10**6, Path("results"))
    units.remember(found, Path("results"))
    texts: list[str] = []
    records = []
    for number, unit in enumerate(found):
        told = unit.params()
        files = [str(path) for path in unit.files]
        if unit.remote and fetching:
            run_unit(**unit.fetched_by(), ways=unit.ways(), output=Path("word"))
        in_job = ParallelSource.model_validate({"paths": files} | told["source"])
        reading = Reading(in_job, files, lambda _: None, Path())

        def convert(items: Any) -> Any:
            texts.extend(f"{item.metadata['language']} {item.text}" for item in items)
            yield pa.table({"n": [0]})

        list(reading.tables(convert))
        records.append(ReadRecord.model_validate(reading.record(unit.token)))
        write_json(Path("results/ingest/read", f"{part_name(number)}.json"), records[-1].model_dump(mode="json"))
        for file in [*records[-1].files, *records[-1].governing]:
            let_go(Path(file.path))
    return sorted(texts), records


def tokens(given: ParallelSource) -> list[str]:
    return [unit.token for unit in units.units([given], 10**6, Path("results"))]


def test_both_sides_come_and_nothing_else(server: Any) -> None:
    # What another source has fetched from the same folder is none of its sides.
    run(source(server, "x.fr", "x.en"))
    asked = len(server.asked)
    given = source(server)
    assert len(units.units([given], 10**6, None)) == 1
    found, (record,) = run(given)
    assert found == BOTH
    assert [one.path for one in server.asked[asked:]] == ["/c/x.de"]
    (first,), (second,) = record.files, record.governing
    assert (first.address, second.address) == (f"{server.url}/c/x.de", f"{server.url}/c/x.en")
    assert second.etag
    assert sorted(_chosen(given)) == sorted(place_of(f"{server.url}/c/{name}") for name in ("x.de", "x.en"))

    # Of a list what is no side is listed, and not fetched.
    Path("list").write_text("".join(f"{server.url}{name}\n" for name in sorted(server.files)))
    server.asked.clear()
    more = {"manifests": ["list"], "paths": [], "languages": ["en", "de"]}
    given = source(server, **more, remote={"allow_hosts": ["127.0.0.1"]})
    found, records = run(given)
    assert found == BOTH
    assert server.asked == []
    assert sum(file.skipped for record in records for file in record.files) == 2
    # A hash of the second side decides as one of the first does.
    before = tokens(given)
    Path("list").write_text(Path("list").read_text().replace("x.de", f"x.de sha256:{'0' * 64}"))
    assert tokens(given) != before
    with pytest.raises(SourceError, match="was expected: its server has another file"):
        run(given)


def test_either_side_that_changes_is_read_again_with_the_other(server: Any) -> None:
    given = source(server)
    assert run(given)[0] == BOTH
    before = tokens(given)
    server.asked.clear()
    assert run(given)[0] == BOTH
    assert server.asked == []
    for name, body in (("x.en", b"One.\nAnother.\n"), ("x.de", b"Eins.\nAnderes.\n")):
        server.files[f"/c/{name}"] = body
        assert tokens(given) == before
        forget(place_of(f"{server.url}/c/{name}"))
        assert tokens(given) != before
        run(given)
        assert [one.path for one in server.asked] == [f"/c/{name}"]
        before = tokens(given)
        server.asked.clear()
    assert run(given)[0] == ["de Anderes.", "de Eins.", "en Another.", "en One."]


def test_sides_are_let_go_together_and_had_again(server: Any) -> None:
    given = source(server, remote={"keep_files": False})
    assert run(given)[0] == BOTH
    assert not [path for path in Path("downloads").rglob("x.*") if not path.name.startswith(".")]
    assert run(given, fetching=False)[0] == BOTH
    place = place_of(f"{server.url}/c/x.en")
    server.files["/c/x.en"] = EN + b"Three.\n"
    with pytest.raises(SourceError, match="was expected"):
        run(given, fetching=False)
    assert not place.exists()


def test_one_side_alone_is_nothing(server: Any) -> None:
    with pytest.raises(SourceError, match=rf"{server.url}/c/x.de: a Moses pair has two sides.*name both"):
        units.units([source(server, "x.de")], 10**6, None)
    with pytest.raises(SourceError, match="say which with languages"):
        units.units([source(server, "x.de", "x.en", "x.fr")], 10**6, None)
    del server.files["/c/x.en"]
    with pytest.raises(SourceError, match=r"x\.en: cannot be fetched: answers 404"):
        run(source(server))
    server.files |= {"/c/y.de.gz": gzip.compress(DE), "/c/y.en": EN}
    given = source(server, "x.de", "x.en", "y.de.gz", "y.en", on_bad_file="skip")
    found, records = run(given)
    assert found == BOTH
    (bad,) = [file for record in records for file in record.files if file.bad]
    assert bad.address == f"{server.url}/c/x.de"
    assert "x.en: cannot be fetched: answers 404" in bad.bad
    before = tokens(given)
    assert tokens(given) == before
    # Mended on its server, it is fetched when somebody asks.
    server.files["/c/x.en"] = EN
    forget(place_of(f"{server.url}/c/x.en"))
    assert run(given)[0] == sorted(2 * BOTH)


def test_a_side_that_is_not_what_came_is_not_read(server: Any) -> None:
    given = source(server)
    run(given)
    place_of(f"{server.url}/c/x.en").write_bytes(b"Ona.\nTwo.\n")
    with pytest.raises(SourceError, match="is not what was fetched from"):
        run(given)


@pytest.mark.parametrize("other", ["deu_1996", "rus", "arb", "cmn_hans"])
def test_a_real_text_in_two_languages(server: Any, other: str) -> None:
    """The Universal Declaration of Human Rights, whose paragraphs are the same in these languages."""
    path = Path(__file__).resolve().parents[5] / "shared" / "data" / "text" / "udhr.jsonl.zst"
    if not path.exists():
        pytest.skip(f"{path} is not here: real documents are checked only where the shared test data lie")
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        texts = {row["id"]: row["text"] for row in map(json.loads, file)}
    sides = {name: [line for line in texts[name].splitlines() if line.strip()] for name in ("eng", other)}
    language = {"deu_1996": "de", "rus": "ru", "arb": "ar", "cmn_hans": "zh"}[other]
    files = {"en": sides["eng"], language: sides[other]}
    server.files |= {f"/c/udhr.{name}.gz": gzip.compress("\n".join(lines).encode()) for name, lines in files.items()}
    given = source(server, *(f"udhr.{name}.gz" for name in files))
    found, ((read,),) = run(given)[0], [record.files for record in run(given)[1]]
    assert read.records == 2 * 92
    assert read.skipped == 0
    assert found == sorted(f"{name} {line.strip()}" for name, lines in files.items() for line in lines)
