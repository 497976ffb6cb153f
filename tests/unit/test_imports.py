"""Modules of the package import one way: down the layers, and nowhere in a circle.

Read from the sources, so that an import inside a function, which waits until it is called, is seen like any other. That
a module runs the `__init__` of the folders above it is not counted: a folder that offers its own modules is no circle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tamis

LAYERS = (
    (
        "__init__",
        "errors",
        "section",
        "hashing",
        "ids",
        "text",
        "urls",
        "language_codes",
        "schemas",
        "backoff",
        "arrow_buffers",
        "user_cache",
        "trouble",
        "config_files",
        "machine",
        "killable",
    ),
    ("checksums",),
    ("parquet_seal", "provenance"),
    ("texts",),
    ("shards",),
    ("kernels", "file_states", "extraction", "pdf"),
    ("readers",),
    ("demand",),
    ("inventory", "scaling"),
    ("sweep", "grouping"),
    ("targets", "barrier", "spent", "sharding", "exchange", "streams", "external_sort", "stats", "edits", "ledger"),
    ("repair", "privacy", "toxicity"),
    ("dedup", "heuristics", "expressions"),
    ("classifiers",),
    ("languages", "decontamination"),
    ("sets",),
    ("stages",),
    ("export",),
    ("report",),
    ("pipeline",),
    ("config_checks",),
    ("config_model",),
    ("config",),
    ("cluster",),
    (
        "job",
        "reference",
        "launch",
        "engine",
        "ending",
        "cli",
        "verify",
        "clean",
        "reproduce",
        "presets",
        "refresh",
        "estimate",
    ),
)
"""Folders and modules of `tamis/` from the bottom up. Each may import those of its own layer and of the layers below."""

ONLY = {("kernels", "shards"): {"whole_file"}}
"""What the first of two rooms may take from the second, where that is not everything."""

Imports = dict[str, set[tuple[str, str, bool]]]
"""Module → what it imports: module, name taken from it (empty for all of it), whether at once or in a function."""


def modules() -> dict[str, str]:
    """Source of every module by its dotted name."""
    folder = Path(tamis.__file__).parent
    found = {}
    for path in folder.rglob("*.py"):
        parts = ("tamis", *path.relative_to(folder).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def statements(node: ast.AST, *, at_once: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Every node of a module, and whether it runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        yield child, at_once
        typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        later = typing or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from statements(child, at_once=at_once and not later)


def imports(sources: dict[str, str]) -> Imports:
    """What each module imports of the package.

    A module that calls `import_module` is taken to import every module of each folder that its strings name
    (`f"tamis.stages.{name}"`).
    """
    folders = {name.rpartition(".")[0] for name in sources} - {"", "tamis"}
    found: Imports = {}
    for name, source in sources.items():
        entries = found.setdefault(name, set())
        by_name = "import_module(" in source
        for node, at_once in statements(ast.parse(source)):
            match node:
                case ast.Import(names=names):
                    entries |= {(alias.name, "", at_once) for alias in names if alias.name in sources}
                case ast.ImportFrom(module=module, names=names, level=level):
                    assert level == 0, f"{name}: write the whole name of what is imported"
                    for alias in names:
                        inner = f"{module}.{alias.name}"
                        if inner in sources:
                            entries.add((inner, "", at_once))
                        elif module in sources:
                            entries.add((module, alias.name, at_once))
                case ast.Constant(value=str(text)) if by_name and text.rstrip(".") in folders:
                    start = text.rstrip(".") + "."
                    entries |= {(other, "", at_once) for other in sources if other.startswith(start)}
    return found


def room(module: str) -> str:
    """The folder or module of `tamis/` that a module is or lies in."""
    return (*module.split("."), "__init__")[1]


def upward(found: Imports, layers: tuple[tuple[str, ...], ...]) -> list[str]:
    """Every import of something that stands on a higher layer."""
    height = {name: number for number, names in enumerate(layers) for name in names}
    return sorted(
        f"{module} imports {other}"
        for module, entries in found.items()
        for other, _, _ in entries
        if height[room(other)] > height[room(module)]
    )


def check_circles(found: Imports, *, at_once: bool) -> None:
    """Raise CycleError with one circle of imports, if there is any.

    Args:
        found: all imports.
        at_once: look only at imports that run when the module is imported.
    """
    graph = {module: {other for other, _, now in entries if now or not at_once} for module, entries in found.items()}
    TopologicalSorter(graph).prepare()


@pytest.fixture(scope="module", name="found")
def _found():
    return imports(modules())


@pytest.mark.parametrize("at_once", [True, False], ids=["when a module is imported", "anywhere"])
def test_no_circle(found, at_once):
    check_circles(found, at_once=at_once)


def test_imports_run_down_the_layers(found):
    assert upward(found, LAYERS) == []


def test_every_module_stands_on_one_layer(found):
    listed = [name for names in LAYERS for name in names]
    assert {room(module) for module in found} ^ set(listed) == set()
    assert len(listed) == len(set(listed))


def test_some_rooms_take_only_what_is_listed(found):
    for (lower, source), allowed in ONLY.items():
        taken = {
            name
            for module, entries in found.items()
            if room(module) == lower
            for other, name, _ in entries
            if room(other) == source
        }
        assert taken == allowed


def test_imports_are_found_wherever_they_stand():
    sources = {
        "tamis": "",
        "tamis.top": "import json\nfrom tamis.low import one, two\nfrom tamis.rooms import first as second",
        "tamis.low": "class A:\n    def f(self):\n        import tamis.top\n",
        "tamis.rooms": "",
        "tamis.rooms.first": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tamis import low\n",
        "tamis.named": "from importlib import import_module\nM = [import_module(f'tamis.rooms.{n}') for n in 'ab']\n",
    }
    found = imports(sources)
    assert found == {
        "tamis": set(),
        "tamis.top": {("tamis.low", "one", True), ("tamis.low", "two", True), ("tamis.rooms.first", "", True)},
        "tamis.low": {("tamis.top", "", False)},
        "tamis.rooms": set(),
        "tamis.rooms.first": {("tamis.low", "", False)},
        "tamis.named": {("tamis.rooms.first", "", True)},
    }
    check_circles(found, at_once=True)
    with pytest.raises(CycleError):
        check_circles(found, at_once=False)
    layers = (("__init__", "low"), ("rooms",), ("top", "named"))
    assert upward(found, layers) == ["tamis.low imports tamis.top"]
