"""Where spans lie in characters, and where a cut with a margin ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tamis.decontamination.outcome import _back, _forth, _Places

TEXT = st.text("aé日😀 \n", min_size=1, max_size=60)


@given(TEXT, st.data())
def test_places_are_counted_in_characters(text, data):
    chosen = data.draw(st.lists(st.integers(0, len(text)), max_size=6))
    places = [len(text[:at].encode()) for at in chosen]
    counted = _Places(text.encode(), places)
    assert [counted.before(place) for place in places] == chosen
    assert counted.before(len(text.encode())) == len(text)


@given(TEXT, st.data())
def test_a_margin_ends_between_words(text, data):
    start = data.draw(st.integers(0, len(text)))
    margin = data.draw(st.integers(0, 30))
    encoded, at = text.encode(), len(text[:start].encode())
    left = len(encoded[: _back(encoded, at, margin)].decode())
    right = len(encoded[: _forth(encoded, at, margin)].decode())
    assert left <= max(0, start - margin)
    assert left == 0 or text[left - 1].isspace()
    assert right >= min(len(text), start + margin)
    assert right == len(text) or text[right].isspace()


def test_a_text_without_spaces_is_cut_at_the_margin():
    encoded = ("日" * 300).encode()
    assert len(encoded[: _back(encoded, 450, 20)].decode()) == 130
    assert len(encoded[: _forth(encoded, 450, 20)].decode()) == 170
