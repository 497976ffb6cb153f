"""Messages quote text of the corpus and of configurations; a terminal must not obey it."""

from __future__ import annotations

import pytest

from tamis.config import load
from tamis.errors import ConfigError, SourceError

CONTROL = "\x1b[2J\x1b]0;title\x07 \u202eturned \x9b1m \ud800"


def test_what_a_terminal_would_obey_is_spelled_out():
    assert str(SourceError(f"Addresses that contain it:\n  https://a.example/{CONTROL}ü")) == (
        "Addresses that contain it:\n  https://a.example/\\x1b[2J\\x1b]0;title\\x07 \\u202eturned \\x9b1m \\ud800ü"
    )


def test_a_key_of_control_characters_is_refused_in_words_a_terminal_only_shows():
    with pytest.raises(ConfigError) as refused:
        load({"sources": [], "pipeline": [], CONTROL: 1})
    assert "\\x1b[2J" in str(refused.value)
    assert not [letter for letter in str(refused.value) if letter in CONTROL.replace(" ", "") and not letter.isascii()]
    assert "\x1b" not in str(refused.value)
