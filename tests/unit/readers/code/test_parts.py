"""The parts of the reader of code: expressions, texts of licences, languages, origins, notebooks, encodings."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from identify.vendor.licenses import LICENSES
from packaging.licenses import canonicalize_license_expression

from tamis.heuristics.metrics import measure_code
from tamis.heuristics.sections import Code
from tamis.readers.code.encodings import decoded, what_binary
from tamis.readers.code.expressions import ExpressionError, is_allowed, parse, written
from tamis.readers.code.languages import kind_of_language, language_of
from tamis.readers.code.licence_texts import licences_of, notice_of
from tamis.readers.code.licences import expression_of, header
from tamis.readers.code.notebooks import script_of
from tamis.readers.code.origins import GENERATED_LINES, _marks, generated_by, is_vendored
from tamis.readers.code.trees import web_address

TEXTS = dict(LICENSES)
NAMES = ["MIT", "Apache-2.0", "GPL-2.0-only", "Zlib"]

TREES = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), inner, inner),
    max_leaves=6,
)


def spelled(tree: object) -> str:
    return tree if isinstance(tree, str) else f"({spelled(tree[1])} {tree[0]} {spelled(tree[2])})"


def is_met(tree: object, allow: frozenset[str]) -> bool:
    if isinstance(tree, str):
        return tree in allow
    sides = [is_met(side, allow) for side in tree[1:]]
    return any(sides) if tree[0] == "OR" else all(sides)


@given(TREES)
def test_an_expression_is_allowed_as_its_truth_table_says(tree: object) -> None:
    text = spelled(tree)
    for count in range(len(NAMES) + 1):
        for allow in map(frozenset, itertools.combinations(NAMES, count)):
            assert is_allowed(text, allow) == is_met(tree, allow)
            assert is_allowed(written(parse(text)), allow) == is_met(tree, allow)
    canonicalize_license_expression(written(parse(text)))


@pytest.mark.parametrize(
    ("text", "allow", "is_fine"),
    [
        ("MIT AND Apache-2.0 OR Zlib", ["Zlib"], True),
        ("MIT AND (Apache-2.0 OR Zlib)", ["Zlib"], False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only"], True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only WITH Classpath-exception-2.0"], True),
        ("GPL-2.0-only", ["GPL-2.0-only WITH Classpath-exception-2.0"], False),
        ("GPL-2.0-or-later", ["GPL-2.0-only"], True),
        ("GPL-2.0-only", ["GPL-2.0-or-later"], False),
        ("GPL-2.0+", ["GPL-2.0-or-later"], True),
        ("GPL-2.0", ["GPL-2.0-only"], True),
        ("LGPL-2.1-only", ["GPL-2.0-only"], False),
    ],
)
def test_what_an_expression_grants(text: str, allow: list[str], *, is_fine: bool) -> None:
    assert is_allowed(text, frozenset(allow)) is is_fine


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MIT MIT",
        "MIT/Zlib",
        "(MIT",
        "MIT)",
        "AND",
        "MIT WITH",
        "MTI",
        "MIT OR",
        "(" * 5000 + "MIT",
        "MIT OR " * 500 + "MIT",
        "MIT; rm -rf",
    ],
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_licence_is_known_by_its_text(name: str) -> None:
    text = TEXTS[name].replace("[year]", "2024").replace("[fullname]", "The Small Company of Somewhere, Ltd.")
    assert licences_of(text) == (name,)
    assert licences_of("  " + text.replace("\n", "\r\n  ")) == (name,)


def test_licences_that_resemble_each_other() -> None:
    bsd3 = TEXTS["BSD-3-Clause"]
    assert licences_of(bsd3.replace("the copyright holder", "Django Software of Lawrence, Kansas")) == ("BSD-3-Clause",)
    assert licences_of(TEXTS["MIT"] + "\n\n" + "=" * 70 + "\n\n" + TEXTS["Apache-2.0"]) == ("Apache-2.0", "MIT")
    assert licences_of("You may not do anything at all with this, ever, without asking.") == ()
    assert licences_of("") == ()
    clause = "The Software may be used for noncommercial purposes only. Commons Clause applies."
    assert licences_of(TEXTS["MIT"] + clause) == ()


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n", "Apache-2.0 WITH LLVM-exception"),
        ("/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */\n", "GPL-2.0 OR MIT"),
        ("<!-- SPDX-License-Identifier: CC-BY-4.0 -->\n", "CC-BY-4.0"),
        ("# SPDX-License-Identifier: MIT\n# SPDX-License-Identifier: Zlib\n", "MIT AND Zlib"),
        ('print("SPDX-License-Identifier: MIT")\n', None),
        ("# free software under the GNU General Public License, either version 2 or (at your option)\n# any later version.\n", "GPL-2.0-or-later"),
        (" * GNU Lesser General Public License version 2.1 as published\n", "LGPL-2.1-only"),
        ('# Licensed under the Apache License, Version 2.0 (the "License")\n', "Apache-2.0"),
        ("// Use of this source code is governed by a BSD-style license that can be\n", "BSD-3-Clause"),
        ("# nothing of the sort\n", None),
    ],
)  # fmt: skip
def test_the_head_of_a_file_says_its_licence(head: str, name: str | None) -> None:
    found = header(head, words=True)
    assert (found.expression if found else None) == name


def test_an_unknown_spdx_line_is_not_what_lies_above() -> None:
    found = header("# SPDX-License-Identifier: Our-Own\n", words=True)
    assert found is not None
    assert (found.expression, found.origin) == (None, "header")
    assert header("The GNU General Public License version 2 is explained here.", words=False) is None


@pytest.mark.parametrize(
    ("value", "name"),
    [("MIT License", "MIT"), ("MIT/Apache-2.0", "MIT OR Apache-2.0"), ("BSD", None), ({"type": "ISC"}, "ISC"), ([{"type": "MIT"}, {"type": "GPL-2.0"}], "(MIT) OR (GPL-2.0)"),
     ("SEE LICENSE IN FILE", None), (["MIT", 3], None), (None, None), (7, None)],
)  # fmt: skip
def test_what_packages_write(value: object, name: str | None) -> None:
    assert expression_of(value) == name


@pytest.mark.parametrize(
    ("path", "text", "language"),
    [
        ("a.h", "int f(void);\n", "C"), ("a.h", "#import <Foundation/F.h>\n@interface A\n", "Objective-C"), ("a.h", "class A {\npublic:\n};\n", "C++"),
        ("a.m", "% plot\nx = [1 2];\n", "MATLAB"), ("a.m", '#import "A.h"\n@implementation A\n', "Objective-C"), ("a.m", "function y = f(x)\nend\n", "MATLAB"),
        ("a.pl", "use strict;\nmy $x = 1;\n", "Perl"), ("a.pl", ":- module(a, []).\nfoo(X) :- bar(X).\n", "Prolog"),
        ("a.v", "module m;\nendmodule\n", "Verilog"), ("a.v", "Theorem a : True.\nProof. trivial. Qed.\n", "Rocq Prover"),
        ("a.ts", "export const a = 1\n", "TypeScript"), ("a.ts", "<?xml version='1.0'?>\n<TS></TS>\n", "XML"),
        ("a.cls", "\\NeedsTeXFormat{LaTeX2e}\n", "TeX"), ("a.1", ".TH A 1\n", "Roff"), ("a.1", "just text\n", "Text"),
        ("tool", "#!/usr/bin/perl -w\n", "Perl"), ("tool", "#!/usr/bin/env -S python3 -u\n", "Python"), ("tool", "words\n", None),
        ("x/Makefile.in", "all:\n", "Makefile"), ("Dockerfile.test", "FROM x\n", "Dockerfile"), ("dockerfile.vim", "let a = 1\n", "Vim Script"), ("CMakeLists.txt", "project(a)\n", "CMake"),
        ("config.h.in", "#undef A\n", "C"), ("a.C", "", "C++"), ("a.blade.php", "", "Blade"), ("a.hy", "", "Hy"), ("a.unheardof", "", None), (".gitignore", "", "Ignore List"),
    ],
)  # fmt: skip
def test_languages(path: str, text: str, language: str | None) -> None:
    assert language_of(path, text) == language


def test_kinds_follow_from_languages() -> None:
    kinds = {name: kind_of_language(name) for name in ("Python", "Markdown", "CSV", "TeX", "Text", None)}
    assert kinds == {
        "Python": "code",
        "Markdown": "prose",
        "CSV": "catalogue",
        "TeX": "maths",
        "Text": None,
        None: None,
    }


@given(
    st.lists(
        st.sampled_from(
            [
                "# ",
                "auto-generated",
                "Generated by",
                "x",
                "Do Not Edit",
                "\n",
                " ",
                "_",
                "autogeneratedX",
                "code generated by",
                "this file was generated",
            ]
        ),
        max_size=12,
    )
)
def test_marks_are_found_as_the_rules_of_code_find_them(pieces: list[str]) -> None:
    text = "".join(pieces)
    table = measure_code(pa.array([text], pa.large_string()), Code())
    line = float(table["generated_mark_line"][0])
    head = "\n".join(text.split("\n")[:GENERATED_LINES])
    assert (_marks().search(head) is not None) == (not np.isnan(line) and 0 < line <= GENERATED_LINES)


_CPP = (
    "class A\n{", "class A : B", " private :", "public:", "protected:", "\tvirtual void f();", "constexpr int a;", "namespace a", "using namespace a;",
    "template <class A>", "template\n<", "a = std::b;", "A::b (", "# include <string>", "#include <istream>", "#include <stream>", "#include <cstdint>",
    "#include <unordered_map>", "#include <optional>",
)  # fmt: skip
_OBJECTIVE_C = (
    "@interface A",
    "@class A;",
    "@protocol A",
    "@property int a;",
    "@end",
    "@implementation A",
    "@synthesize a;",
    "@import A;",
    '#import "A.h"',
)


@pytest.mark.parametrize(
    ("text", "language"),
    [*((one, "C++") for one in _CPP), *((one, "Objective-C") for one in _OBJECTIVE_C), ("// classes, private", "C")],
)
def test_every_mark_tells_the_language_of_a_header(text: str, language: str) -> None:
    assert language_of("a.h", f"/* a */\n{text}\n") == language


@pytest.mark.parametrize(
    ("path", "is_so"),
    [("node_modules/a.js", True), ("a/vendor/b.go", True), ("src/third_party/x.c", True), ("static/jquery-3.1.min.js", True), ("vendors.py", False),
     ("src/vendor.py", False), ("my_node_modules/a.js", False), ("src/react.js", True), ("src/reaction.js", False), ("pip/_vendor/x.py", True),
     ("docs/_static/doctools.js", True), ("docs/_static/site.js", False), ("src/doctools.js", False)],
)  # fmt: skip
def test_vendored(path: str, *, is_so: bool) -> None:
    assert is_vendored(path) is is_so


def test_generated() -> None:
    assert generated_by("a/yarn.lock", "", None)
    assert generated_by("a_pb2.py", "", "Python")
    assert generated_by("a.js", "x" * 500 + "\n", "JavaScript")
    assert generated_by("a.py", "x" * 500 + "\n", "Python") is None
    assert generated_by("a.go", "// Code generated by mockgen. DO NOT EDIT.\n", "Go")
    assert generated_by("a.py", "\n" * 6 + "# do not edit\n", "Python") is None
    # Below a licence, as in Kubernetes; not below any other comment, nor far below.
    apache = "/*\nCopyright The Authors.\n\n" + "Licensed under the Apache License, as it says.\n" * 11 + "*/\n\n"
    assert generated_by("a.go", f"{apache}// Code generated by client-gen. DO NOT EDIT.\n\npackage a\n", "Go")
    hashes = "# Copyright 2020 Somebody.\n#\n" + "# Licensed under the Apache License, as it says.\n" * 11
    assert generated_by("a.py", f"{hashes}\n# Generated by the maker. Do not edit!\nx = 1\n", "Python")
    assert generated_by("a.py", "# Words.\n" * 9 + "# Do not edit.\nx = 1\n", "Python") is None
    assert generated_by("a.py", hashes + "x = 1\n" * 6 + "# do not edit\n", "Python") is None


# As the programs write them, in the versions that Debian 12 and releases on PyPI of 2025 hold.
@pytest.mark.parametrize(
    ("head", "renderer"),
    [
        ('<link rel="stylesheet" type="text/css" href="../_static/pygments.css" />', "sphinx"),
        ('<script src="_static/documentation_options.js"></script>', "sphinx"),
        ('<meta name="generator" content="Docutils 0.17.1: http://docutils.sourceforge.net/" />', "Docutils 0.17.1"),
        ('<meta name="generator" content="Doxygen 1.9.4"/>', "Doxygen 1.9.4"),
        ("<!-- do not remove this div, it is closed by doxygen! -->", "doxygen"),
        ("<meta content='mkdocs-1.6, mkdocs-material-9' name='generator'>", "mkdocs-1.6"),
        ("<meta name=generator content=Hugo>", "Hugo"),
        ('<meta name="generator" content="rustdoc">', "rustdoc"),
        ('<meta name="generator" content="odoc 2.1.1"/>', "odoc 2.1.1"),
        ("<!-- Book generated using mdBook -->", "mdBook"),
        ('<html xmlns:erl="http://erlang.org">', "erl_docgen"),
        ('<script src="haddock-bundle.min.js"></script>', "haddock"),
        ('<pre><span class="hs-pragma">', "haddock"),
        ("<title>Class: Sieve &mdash; YARD 0.9.28 Documentation</title>", "yard"),
        ("<title>JSDoc: Class: Sieve</title>", "jsdoc"),
    ],
)
def test_rendered_manuals_are_generated(head: str, renderer: str) -> None:
    page = f"<!DOCTYPE html>\n\n\n\n\n\n\n<html><head>\n{head}\n</head><body>{{{{ an example }}}} of a template</body></html>"
    found = generated_by("docs/a.html", page, "HTML")
    assert found is not None
    assert renderer in found
    # The theme of a generator, and other languages.
    assert generated_by("theme/layout.html", "{% block head %}" + page, "HTML") is None
    assert generated_by("a.py", f"PAGE = {page!r}", "Python") is None


def test_javadoc_is_generated() -> None:
    page = "<!DOCTYPE HTML>\n<!-- NewPage -->\n<html>\n<head>\n<!-- Generated by javadoc -->\n<title>Sieve</title>"
    assert generated_by("a.html", page, "HTML") == "a mark in its head: <!-- Generated by"
    assert generated_by("a.html", page.replace("<!-- New", "\n<!-- New"), "HTML") == (
        "rendered documentation: Generated by javadoc"
    )


@pytest.mark.parametrize(
    "head",
    [
        "<title>How to use Sphinx, Doxygen and mdBook</title>",
        '<meta name="generator" content="HTML Tidy for Linux">',
        '<meta name="GENERATOR" content="Microsoft FrontPage 4.0">',
        '<meta name="description" content="Doxygen 1.9.4">',
        '<script src="static/jquery.js"></script>',
        "<p>This page was generated by hand.</p>",
    ],
)
def test_pages_that_people_wrote_as_html_are_code(head: str) -> None:
    page = f"<!DOCTYPE html>\n\n\n\n\n\n<html><head>\n{head}\n</head><body></body></html>"
    assert generated_by("docs/manual.html", page, "HTML") is None


def test_a_notebook_as_script() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "Words."]},
        {"cell_type": "code", "source": "%matplotlib inline\nx = 1\n!ls", "outputs": [{"text": "SECRET" * 100}]},
        {"cell_type": "code", "source": "%%bash\nls"},
        {"cell_type": "code", "source": ""},
        {"cell_type": "raw", "source": 7},
    ]
    script, language = script_of(json.dumps({"cells": cells, "metadata": {"kernelspec": {"language": "python"}}}))
    assert (script, language) == (
        "# # Title\n#\n# Words.\n\n# %matplotlib inline\nx = 1\n# !ls\n\n# %%bash\n# ls\n",
        "Python",
    )
    julia = {
        "worksheets": [{"cells": [{"cell_type": "code", "input": ["a = 1"]}]}],
        "metadata": {"language_info": {"name": "julia"}},
    }
    assert script_of(json.dumps(julia)) == ("a = 1\n", "Julia")
    for broken in ("", "{", "[]", "{}", '{"cells": 1}', "[" * 100_000):
        with pytest.raises(ValueError):  # noqa: PT011 - any of them
            script_of(broken)


def test_encodings() -> None:
    assert decoded("é".encode()) == "é".encode()
    assert decoded(b"# vim: set fileencoding=cp1251 :\n\xe9") == "# vim: set fileencoding=cp1251 :\nй"
    assert (
        decoded(b"<?xml version='1.0' encoding='iso-8859-1'?>\n\xe9")
        == "<?xml version='1.0' encoding='iso-8859-1'?>\né"
    )
    assert decoded("é".encode("utf-16")) == "é"
    for bad in (b"\xe9", b"# coding: zlib\n\xe9", b"# coding: rot13\n\xe9", b"\xff\xfea"):
        with pytest.raises((UnicodeDecodeError, LookupError)):
            decoded(bad)
    assert what_binary("é".encode("utf-16")) is None
    assert what_binary(b"%PDF-1.4 words")
    assert what_binary(b"text") is None


@pytest.mark.parametrize(
    ("remote", "address"),
    [("https://github.com/a/b.git", "https://github.com/a/b"), ("git@github.com:a/b.git", "https://github.com/a/b"), ("https://me:token@github.com/a/b", "https://github.com/a/b"),
     ("ssh://git@host.org:22/a/b", "https://host.org/a/b"), ("/srv/git/a.git", None), ("../a", None), ("file:///a/b", None), ("https://[bad/a", None), ("", None)],
)  # fmt: skip
def test_remotes(remote: str, address: str | None) -> None:
    assert web_address(remote) == address


def test_notices_of_real_heads() -> None:
    mit = TEXTS["MIT"].split("\n\n", 2)[2]
    assert notice_of("\n".join(f" * {line}" for line in mit.split("\n"))) == "MIT"
    assert notice_of("\n".join(f"# {line}" for line in TEXTS["BSD-2-Clause"].split("\n"))) == "BSD-2-Clause"
