"""SPDX licence expressions: `MIT OR Apache-2.0`, `GPL-2.0-only WITH Classpath-exception-2.0`, with parentheses.

The grammar is SPDX 2.3, annex D; identifiers are held to the list that `packaging` carries. Read from files that
nobody vouches for: tokens are few and short, depth is bounded, nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

MOST_TOKENS = 200
MOST_DEPTH = 20

TOKEN = re.compile(r"[()]|[A-Za-z0-9][A-Za-z0-9.+:-]*")
JOINERS = frozenset({"AND", "OR", "WITH", "(", ")"})
SUFFIX = re.compile(r"(?:-only|-or-later|\+)$")


@dataclass(frozen=True, slots=True)
class Joint:
    """Two expressions that AND or OR joins."""

    joiner: str
    left: Tree
    right: Tree


Tree = str | Joint
"""An expression; a string is one licence, with its exception if there is one."""


class ExpressionError(ValueError):
    """No SPDX licence expression, or an identifier that SPDX does not list."""


@lru_cache(maxsize=4096)
def identifier(written: str) -> str:
    """A licence identifier as SPDX spells it, also `LicenseRef-…` and one with `+`.

    Raises:
        ExpressionError: SPDX does not list it.
    """
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return str(canonicalize_license_expression(written))
    except InvalidLicenseExpression as error:
        raise ExpressionError(f"{written[:80]!r} is no identifier of the SPDX licence list") from error


@lru_cache(maxsize=4096)
def _exception(written: str) -> str:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return str(canonicalize_license_expression(f"GPL-2.0-only WITH {written}")).partition(" WITH ")[2]
    except InvalidLicenseExpression as error:
        raise ExpressionError(f"{written[:80]!r} is no exception of the SPDX list") from error


@lru_cache(maxsize=4096)
def parse(written: str) -> Tree:
    """The tree of an expression.

    Raises:
        ExpressionError: it is none, too long, too deep, or holds an identifier that SPDX does not list.
    """
    tokens = TOKEN.findall(written)
    if not tokens or len(tokens) > MOST_TOKENS or "".join(tokens) != "".join(written.split()):
        raise ExpressionError(f"{written[:80]!r} is no SPDX licence expression")
    parser = _Parser(tokens)
    tree = parser.alternatives(0)
    if parser.left():
        raise ExpressionError(f"{written[:80]!r} is no SPDX licence expression")
    return tree


class _Parser:
    """Recursive descent; OR binds loosest, then AND, then WITH."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = [token.upper() if token.upper() in JOINERS else token for token in tokens]
        self._at = 0

    def left(self) -> bool:
        return self._at < len(self._tokens)

    def _take(self, wanted: str | None = None) -> str | None:
        """The next token, if there is one and it is what is wanted."""
        if not self.left() or (wanted is not None and self._tokens[self._at] != wanted):
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def alternatives(self, depth: int) -> Tree:
        tree: Tree = self._all_of(depth)
        while self._take("OR"):
            tree = Joint("OR", tree, self._all_of(depth))
        return tree

    def _all_of(self, depth: int) -> Tree:
        tree: Tree = self._one(depth)
        while self._take("AND"):
            tree = Joint("AND", tree, self._one(depth))
        return tree

    def _one(self, depth: int) -> Tree:
        token = self._take()
        if token == "(" and depth < MOST_DEPTH:  # noqa: S105 - a bracket
            tree = self.alternatives(depth + 1)
            if self._take(")") is None:
                raise ExpressionError("a bracket is not closed")
            return tree
        if token is None or token in JOINERS:
            raise ExpressionError(f"an identifier is missing before {token!r}")
        name = identifier(token)
        if self._take("WITH"):
            exception = self._take()
            if exception is None or exception in JOINERS:
                raise ExpressionError("WITH names no exception")
            name = f"{name} WITH {_exception(exception)}"
        return name


def written(tree: Tree) -> str:
    """The expression of a tree, with brackets only where they are needed."""
    if isinstance(tree, str):
        return tree
    sides = [
        f"({written(side)})"
        if tree.joiner == "AND" and isinstance(side, Joint) and side.joiner == "OR"
        else written(side)
        for side in (tree.left, tree.right)
    ]
    return f" {tree.joiner} ".join(sides)


def all_of(expressions: Sequence[str]) -> str:
    """One expression that asks for each of several, in their order, each once."""
    first, *others = dict.fromkeys(expressions)
    tree = parse(first)
    for other in others:
        tree = Joint("AND", tree, parse(other))
    return written(tree)


def licences_in(tree: Tree) -> Iterator[str]:
    """The licences that a tree names, without what WITH adds."""
    if isinstance(tree, str):
        yield tree.partition(" WITH ")[0]
    else:
        yield from licences_in(tree.left)
        yield from licences_in(tree.right)


def base(name: str) -> str:
    """A licence without `-only`, `-or-later` or `+`: what its text alone says."""
    return SUFFIX.sub("", name)


def is_allowed(expression: str, allow: frozenset[str]) -> bool:
    """Whether an expression is met by a list of allowed licences.

    OR needs one side, AND both. An exception (WITH) adds permissions, so its licence alone is enough. `GPL-2.0` is, as
    in SPDX, another name of `GPL-2.0-only`, and a work under `GPL-2.0-or-later` may be had under `GPL-2.0-only`.

    Args:
        expression: as SPDX spells it.
        allow: identifiers, or `licence WITH exception`, as SPDX spells them.
    """
    return _is_met(parse(expression), allow)


def _is_met(tree: Tree, allow: frozenset[str]) -> bool:
    if isinstance(tree, Joint):
        left, right = _is_met(tree.left, allow), _is_met(tree.right, allow)
        return (left or right) if tree.joiner == "OR" else (left and right)
    plain = tree.partition(" WITH ")[0]
    bare = base(plain)
    granted = {tree, plain, bare, f"{bare}-only"}
    if plain not in (bare, f"{bare}-only"):
        granted |= {f"{bare}-or-later", f"{bare}+"}
    return not granted.isdisjoint(allow)
