"""The settings of a judge: what is refused, what is repeated of it, and what makes jobs run again."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from tamis.classifiers.judge.section import WAYS, Judge, read_prompt
from tamis.errors import ConfigError

GIVEN = {"url": "http://localhost:8000/v1/", "model": "m", "prompt": "prompt.md", "answers": "yes_no"}


def judge(**more):
    return Judge.model_validate({**GIVEN, **more})


def test_an_address_is_one():
    assert judge().url == "http://localhost:8000/v1"
    assert judge(url="https://api.example.org").url == "https://api.example.org"
    for wrong in (
        "localhost:8000",
        "ftp://host/v1",
        "file:///etc/passwd",
        "http://",
        "http:///v1",
        "http://host:99999/v1",
        "http://host/v 1",
        "http://host/\x1b[31m",
        "http://[::1/v1",
    ):
        with pytest.raises(ValidationError, match="no address of an endpoint"):
            judge(url=wrong)


def test_a_key_in_the_configuration_is_refused_and_not_repeated():
    for key, value in (
        ("url", "https://user:sk-secret@host/v1"),
        ("url", "https://host/v1?key=sk-secret"),
        ("url", "sk-secret"),
        ("api_key_env", "sk-secret"),
    ):
        with pytest.raises(ValidationError) as caught:
            judge(**{key: value})
        # Of a value error only the message is shown (`tamis.config`); pydantic's own text would quote the value.
        (found,) = caught.value.errors()
        assert found["type"] == "value_error"
        assert "secret" not in found["msg"]


def test_settings_that_change_no_answer_trigger_nothing(tmp_path):
    plain = judge().for_answers()
    changed = {
        "url": "https://other.example/v1",
        "prompt": str(tmp_path / "moved.md"),
        "api_key_env": "KEY",
        "concurrency": 99,
        "requests_per_minute": 3.0,
        "timeout": 1.0,
        "retries": 0,
        "max_malformed": 1.0,
        "price": {"input": 1.0, "output": 2.0},
        "cache": "elsewhere",
    }
    assert set(changed) == {*WAYS, "prompt"}
    assert judge(**changed).for_answers() == plain
    for key, value in (
        ("model", "other"),
        ("answers", "grade_0_5"),
        ("documents", 7),
        ("max_characters", 9),
        ("max_answer_tokens", 9),
        ("temperature", 0.5),
        ("seed", 1),
        ("request", {"top_p": 0.5}),
        ("agreement", 0.5),
    ):
        assert judge(**{key: value}).for_answers() != plain, key
    whole = judge(**changed)
    assert whole.for_answers().reached(whole.ways()) == whole.model_copy(update={"prompt": plain.prompt})


def test_a_request_has_the_fields_that_it_is_given():
    assert judge().body() == {"model": "m", "temperature": 0.0, "max_tokens": 512}
    other = judge(request={"max_tokens": None, "max_completion_tokens": 9, "temperature": None, "top_p": 0.5})
    assert other.body() == {"model": "m", "max_completion_tokens": 9, "top_p": 0.5}
    with pytest.raises(ValidationError, match="what JSON cannot say"):
        judge(request={"since": dt.date(2026, 1, 1)})
    for field in ("messages", "model", "stream", "n"):
        with pytest.raises(ValidationError, match="is not for `request` to say"):
            judge(request={field: 1})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"", r"holds \{text\} 0 times"),
        (b"Is it good?", r"holds \{text\} 0 times"),
        (b"{text} or {text}", r"holds \{text\} 2 times"),
        (b"caf\xe9 {text}", "is not UTF-8"),
        (b"{text}" + b" " * 100_000, "more than 100000 bytes"),
    ],
)
def test_a_prompt_without_its_place_is_refused(tmp_path, content, message):
    path = tmp_path / "prompt.md"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_prompt(path, "education.labels.judge.prompt")
    assert "education.labels.judge.prompt: " in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_prompt_may_begin_with_a_byte_order_mark_and_hold_braces(tmp_path):
    path = tmp_path / "prompt.md"
    path.write_bytes(b'\xef\xbb\xbfAs {"grade": 3}: {text}')
    assert read_prompt(path) == 'As {"grade": 3}: {text}'


@pytest.mark.parametrize("name", ["education", "quality"])
def test_the_prompts_of_the_project_can_be_used(pytestconfig, name):
    assert read_prompt(pytestconfig.rootpath / "classifiers" / name / "prompt.md").count("{text}") == 1
