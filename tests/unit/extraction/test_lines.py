"""What is counted of lines, against counting one character at a time with an own idea of what is open."""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tamis.extraction.lines import MOST_REPEATS, lines_of
from tamis.extraction.marks import GROUPS
from tamis.kernels.markup import MARK

PIECES = [
    "word", "Two words.", "Wide 漢字。", "😀", "𠀀", "×", "a|b ©", "1,234", "\n", "\n\n", "\t", " ", "<", ">", "&lt;",
    "<p>", "</p>", "<a href='x>y'>", "<a>", "</a>", "<li>", "</li>", "<ul>", "</ul>", "<pre>", "</pre>", "<br>", "<h1>",
    "</h1>", "<h3>", "</h3>", "<prefix>", *(chr(MARK + i) for i in (0, 1, 4, 5, 27)), "\ud800",
]  # fmt: skip


def counted(text: str) -> list[dict[str, int]]:
    """Some of what is to be counted of the lines of a text."""
    open_tags: Counter[str] = Counter()
    open_groups: Counter[int] = Counter()
    rows, row, shown = [], Counter(), ""
    last: dict[str, int] = {}
    first: list[int] = []
    tokens = re.findall(r"<[^>]*>|.", text, re.DOTALL)
    for place, piece in enumerate([*tokens, "\n"]):
        tag = re.fullmatch(r"<(/?)(a|p|li|ul|ol|br|pre|h[1-6])>", piece)
        if len(piece) > 1:
            end, name = (tag[1], tag[2]) if tag else ("", "a")
            open_tags[name] += -1 if end else 1
            row[name] += not end
        elif ord(piece) >= MARK:
            open_groups[(ord(piece) - MARK) // 2] += 1 - 2 * (ord(piece) & 1)
        elif piece == "\n" and (open_tags["pre"] <= 0 or place == len(tokens)):
            if row["letters"]:
                words = re.findall(r"[^\W_]+", shown.replace("\x00", " "))
                wide = sum(one in "漢字𠀀" for one in shown)
                levels = [int(h) for h in "123456" if max(last[f"h{h}"], 0) + row[f"h{h}"] > 0]
                rows.append(
                    {
                        "mass": row["letters"] + 2 * wide,
                        "letters": row["letters"],
                        "words": len(words) + wide // 2,
                        "linked": row["linked"],
                        "links": row["a"],
                        "digits": sum(one in "0123456789" for one in shown),
                        "commas": shown.count(","),
                        "cells": shown.count("\t"),
                        "heading": min(levels, default=0),
                        "paragraph": min(max(last["p"], 0) + row["p"], 1),
                        "item": min(max(last["li"], 0) + row["li"], 3),
                        "pre": min(row["pre"], 1),
                        # Half a surrogate pair is read as a question mark.
                        "full_stop": int(shown.replace("\x00", "").rstrip()[-1] in ".。\ud800"),
                    }
                    | {f"group {group}": depth for group, depth in enumerate(first)}
                )
            row, shown, first = Counter(), "", []
        else:
            shown += piece
            letter = piece.isalnum() and piece != "\ud800"
            row["letters"] += letter
            row["linked"] += letter and open_tags["a"] > 0
            if not piece.isspace():
                last = dict.fromkeys((f"h{h}" for h in "123456"), 0) | {"p": 0, "li": 0} | open_tags
                first = first or [min(max(open_groups[group], 0), 3) for group in range(len(GROUPS))]
            continue
        # Tags and marks stand between words.
        shown += "\x00"
    return rows


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_lines_are_counted(pieces: list[str]) -> None:
    text = "".join(pieces)
    expected = counted(text)
    found = lines_of(text)
    if found is None:
        assert expected == []
        return
    rows = []
    for i in range(len(found.starts)):
        row = {name: int(getattr(found.own, name)[i]) for name in expected[0] if not name.startswith("group")}
        rows.append(row | {f"group {group}": int(depth) for group, depth in enumerate(found.own.groups[i])})
    assert rows == expected


def test_lines_that_are_there_more_than_once_are_counted() -> None:
    found = lines_of("Home\nAbout us\n<p>Home</p>\nabout us\n" + "More\n" * 20)
    assert found is not None
    assert found.own.repeats.tolist() == [2, 1, 2, 1] + [MOST_REPEATS] * 20
