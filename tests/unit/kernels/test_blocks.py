"""Blocks of paragraphs as plain Python joins them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_text import plain_blocks

from tamis.kernels.blocks import join_paragraphs
from tamis.kernels.lines import find_units
from tamis.kernels.words import buffers

PARAGRAPH = st.sampled_from(
    ["A b.", "small", "Lead in:", "Offen\uff1a", "- item", "* item\n  more", "12. item", "• item", "a) item", "# Title",
     "Title\n-----", "====\nTitle\n====", "-----", "Short line", "x" * 90, "    deep", "\tdeep", "```\ncode", "```",
     "~~~~", "Ünder,", "élan", "語語", "語。", "語、", "(see", "#hash", "A line\nand one", "A\r\n---\r\nB", "\x85", "ω", "Ω]"]
)  # fmt: skip
GAP = st.sampled_from(["\n\n", "\r\n\r\n", "\n \n\n", "\n"])
TEXT = st.lists(st.tuples(PARAGRAPH, GAP), max_size=30).map(lambda pairs: "".join(p + g for p, g in pairs))


def found(texts):
    """The blocks of texts in characters, from the kernel."""
    offsets, data = buffers(pa.array(texts, pa.large_string()))
    units = find_units(offsets, data, np.ones(len(texts), dtype=np.bool_), by_line=False)
    blocks, begins, alone = join_paragraphs(data, units, np.ones(len(texts), dtype=np.bool_))
    names = np.where(alone, "heading", np.where(begins, "section", ""))
    answer = []
    for row, text in enumerate(texts):
        raw = text.encode()
        mine = slice(blocks.offsets[row], blocks.offsets[row + 1])
        answer.append(
            [
                (len(raw[: start - offsets[row]].decode()), len(raw[: end - offsets[row]].decode()), str(name))
                for start, end, name in zip(blocks.starts[mine], blocks.ends[mine], names[mine], strict=True)
            ]
        )
    return answer


@given(st.lists(TEXT, max_size=4))
@settings(deadline=None, max_examples=200)
def test_blocks_are_those_of_plain_python(texts):
    assert found(texts) == [plain_blocks(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("One.\n\nTwo.", ["One.", "Two."]),
        ("These are:\n\n- a\n\n- b\n\nThat was it.", ["These are:\n\n- a\n\n- b", "That was it."]),
        ("- a\n\n- b", ["- a", "- b"]),
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
    assert [text[start:end] for start, end, _ in found([text])[0]] == blocks


def test_a_long_section_is_no_block():
    text = "# A\n\n" + "\n\n".join(f"Sentence {n}." for n in range(12))
    assert found([text])[0][0] == (0, 3, "heading")
    assert len(found([text])[0]) == 13
    assert len(found([text.removesuffix("\n\nSentence 11.")])[0]) == 1
