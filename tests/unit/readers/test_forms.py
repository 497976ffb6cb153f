"""The kind of a text by its lines."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.readers.forms import kind_of, kind_of_bytes, kind_of_extracted, kind_of_page
from tamis.schemas import KINDS

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "text"

PROSE = "The drum turns and the fine grain falls through; what is coarse stays behind and is thrown away.\n\n" * 6
CODE = "import os\n\n\nclass Thing:\n    size = 3\n\n    def grow(self, by):\n        self.size += by\n        return self.size\n"
LATEX = "Let $x_i$ be given.\nThen \\sum_i x_i = 1.\n\\begin{lemma}\nIt is $\\alpha$.\n\\end{lemma}\n" + PROSE
SESSION = "Expand it:\n\n>>> from sympy import *\n>>> expand((x + 1)**2)\nx**2 + 2*x + 1\n>>> factor(_)\n(x + 1)**2\n"
TABLE = "+----+----+\n| a  | b  |\n+====+====+\n| 1  | 2  |\n+----+----+\n"
NAMES = "Anne <a@x.org>\nBert B. <b@x.org>\nCem\n* Dia\n* Eli\nFay, Gus, Hal, Ina, Jo\n"
LICENCE = (
    "Copyright (c) 2020 Somebody. All rights reserved.\nPermission is hereby granted, free of charge, to any person.\n"
    'The software is provided "as is", without warranty of any kind.\n'
)
MODULE = (
    '"""Sieves, by the width of their mesh."""\n\nimport os\n\n\ndef sieve(grain):\n    """Return what stays."""\n'
    '    return os.path.join(grain, "a")\n\n\nclass Mesh:\n    width = 3\n'
)
APACHE = """// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.

