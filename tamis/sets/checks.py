"""How the sets of a configuration hang together: which one excludes which, and what is wrong between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from tamis.sets.plan import JOIN, By


def excluded_sets(
    stage: str, name: str, *, validation: bool, annealing: Mapping[str, Any], mixtures: Mapping[str, Any]
) -> list[str]:
    """The sets whose documents a set may not take.

    Args:
        stage: "validation" (which comes first and excludes nothing), "annealing" or "mixtures".
        name: which one.
        validation: whether there is a validation split.
        annealing: all annealing sets, in the order of the configuration.
        mixtures: all mixtures.

    Returns:
        Names such as "validation", "annealing/best", "mixtures/first".
    """
    if stage == "validation":
        return []
    section = annealing[name] if stage == "annealing" else mixtures[name]
    names: Sequence[str] | None = section.exclude_annealing
    if names is None:
        every = list(annealing)
        names = every[: every.index(name)] if stage == "annealing" else every
    others = [f"annealing/{other}" for other in names]
    if stage == "mixtures":
        others += [f"mixtures/{other}" for other in section.exclude_mixtures]
    return (["validation"] if validation else []) + others


def problems(
    *,
    columns: Iterable[str],
    sources: Iterable[str],
    tokenizer: Any | None,
    validation: Any | None,
    annealing: Mapping[str, Any] | None,
    mixtures: Mapping[str, Any] | None,
    exported: Iterable[str] | None = None,
) -> list[str]:
    """What is wrong between the sections of the sets and the pipeline; each message names its key.

    Args:
        columns: stage columns that the pool carries.
        sources: names of the configured sources.
        tokenizer: the section; None when there is none.
        validation: likewise.
        annealing: likewise, by name.
        mixtures: likewise, by name.
        exported: names of the sets to export; None: all.
    """
    sets = {"validation": validation} if validation else {}
    sets |= {f"annealing.{name}": section for name, section in (annealing or {}).items()}
    sets |= {f"mixtures.{name}": section for name, section in (mixtures or {}).items()}
    found = []
    if sets and tokenizer is None:
        found.append(f"tokenizer: needed by {', '.join(sets)}, whose budgets are in tokens")
    for key, section in sets.items():
        if missing := sorted(section.needs() - set(columns)):
            found.append(f"{key}: needs {', '.join(missing)}, which no stage of the pipeline makes")
        found += _unknown_sources(key, section, set(sources))
    names = ["validation", *(annealing or {}), *(mixtures or {})]
    found += [
        f"{name!r} names two sets; exports need a name each" for name in sorted(set(names)) if names.count(name) > 1
    ]
    known_names = [key.split(".")[-1] for key in sets]
    found += [
        f"export.sets: there is no set {name!r}; known: {', '.join(known_names) or 'none'}"
        for name in exported or ()
        if name not in known_names
    ]
    for key, section in sets.items():
        for field, known in (("exclude_annealing", annealing), ("exclude_mixtures", mixtures)):
            for other in getattr(section, field, None) or ():
                if other not in (known or {}):
                    found.append(f"{key}.{field}: there is no set {other!r}; known: {', '.join(known or {}) or 'none'}")
    return found or _circles(annealing or {}, mixtures or {})


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """That there is no such source, with the known names and the nearest one."""
    close = get_close_matches(name, known, n=1)
    return f"there is no {what} {name!r}{f', did you mean {close[0]!r}?' if close else ''}; known: {', '.join(known)}"


def _unknown_sources(key: str, section: Any, sources: set[str]) -> list[str]:
    by: By = getattr(section, "by", "domain")
    weights = getattr(section, "weights", None) or {}
    if by != "source":
        return []
    values = [value for group in weights for value in group.split(JOIN)]
    return [f"{key}.weights: {unknown('source', value, sorted(sources))}" for value in values if value not in sources]


def _circles(annealing: Mapping[str, Any], mixtures: Mapping[str, Any]) -> list[str]:
    """Sets that wait for each other."""
    waits = {
        f"{stage}/{name}": excluded_sets(stage, name, validation=False, annealing=annealing, mixtures=mixtures)
        for stage, sections in (("annealing", annealing), ("mixtures", mixtures))
        for name in sections
    }
    while free := [name for name, others in waits.items() if not set(others) & waits.keys()]:
        for name in free:
            del waits[name]
    return [f"{', '.join(sorted(waits))}: exclude each other in a circle; one of them must come first"] if waits else []
