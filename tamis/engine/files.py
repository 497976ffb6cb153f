"""What Snakemake asks of the name of a file, answered for what most names are: a plain path of a file here.

As in `shortcuts`, of which this is the part about `_IOFile`; whatever is no such path is left to Snakemake's own.
"""

from __future__ import annotations

import os
import re
from typing import Any

PLAIN = re.compile(r"[\w.=+-]+(?:/[\w.=+-]+)*", re.ASCII)
"""A relative path without blanks, braces, angle brackets or doubled slashes, and not one that begins with `./`."""
UNKNOWN: Any = object()


def is_plain(text: str) -> bool:
    """Whether Snakemake has nothing to say about a path, and nothing to fill in."""
    return PLAIN.fullmatch(text) is not None and not text.startswith("./")


def folder_of(path: str) -> str | None:
    """`_IOFile.get_inventory_parent` of a path: its folder, None where it has none that could be listed."""
    at = path.rfind("/")
    # Roots and doubled slashes are rare, and not worth their own rules.
    folder = path[:at] if at > 0 and path[at - 1] != "/" else os.path.dirname(path)  # noqa: PTH120 - as Snakemake does
    return folder if folder and folder != ".." else None


def _there_or_not() -> None:
    """Look up whether a file exists without three coroutines a question: 7 % of the time."""
    from snakemake.io import _IOFile  # type: ignore[import-untyped]

    ask = _IOFile.exists

    async def exists(file: Any) -> bool:
        if file.is_storage or file.rule is None or not file.rule.workflow.iocache.active:
            return bool(await ask(file))
        known = file.rule.workflow.iocache.exists_local
        found = known.get(file, UNKNOWN)
        if found is UNKNOWN:
            if folder_of(file) in known.has_inventory:
                # What was not seen when its folder was listed.
                return False
            found = known[file] = os.path.exists(file.file)  # noqa: ASYNC240, PTH110 - as Snakemake does
        return bool(found)

    _IOFile.exists = exists


def _filled_in_once() -> None:
    """Make the name that a job has for a file from that of its rule in one step: 6 %."""
    from snakemake import io  # type: ignore[import-untyped]

    fill_in, anywhere = io.apply_wildcards, io._IOFile.apply_wildcards  # noqa: SLF001 - what is changed

    def apply_wildcards(file: Any, wildcards: Any) -> Any:
        pattern = file._file  # noqa: SLF001 - as Snakemake's own does
        kind = type(pattern)
        if file._is_callable or file.is_storage or kind not in (str, io.AnnotatedString):  # noqa: SLF001 - likewise
            return anywhere(file, wildcards)
        text = fill_in(pattern, wildcards)
        if not is_plain(text):
            return anywhere(file, wildcards)
        named = text
        if kind is io.AnnotatedString and pattern.flags:
            # What has no flags needs no place for them: .35 kB a file, 2.5 kB a job.
            named = io.AnnotatedString(text)
            named.flags = pattern.flags.copy()
        made = str.__new__(io._IOFile, text)  # noqa: SLF001 - likewise
        made._is_callable, made._file, made.rule = False, named, file.rule  # noqa: SLF001 - likewise
        made._regex = made._wildcard_constraints = None  # noqa: SLF001 - likewise
        return made

    io._IOFile.apply_wildcards = apply_wildcards  # noqa: SLF001 - likewise


def _nothing_to_warn_of() -> None:
    """Look for what is odd about a path in one pass: 3 %."""
    from snakemake.io import _IOFile

    explain = _IOFile.check

    def check(file: Any) -> None:
        name = file._file  # noqa: SLF001 - as Snakemake's own does
        if not (isinstance(name, str) and is_plain(name)):
            explain(file)

    _IOFile.check = check


def install() -> None:
    """Put them into Snakemake."""
    _there_or_not()
    _filled_in_once()
    _nothing_to_warn_of()
