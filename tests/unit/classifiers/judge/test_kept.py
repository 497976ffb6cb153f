"""Kept answers survive kills, damage and company; what was torn is dropped, counted, and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.classifiers.judge.answers import Answer, NoAnswer
from tamis.classifiers.judge.kept import Kept, answer_key, question_hash

BODY = {"model": "m", "temperature": 0.0}


def answer(text, tokens=(1, 2)):
    return Answer(text, "stop", "served", tokens)


def kept(folder):
    return Kept(folder, "Is it good? {text}", BODY)


def keep(folder, entries):
    here = kept(folder)
    with here.locked():
        for key, value in entries.items():
            here.add(key, value)
    return here


def read(folder, wanted):
    here = kept(folder)
    with here.locked():
        return here.read(set(wanted)), here.unreadable


def files(folder):
    return sorted(folder.glob("*/answers-*.jsonl"))


ODD = ["", "yes", "U+2028 \u2028 and \x85 in it\nand more", "\x00\x1b[2J", "half \ud800 a pair", "4" * 100_000]


def test_what_is_kept_comes_back(tmp_path):
    entries = {str(index): answer(text, None if index % 2 else (index, 7)) for index, text in enumerate(ODD)}
    keep(tmp_path, entries)
    assert read(tmp_path, entries) == (entries, 0)
    nothing = {"none": NoAnswer("not JSON", "<html>")}
    keep(tmp_path, nothing)
    assert read(tmp_path, nothing) == (nothing, 0)
    some = list(entries)[:2]
    assert read(tmp_path, some)[0] == {key: entries[key] for key in some}
    # Another prompt, model or setting is another question.
    assert Kept(tmp_path, "Another: {text}", BODY).read(set(entries)) == {}
    assert Kept(tmp_path, "Is it good? {text}", {**BODY, "temperature": 1.0}).read(set(entries)) == {}


def test_keys_tell_texts_and_seeds_apart():
    assert answer_key("a", 0) != answer_key("a", 1) != answer_key("b", 1)
    assert answer_key("1\0a", 0) != answer_key("a", 1)
    assert question_hash("p", {"a": 1, "b": 2}) == question_hash("p", {"b": 2, "a": 1})


def test_every_cut_of_the_file_loses_the_last_line_and_no_more(tmp_path):
    entries = {answer_key(str(row), 0): answer(f"Grade: {row}") for row in range(3)}
    keep(tmp_path, entries)
    (path,) = files(tmp_path)
    data = path.read_bytes()
    starts = [0, *(at + 1 for at, byte in enumerate(data) if byte == ord("\n"))]
    for size in range(len(data) + 1):
        path.write_bytes(data[:size])
        # A line whose line feed alone is missing is whole.
        whole = sum(size >= end - 1 for end in starts[1:])
        found, unreadable = read(tmp_path, entries)
        assert found == dict(list(entries.items())[:whole]), size
        assert unreadable == (size not in {*starts, *(end - 1 for end in starts[1:])}), size
    # A process after the kill writes to a file of its own: nothing is glued to the torn line.
    path.write_bytes(data[: starts[2] + 10])
    more = {answer_key("9", 0): answer("Grade: 5")}
    keep(tmp_path, more)
    assert read(tmp_path, entries | more) == (dict(list(entries.items())[:2]) | more, 1)


@given(data=st.data())
def test_a_flipped_bit_is_never_another_answer(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("flipped")
    entries = {answer_key(str(row), 0): answer(f"Grade: {row}") for row in range(3)}
    keep(folder, entries)
    (path,) = files(folder)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    found, _ = read(folder, entries)
    assert found.items() <= entries.items()
    assert len(found) >= 1


def _add_for_ever(folder):
    here = kept(folder)
    with here.locked():
        number = 0
        while True:
            here.add(answer_key(str(number), 0), answer("yes" * 500))
            number += 1


def test_a_killed_process_loses_at_most_the_line_that_it_wrote(tmp_path):
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        process = context.Process(target=_add_for_ever, args=(tmp_path,))
        process.start()
        while not files(tmp_path) or files(tmp_path)[-1].stat().st_size < 10_000:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    wanted = {answer_key(str(number), 0) for number in range(1_000_000 // 1500)}
    lines = [path.read_bytes().split(b"\n") for path in files(tmp_path)]
    found, unreadable = read(tmp_path, wanted)
    assert len(found) == len(wanted & {answer_key(str(row), 0) for row in range(max(len(some) for some in lines) - 1)})
    assert unreadable == sum(bool(some[-1]) for some in lines)


def _ask_once(folder, key, asked):
    here = kept(folder)
    with here.locked():
        if key not in here.read({key}):
            asked.put(os.getpid())
            time.sleep(0.2)
            here.add(key, answer("yes"))


def test_two_processes_do_not_pay_for_one_answer(tmp_path):
    context = multiprocessing.get_context("fork")
    asked = context.Queue()
    processes = [context.Process(target=_ask_once, args=(tmp_path, "key", asked)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert asked.get(timeout=5)
    assert asked.empty()


def test_of_two_answers_to_one_question_it_is_always_the_same(tmp_path):
    for text in ("yes", "no"):
        keep(tmp_path, {"key": answer(text)})
    one, other = files(tmp_path)
    found = read(tmp_path, ["key"])[0]
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)
    assert read(tmp_path, ["key"])[0] == found


def test_what_cannot_be_written_is_said_and_glued_to_nothing(tmp_path, monkeypatch):
    here = kept(tmp_path)
    with here.locked():
        here.add("one", answer("yes"))
        write = os.write

        def full(handle, data):
            write(handle, bytes(data)[:20])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            here.add("two", answer("yes"))
        monkeypatch.setattr(os, "write", write)
        here.add("three", answer("no"))
    assert read(tmp_path, ["one", "two", "three"]) == ({"one": answer("yes"), "three": answer("no")}, 1)
