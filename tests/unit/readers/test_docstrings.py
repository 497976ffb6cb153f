"""Docstring pages."""

from __future__ import annotations

import ast
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.readers.docstrings import MAX_SOURCE_BYTES, module_name, page

LONG = "Words enough to make a page of it, again and again. " * 5
SOURCE = f'''
"""About the module.

    Indented.
{LONG}"""
import somewhere
raise SystemExit

class Outer(base.Thing, metaclass=Meta):
    """The outer class."""
    def method(self, a, /, b, *args, c=1, **more):
        r"""A method with \\alpha."""
        def hidden():
            """Not shown."""
    class Inner:
        """The inner class."""
    def silent(self): pass

if True:
    async def late(x, *, key): """Defined on a condition."""
'''

EXPECTED = f"""a.b
===

About the module.

    Indented.
{LONG.strip()}

class Outer(base.Thing)
-----------------------

The outer class.

Outer.method(a, b, *args, c, **more)
~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~

A method with \\alpha.

class Outer.Inner
-----------------

The inner class.

late(x, *, key)
---------------

Defined on a condition.
"""


def test_the_page_reads_like_a_reference() -> None:
    assert page(SOURCE, "a.b") == EXPECTED


@pytest.mark.parametrize(
    "source",
    [
        "print 'python 2'",
        "def f(:",
        "x = '\0'",
        "x = " + "(" * 5_000 + ")" * 5_000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "+".join(["1"] * 50_000),
        "a." * 100_000 + "b",
        f'"""{LONG}"""' + " " * MAX_SOURCE_BYTES,
        '"""Too short."""',
        "",
    ],
)
def test_a_module_that_does_not_parse_or_says_little_has_no_page(source: str) -> None:
    assert page(source, "m") is None


def test_deep_nesting_of_classes_is_no_recursion() -> None:
    depth = 90
    source = "".join(
        "    " * level + f"class C{level}:\n" + "    " * (level + 1) + f'"""{LONG}"""\n' for level in range(depth)
    )
    limit = sys.getrecursionlimit()
    found = page(source, "m")
    assert found is not None
    assert f"class {'.'.join(f'C{level}' for level in range(depth))}" in found
    assert sys.getrecursionlimit() == limit


def test_odd_escapes_in_the_corpus_warn_nobody(recwarn: pytest.WarningsRecorder) -> None:
    assert page(f'"""{LONG}"""\nx = "\\d"\n', "m") is not None
    assert not recwarn.list


@given(st.text())
def test_no_text_breaks_it(source: str) -> None:
    page(source, "m")


@given(st.text(st.characters(codec="utf-8", exclude_characters='\\"\r\0'), min_size=300))
def test_the_docstring_is_that_of_ast(text: str) -> None:
    source = f'"""{text}"""'
    shown = page(source, "m") or ""
    assert (ast.get_docstring(ast.parse(source)) or "").strip() in shown or not shown


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b/c.py", "a.b.c"),
        ("src/a/__init__.py", "a"),
        ("lib/a/b.py", "a.b"),
        ("setup.py", "setup"),
        ("__init__.py", "__init__"),
    ],
)
def test_the_title_is_the_dotted_name(path: str, name: str) -> None:
    assert module_name(path) == name