"""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PROSE, "prose"),
        (CODE, "code"),
        ("int main(void) {\n  int x = 1;\n  return x;\n}\n", "code"),
        (LATEX, "maths"),
        (SESSION, "maths"),
        (SESSION.replace("sympy", "json"), "prose"),
        (TABLE, "catalogue"),
        (NAMES, "catalogue"),
        ("a\t1\nb\t2\nc\t3\nd\t4\ne\t5\n", "catalogue"),
        ("Index\n=====\n\n.. toctree::\n   :maxdepth: 1\n\n   one\n   two\n", "catalogue"),
        (LICENCE, "licence"),
        (PROSE * 100 + LICENCE, "prose"),
        ("Set $HOME and $PATH.\n$Date$\n$Revision: 1 $\nIt costs $5 or $6.\n" + PROSE, "prose"),
        (APACHE + 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("sieve")\n}\n', "code"),
        (MODULE, "code"),
        (
            "\t.text\n\t.globl sieve\nsieve:\n\tpushq %rbp\n\tmovq %rsp, %rbp\n\tmovl $1, %eax\n\tpopq %rbp\n\tret\n",
            "code",
        ),
        ('#!/bin/sh\nset -e\nfor f in *.txt; do\n  grep -q sieve "$f" && echo "$f"\ndone\nexit $?\n', "code"),
        (
            "      SUBROUTINE SIEVE(N, A)\n      INTEGER N, I\n      REAL A(N)\n      DO 10 I = 1, N\n   10 A(I) = 0\n      END\n",
            "code",
        ),
        (
            "# Sieve\n\nA sieve for grains.\n\n```python\nimport sieve\nsieve.run(1)\nx = sieve.x(2)\n```\n\nIt is fast.\n",
            "prose",
        ),
        (f"<!--\n{LICENCE}-->\n# Sieve\n\nA sieve for grains, and how to help with it.\n", "prose"),
        (f"<!--\n{LICENCE}-->\n", "licence"),
        ("seed,0x0\n" + "".join(f"{i}, {i * 7919:#x}\n" for i in range(20)), "catalogue"),
        ("grain\nmesh\nsieve\nstone\nchaff\nflour\n", "catalogue"),
        ("说明文字。这是一个句子没有空格。\n" * 10, "prose"),
        ("x", "prose"),
        ("a;\n", "prose"),
    ],
)
def test_by_hand(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_pages_quote_code_and_licences_and_stay_pages() -> None:
    assert kind_of_page(CODE) == "prose"
    assert kind_of_page(LATEX) == "maths"
    assert kind_of_page(TABLE) == "catalogue"


PROGRAM = (
    "import trustme\n\nca = trustme.CA()\nserver_cert = ca.issue_cert('localhost')\nca.cert_pem.write_to_path('cacert.pem')\n"
    "for index, one in enumerate(server_cert.chain):\n    one.write_to_path(f'server_{index}.crt')\n"
)


def _indented(text: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in text.splitlines(keepends=True))


@pytest.mark.parametrize(
    "text",
    [
        f"New certificates\n----------------\n\nThis makes them::\n\n{_indented(PROGRAM * 3)}\nMany tests break.\n",
        f"Use\n---\n\n.. code-block:: python\n\n{_indented(PROGRAM * 3)}\nThat is all.\n",
        f"Use\n---\n\n::\n\n{_indented(PROGRAM * 3)}",
    ],
)
def test_what_a_page_quotes_makes_no_program_of_it(text: str) -> None:
    # Sixteen of 344 pages of reference were code for what stood in their literal blocks.
    assert kind_of(text) == kind_of_bytes(text.encode()) == "prose"


@pytest.mark.parametrize(
    "text",
    [
        PROGRAM,
        f'"""Certificates.\n\nThis makes them::\n\n{_indented(PROGRAM)}\n"""\n{PROGRAM}',
        "sieve ::\n  Grain ->\n  Maybe Grain\nsieve = \\case\n  Grain { size = s } | s > 3 -> Nothing\n  one -> Just one\n"
        * 3,
    ],
)
def test_programs_with_quotations_stay_programs(text: str) -> None:
    assert kind_of(text) == "code"


def test_a_page_of_html_is_code_where_nothing_else_is_on_it() -> None:
    manual = f"Certificates\n\nThis is how they are made anew, whenever one of them ends.\n\n{PROGRAM}"
    assert kind_of(manual) == "code"
    assert kind_of_extracted(manual.encode()) == "prose"
    japanese = f"証明書\n\n証明書は期限が切れるたびに、次のようにして新しく作られます。\n\n{PROGRAM}"
    assert kind_of_extracted(japanese.encode()) == "prose"
    contents = "".join(f"    {number}. Type_{number} :: new(a, b)\n" for number in range(30))
    assert kind_of(contents) == "code"
    assert kind_of_extracted(contents.encode()) == "catalogue"
    assert kind_of_extracted(PROGRAM.encode()) == kind_of_extracted((PROGRAM * 1_000).encode()) == "code"
    assert kind_of_extracted(PROSE.encode()) is None


@pytest.mark.parametrize("piece", ["a_b(", "a\n\n", "x = (y);\n", "[a](b", "::\n\n a\n"])
def test_no_page_is_long_enough_to_stop_it(piece: str) -> None:
    assert kind_of_extracted((PROGRAM + piece * 200_000).encode()) in {None, *KINDS}


@given(st.text())
def test_every_text_has_a_kind(text: str) -> None:
    assert kind_of(text) in KINDS


@pytest.mark.parametrize(
    "piece", [" ", "\t", "; ", "a,", "$a ", "|", "$", "\\", ">>> ", "a.", "(", "<a@b", "[[", "- ", "=", "= ="]
)
def test_no_line_is_long_enough_to_stop_it(piece: str) -> None:
    # A pattern that backtracks over the line would not end.
    assert kind_of(piece * 1_000_000 + "x") in KINDS


@pytest.mark.parametrize(
    ("name", "kind", "least"),
    [("c4_demo", "prose", 0.99), ("classic-books", "prose", 0.95), ("peps", "prose", 0.95), ("nltk-brown", "prose", 0.99),
     ("sms-spam", "prose", 0.99), ("stacks.S", "maths", 0.95), ("spdx-xml", "licence", 0.6)],
)  # fmt: skip
def test_collections_of_known_kind(name: str, kind: str, least: float) -> None:
    path = SHARED / f"{name}.jsonl.zst"
    if not path.exists():
        pytest.skip("the shared test data are not beside this checkout")
    with pa.input_stream(str(path), compression="zstd") as file:
        rows = [json.loads(line) for line in file.read().split(b"\n") if line][:200]
    kinds = [kind_of(row["text"]) for row in rows]
    assert kinds.count(kind) >= least * len(kinds)


PIECES = st.sampled_from(
    [
        PROSE, CODE, LATEX, SESSION, TABLE, NAMES, LICENCE, "\n", "\n\n", " ", "\t", "x = 1\n", "f(x)\n", "a, b, c, d, e\n", "- x\n",
        "* y\n", "• z\n", "\u0661. \u0639\n", "word\n", "两个\n", "|a|b|\n", "a\tb\n", "$x^2$\n", "∑ a\n", "\\alpha\n", ">>> x\n", ":role: x\n",
        ".. toctree::\n", "Anne <a@b.c>\n", "1) x\n", "}\u00a0\n", "else:\n", "@x\n", "// x\n", "#include x\n", ");\n", "from a.b\n",
        "LICENSED UNDER ", "All Rights Reserved. ", "merchantability ", "\u212a", "\u0130", "İ", "\u3000x;\u3000\n", "\x1c\x1d{\n",
        "sympy ", "a" * 41 + ",", "b,", "c;", "x\u2003", "\x85", "======= ====\n", "+---+\n", "=" * 101 + "\n",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=8), max_size=30))
def test_the_glance_at_bytes_rules_out_no_kind_that_the_lines_show(pieces: list[str]) -> None:
    text = "".join(pieces).encode("utf-8", "replace").decode()
    assert kind_of_bytes(text.encode()) == kind_of(text)
