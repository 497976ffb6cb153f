"""What is read again, and when: by what is known of a fetched file, whether it still lies there or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from file_server import Asked, FileServer, Sent, file_server, serving, whole

from tamis import cli
from tamis.checksums import canonical
from tamis.errors import SourceError
from tamis.readers import units
from tamis.readers.columns import Columns
from tamis.readers.jsonl import JsonlSource
from tamis.readers.observed import Reading
from tamis.readers.remote.addresses import place_of
from tamis.readers.remote.origin import forget, let_go, origin_of
from tamis.readers.text import TextSource
from tamis.shards import part_name, read_json, write_json
from tamis.stages.fetch import VERSION, run_unit


def line(text: str) -> bytes:
    return json.dumps({"text": text}).encode() + b"\n"


@pytest.fixture(name="server")
def _server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    files = {f"/{name}.jsonl": line(f"File {name}.") for name in "abc"}
    with file_server(serving(files)) as server:
        server.files = files
        yield server


def source(server: FileServer, **more: Any) -> JsonlSource:
    paths = [f"{server.url}/{name}.jsonl" for name in "abc"]
    return JsonlSource.model_validate({"name": "web", "paths": paths, "remote": {"retries": 0}} | more)


def planned(given: Any) -> list[units.Unit]:
    return units.units([given], 10**6, Path("results"))


def params(found: list[units.Unit]) -> list[str]:
    return [canonical([unit.params(), unit.fetched_by()]) for unit in found]


def run(found: list[units.Unit]) -> list[str]:
    """What a run does: it remembers the plan, fetches, and each job writes down what it has read; all texts."""
    units.remember(found, Path("results"))
    texts: list[str] = []
    for number, unit in enumerate(found):
        run_unit(
            **unit.fetched_by(), ways=unit.ways(), output=Path("results/ingest/fetched", f"{part_name(number)}.json")
        )
        reading = Reading(unit.source, [str(path) for path in unit.files], lambda _: None, Path())

        def convert(records: Any) -> Any:
            for item in records:
                texts.extend(item.text.to_pylist() if isinstance(item, Columns) else [item.text])
            yield pa.table({"n": [0]})

        list(reading.tables(convert))
        record = reading.record(unit.token)
        write_json(Path("results/ingest/read", f"{part_name(number)}.json"), record)
        for path in unit.files:
            let_go(path)
    return sorted(texts)


def test_a_unit_is_read_again_when_its_file_has_changed_and_somebody_asked(server: Any) -> None:
    given = source(server)
    before = planned(given)
    assert [len(unit.files) for unit in before] == [1, 1, 1]
    assert [unit.awaited() for unit in before] == [[]] * 3
    assert run(before) == ["File a.", "File b.", "File c."]
    read = read_json(Path("results/ingest/read/part-00000.json"))["files"][0]
    assert read["address"].startswith(server.url)
    assert read["etag"].startswith('"')

    # Nothing is asked for again, nor when the file itself is gone, nor for other ways of fetching it.
    asked = len(server.asked)
    for unit in before:
        unit.files[0].unlink()
    assert params(planned(given)) == params(before)
    assert params(planned(source(server, remote={"timeout": 9}, on_bad_file="skip"))) == params(before)
    server.files["/b.jsonl"] = line("File b, changed.")
    assert params(planned(given)) == params(before)
    assert len(server.asked) == asked

    # Forgotten, it is fetched and read again; before it came and after, the plan is the same.
    place = place_of(f"{server.url}/b.jsonl")
    forget(place)
    now = planned(given)
    changed = [
        unit.files
        for old, unit in zip(params(before), now, strict=True)
        if old != canonical([unit.params(), unit.fetched_by()])
    ]
    assert changed == [(place,)]
    number = [unit.files for unit in now].index((place,))
    run_unit(**now[number].fetched_by(), ways=now[number].ways(), output=Path("word"))
    assert params(planned(given)) == params(now)
    assert run(now) == ["File a.", "File b, changed.", "File c."]
    assert params(planned(given)) == params(now)
    # As often as that happens, also when it is the same again.
    forget(place)
    again = planned(given)
    assert params(again)[number] not in (params(before)[number], params(now)[number])
    run(again)
    assert params(planned(given)) == params(again)


def test_what_cannot_be_fetched_fails_or_is_listed_and_is_tried_again_when_somebody_asks(server: Any) -> None:
    del server.files["/b.jsonl"]
    given = source(server)
    with pytest.raises(SourceError, match=r"b.jsonl: cannot be fetched: answers 404.*With on_bad_file: skip"):
        run(planned(given))
    given = source(server, on_bad_file="skip")
    found = planned(given)
    assert run(found) == ["File a.", "File c."]
    read = [file for path in sorted(Path("results/ingest/read").glob("*")) for file in read_json(path)["files"]]
    (bad,) = [file for file in read if file["bad"]]
    assert "answers 404" in bad["bad"]
    assert "tamis refresh" in bad["bad"]
    assert bad["address"] == f"{server.url}/b.jsonl"
    asked = len(server.asked)
    assert params(planned(given)) == params(found)
    assert len(server.asked) == asked
    server.files["/b.jsonl"] = line("File b.")
    forget(place_of(f"{server.url}/b.jsonl"))
    assert run(planned(given)) == ["File a.", "File b.", "File c."]


def test_a_fetched_file_that_is_not_what_came_is_not_read(server: Any) -> None:
    found = planned(source(server))
    run(found)
    path = found[0].files[0]
    path.write_bytes(path.read_bytes().replace(b"File", b"Fire"))
    reading = Reading(found[0].source, [str(path)], lambda _: None, Path())
    with pytest.raises(SourceError, match="is not what was fetched from"):
        list(reading.tables(lambda records: iter([pa.table({"n": [len(list(records))]})])))
    origin_of(path)
    forget(path)
    reading = Reading(found[0].source, [str(path)], lambda _: None, Path())
    with pytest.raises(SourceError, match="nothing beside it says where it came from"):
        list(reading.tables(lambda records: iter([pa.table({"n": [len(list(records))]})])))


def test_files_go_once_they_are_read_where_that_is_asked_for(server: Any) -> None:
    given = source(server, remote={"keep_files": False})
    found = planned(given)
    assert run(found) == ["File a.", "File b.", "File c."]
    assert not any(unit.files[0].exists() for unit in found)
    assert params(planned(given)) == params(found)
    assert run(found) == ["File a.", "File b.", "File c."]


def test_a_hash_in_a_list_decides(server: Any) -> None:
    lists = Path("list")
    lists.write_text(f"{server.url}/a.jsonl\n")
    given = source(server, paths=[], manifests=["list"])
    first = planned(given)
    # The configuration names the list alone, and not the machine that a line of it leads to.
    with pytest.raises(SourceError, match=r"not named by the configuration.*remote\.allow_hosts"):
        run(first)
    given = source(server, paths=[], manifests=["list"], remote={"allow_hosts": ["127.0.0.1"]})
    assert params(planned(given)) == params(first)
    run(planned(given))
    right = origin_of(first[0].files[0]).sha256
    lists.write_text(f"{server.url}/a.jsonl sha256:{right}\n")
    assert [unit.token for unit in planned(given)] == [unit.token for unit in first]
    lists.write_text(f"{server.url}/a.jsonl sha256:{'0' * 64}\n")
    changed = planned(given)
    assert changed[0].token != first[0].token
    with pytest.raises(SourceError, match="was expected: its server has another file"):
        run(changed)


def test_small_files_are_fetched_and_read_together(server: Any) -> None:
    paths = [f"{server.url}/{number}.txt" for number in range(25)]
    server.files |= {f"/{number}.txt": f"Text number {number}.".encode() for number in range(25)}
    found = planned(TextSource(name="pages", paths=paths))
    # Where they are cut depends on their addresses, and so on the server's port; all units but one hold a fourth of the
    # bytes of one, three files, at least.
    assert len(found) <= 9
    assert len(run(found)) == 25


def test_refresh_asks_and_forgets_what_has_changed(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    server.files["/list"] = b"a.jsonl\nb.jsonl\nc.jsonl\n"
    config = {
        "sources": [source(server, paths=[], manifests=[f"{server.url}/list"]).model_dump(mode="json")],
        "pipeline": [],
    }
    Path("mine.yaml").write_text(json.dumps(config))
    given = JsonlSource.model_validate(config["sources"][0])
    run(planned(given))

    def refreshed(*arguments: str) -> str:
        assert cli.main(["refresh", "--configfile", "mine.yaml", *arguments]) == 0
        return capsys.readouterr().out

    assert refreshed().split() == ["3", "unchanged"]
    server.files["/b.jsonl"] = line("Other.")
    del server.files["/c.jsonl"]
    server.files["/list"] += b"d.jsonl\n"
    server.files["/d.jsonl"] = line("File d.")
    told = refreshed()
    assert f"{server.url}/list: changed" in told
    assert f"{server.url}/b.jsonl: changed" in told
    assert f"{server.url}/c.jsonl: gone from its server; what was fetched stays" in told
    assert "1  not fetched yet" in told
    assert "The next run fetches them" in told
    assert run(planned(given)) == ["File a.", "File c.", "File d.", "Other."]
    # A server that says nothing by which versions are told apart.
    real = server.behaviour
    server.behaviour = lambda asked: Sent(real(asked).body)
    forget(place_of(f"{server.url}/a.jsonl"))
    run(planned(given))
    server.behaviour = lambda asked: Sent(real(Asked(asked.path, {}, 0)).body)
    assert f"{server.url}/a.jsonl: not told apart by its server" in refreshed()
    server.behaviour = lambda _: Sent(reset=True)
    assert "not answered for; what was fetched stays" in refreshed()
    assert "to be fetched again" in refreshed("--all")
    server.behaviour = real
    Path("mine.yaml").write_text(
        json.dumps({"sources": [{"name": "a", "format": "text", "paths": ["x"]}], "pipeline": []})
    )
    assert cli.main(["refresh", "--configfile", "mine.yaml"]) == 1
    assert "no source of this configuration names remote files" in capsys.readouterr().err


def test_a_killed_job_is_continued_where_it_was(server: Any) -> None:
    body = line("Of a large file. " * 200_000)
    go_on = threading.Event()

    def behaviour(asked: Asked) -> Sent:
        reply = whole(body, asked)
        if asked.number == 0:
            # The first half comes; then nothing, until somebody has died.
            reply.length, reply.cut, reply.hold = len(body), len(body) // 2, go_on
        return reply

    server.behaviour = behaviour
    (unit,) = planned(source(server, paths=[f"{server.url}/a.jsonl"], remote={}))
    given = canonical({"stage": "fetch", "version": VERSION, **unit.fetched_by()})
    command = [sys.executable, "-m", "tamis.job", "fetch", "unit", "--params", given]
    job = subprocess.Popen([*command, f"ways={unit.ways()}", "output=word"])
    part = unit.files[0].with_name(f".{unit.files[0].name}.part")
    for _ in range(3000):
        if part.exists() and part.stat().st_size >= len(body) // 2:
            break
        threading.Event().wait(0.01)
    job.send_signal(signal.SIGKILL)
    job.wait(30)
    go_on.set()
    assert not unit.files[0].exists()
    assert not os.path.lexists("word")
    assert run([unit]) == [json.loads(body)["text"]]
    assert [asked.start for asked in server.asked] == [None, len(body) // 2]
