"""Blocks of paragraphs as plain Python joins them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_text import plain_blocks, plain_line_blocks, plain_units

from tamis.kernels.blocks import join_lines, join_paragraphs
from tamis.kernels.lines import find_units
from tamis.kernels.words import buffers

PARAGRAPH = st.sampled_from(
    ["A b.", "small", "Lead in:", "Offen\uff1a", "- item", "* item\n  more", "12. item", "• item", "a) item", "# Title",
     "Title\n-----", "====\nTitle\n====", "-----", "Short line", "x" * 90, "    deep", "\tdeep", "```\ncode", "```",
     "~~~~", "Ünder,", "élan", "語語", "語。", "語、", "(see", "#hash", "A line\nand one", "A\r\n---\r\nB", "\x85", "ω", "Ω]", "(12) b", "(a) b", "a) b", "1.. b",
     "-- Name", "--", "—Name", "-- [x](y)", "--> b", "Author: b", ":Author: b", ":a:b", "Ünd_e-r:\tb", "x" * 41 + ": b", "<p>", "</p>",
     "<a@b>", "b <i>", "-->", "<!-- b", "<a\nb>", "A <", "a > b", "> b", "> - b", "http://a", "See http://a", "![](http://a)",
     "```py", "term\n  what", "One!", "|", "* * *", "Wide " * 5 + "end", "Wide " * 5 + "end.", "+++\nA\n+++\nB", "## B ##"]
)  # fmt: skip
GAP = st.sampled_from(["\n\n", "\r\n\r\n", "\n \n\n", "\n"])
TEXT = st.lists(st.tuples(PARAGRAPH, GAP), max_size=30).map(lambda pairs: "".join(p + g for p, g in pairs))


def named(level):
    """A level as the plain Python names it."""
    names = {0: "", 256: "under", 512: "framed", 768: "rule"}
    if level in (0, 1024):
        return "short" if level else None
    return int(level) if level < 256 else names[level // 256 * 256] + chr(level % 256)


def found(texts):
    """The blocks of texts in characters, from the kernel."""
    offsets, data = buffers(pa.array(texts, pa.large_string()))
    units = find_units(offsets, data, np.ones(len(texts), dtype=np.bool_), by_line=False)
    blocks, _, level, alone = join_paragraphs(data, units, np.ones(len(texts), dtype=np.bool_))
    answer = []
    for row, text in enumerate(texts):
        raw = text.encode()
        mine = slice(blocks.offsets[row], blocks.offsets[row + 1])
        answer.append(
            [
                (len(raw[: start - offsets[row]].decode()), len(raw[: end - offsets[row]].decode()), *told)
                for start, end, *told in zip(
                    blocks.starts[mine], blocks.ends[mine], map(named, level[mine]), alone[mine], strict=True
                )
            ]
        )
    return answer


@given(st.lists(TEXT, max_size=4))
@settings(deadline=None, max_examples=200)
def test_blocks_are_those_of_plain_python(texts):
    assert found(texts) == [plain_blocks(text) for text in texts]


LINES = st.lists(st.tuples(PARAGRAPH, st.sampled_from(["\n", "\n", "\r\n", "\n\n"])), max_size=30).map(
    lambda pairs: "".join(p + g for p, g in pairs)
)


def found_lines(texts):
    """The blocks of the lines of texts, as (first line, line after the last, level, whether alone)."""
    offsets, data = buffers(pa.array(texts, pa.large_string()))
    every = np.ones(len(texts), dtype=np.bool_)
    blocks, first, level, alone = join_lines(data, lines := find_units(offsets, data, every, by_line=True), every)
    answer = []
    for row in range(len(texts)):
        mine = slice(blocks.offsets[row], blocks.offsets[row + 1])
        begins = [*(first[mine] - lines.offsets[row]).tolist(), int(lines.offsets[row + 1] - lines.offsets[row])]
        told = zip(pairwise(begins), map(named, level[mine]), alone[mine].tolist(), strict=True)
        answer.append([(*ends, *shape) for ends, *shape in told])
    return answer


@given(st.lists(LINES | TEXT, max_size=4))
@settings(deadline=None, max_examples=200)
def test_lines_are_joined_as_plain_python_joins_them(texts):
    assert found_lines(texts) == [plain_line_blocks(text) for text in texts]


WRAPPED = "It is the sentence of a paragraph that somebody has broken at a\nWidth of seventy columns, or nearly so, and what stands here is\nThe rest."


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("We count visitors.\nNext page\nIt rained.", ["We count visitors.", "Next page", "It rained."]),
        (f"{WRAPPED}\n\nNext.", [WRAPPED, "Next."]),
        ("See:\n- a\n- b\nThen.", ["See:\n- a\n- b", "Then."]),
        ("A sentence,\nBroken.\nThen\nit ends.\niPhones.", ["A sentence,\nBroken.", "Then\nit ends.", "iPhones."]),
        ("Author: A\nDate: B\n\nText.", ["Author: A\nDate: B", "Text."]),
        ("Fill in\nName:\nMail:\n\nText.", ["Fill in\nName:\nMail:\n\nText."]),
        ("Menu\n- Home\n- Shop", ["Menu", "- Home\n- Shop"]),
        ("Text.\n\n--\nAnn\nThe Works", ["Text.", "--\nAnn\nThe Works"]),
        ("Title\n=====\n\nOne.\nTwo.", ["Title\n=====", "One.", "Two."]),
        ("> One.\n> Two.\nThree.", ["> One.\n> Two.", "Three."]),
        ("Sponsored.\nhttp://a.example/b", ["Sponsored.\nhttp://a.example/b"]),
        ("<td>\nOne.\n</td>", ["<td>\nOne.\n</td>"]),
        ("~~~ hm\nOne.\nTwo.", ["~~~ hm", "One.", "Two."]),
    ],
)
def test_lines_by_hand(text, blocks):
    lines = [text[start:end] for start, end, _ in plain_units(text, True)]
    whole = text.replace("\n\n", "\n").split("\n")
    assert lines == whole
    assert ["\n".join(lines[low:high]) for low, high, *_ in found_lines([text])[0]] == [
        block.replace("\n\n", "\n") for block in blocks
    ]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("One.\n\nTwo.", ["One.", "Two."]),
        ("These are:\n\n- a\n\n- b\n\nThat was it.", ["These are:\n\n- a\n\n- b", "That was it."]),
        ("- a\n\n- b\n\nNo more.", ["- a\n\n- b", "No more."]),
        ("(1) One.\n\n(2) Two.\n\nNo more.", ["(1) One.\n\n(2) Two.", "No more."]),
        ("a : int\n  One.\n\nb : int\n  Two.\n\nNo more.", ["a : int\n  One.\n\nb : int\n  Two.", "No more."]),
        (
            "So he said.\n\n-- [Ann](https://a.example/b)\n\nThen.",
            ["So he said.\n\n-- [Ann](https://a.example/b)", "Then."],
        ),
        ("So.\n\n![](https://a.example/b.png)\n\nThen.", ["So.", "![](https://a.example/b.png)", "Then."]),
        (
            "<p>\n\nOne.\n\n</p>\n\nIt says <a@b.example>\n\nThat.",
            ["<p>\n\nOne.\n\n</p>\n\nIt says <a@b.example>", "That."],
        ),
        ("~~~ hm\n\nOne.\n\nTwo.", ["~~~ hm", "One.", "Two."]),
        (
            "A sentence that\n\n    is.interrupted()\n\ngoes on.",
            ["A sentence that\n\n    is.interrupted()\n\ngoes on."],
        ),
        ("# A\n\nOne.\n\nTwo.\n\n# B\n\nThree.", ["# A\n\nOne.\n\nTwo.", "# B\n\nThree."]),
        ("Notes\n-----\nOne.\n\nTwo.\n\nSee also\n\nThree.", ["Notes\n-----\nOne.\n\nTwo.", "See also\n\nThree."]),
        ("```\n# no heading\n\n# nor this\n```\n\n# B", ["```\n# no heading\n\n# nor this\n```", "# B"]),
        ("", []),
    ],
)
def test_by_hand(text, blocks):
    assert [text[start:end] for start, end, *_ in found([text])[0]] == blocks


def test_a_long_section_is_no_block():
    text = "# A\n\n" + "\n\n".join(f"Sentence {n}." for n in range(12))
    assert found([text])[0][0] == (0, 3, 1, True)
    assert len(found([text])[0]) == 13
    assert len(found([text.removesuffix("\n\nSentence 11.")])[0]) == 1
