"""One page of prose from the docstrings of a Python module, read through `ast`: nothing is imported or executed.

The page reads like a reference page: the module's dotted name as title, its docstring, then every documented class,
method and function with its signature as heading. A module that does not parse (Python 2, a template) has no page.
"""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Iterator

MAX_SOURCE_BYTES = 4_000_000
"""A syntax tree takes about fifty times the bytes of its source."""

MIN_CHARACTERS = 200
"""Docstrings of fewer characters in all make no page."""

UNDERLINES = "=-~"


def page(source: str, module: str) -> str | None:
    """The docstring page of a module, or None when it does not parse or says too little.

    Args:
        source: text of the module.
        module: its dotted name, the title.
    """
    if len(source) > MAX_SOURCE_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            # Invalid escapes in the corpus are no concern of the log.
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    sections = [(0, module, _docstring(tree))]
    sections += ((level, heading, docstring) for level, heading, docstring in _documented(tree) if docstring)
    if sum(len(docstring) for _, _, docstring in sections) < MIN_CHARACTERS:
        return None
    return "\n\n".join(_section(*section) for section in sections) + "\n"


def module_name(path: str) -> str:
    """The dotted name of a module by its path in the release: `src/` and `lib/` are no packages."""
    parts = path.removesuffix(".py").split("/")
    if len(parts) > 1 and parts[0] in ("src", "lib"):
        parts = parts[1:]
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def _section(level: int, heading: str, docstring: str) -> str:
    underline = UNDERLINES[min(level, len(UNDERLINES) - 1)] * len(heading)
    return "\n".join([heading, underline, *(["", docstring] if docstring else [])])


def _documented(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Classes, their methods and functions in order of the source: level, heading, docstring.

    A stack instead of recursion, because nesting is the corpus's to choose. Functions inside functions are left out.
    """
    pending: list[tuple[ast.stmt, str]] = [(node, "") for node in reversed(tree.body)]
    while pending:
        node, outer = pending.pop()
        if isinstance(node, ast.ClassDef):
            name = outer + node.name
            bases = ", ".join(base for base in map(_dotted, node.bases) if base)
            yield 1, f"class {name}({bases})" if bases else f"class {name}", _docstring(node)
            pending.extend((child, name + ".") for child in reversed(node.body))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield 2 if outer else 1, f"{outer}{node.name}({_arguments(node.args)})", _docstring(node)
        elif isinstance(node, ast.If | ast.Try):
            # Definitions that depend on the platform or on an optional import.
            pending.extend((child, outer) for child in reversed(node.body))


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    if not (node.body and isinstance(node.body[0], ast.Expr)):
        return ""
    value = node.body[0].value
    if not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
        return ""
    return inspect.cleandoc(value.value).strip()


def _arguments(arguments: ast.arguments) -> str:
    names = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    if arguments.vararg:
        names.append("*" + arguments.vararg.arg)
    elif arguments.kwonlyargs:
        names.append("*")
    names += [argument.arg for argument in arguments.kwonlyargs]
    if arguments.kwarg:
        names.append("**" + arguments.kwarg.arg)
    return ", ".join(name for name in names if name not in ("self", "cls"))


def _dotted(node: ast.expr) -> str:
    """`a.b.C` of a base class; empty for anything but names."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])
