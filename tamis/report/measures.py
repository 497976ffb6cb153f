"""What the notes of a stage add up to: figures of quality and cost that a person would otherwise work out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tamis.report.figures import percent


@dataclass(frozen=True)
class Measure:
    """One figure of a stage: what it is, its value, and what it was made from."""

    stage: str
    name: str
    value: str
    detail: str


def _near_duplicates(notes: Mapping[str, float]) -> Iterator[Measure]:
    stage = "minhash_dedup"
    if "audit_pairs" in notes:
        pairs, missed = int(notes["audit_pairs"]), int(notes.get("audit_missed", 0))
        detail = f"{missed:,} of {pairs:,} pairs at or above the threshold are both kept"
        if "audit_documents" in notes:
            detail += f"; {int(notes['audit_documents']):,} documents against the whole corpus"
        yield Measure(stage, "recall, measured", percent(1 - missed / pairs) if pairs else "–", detail)
    if "suppressed_pairs" in notes:
        detail = "that bucket_candidates left out, counted once a bucket; most are settled through another document"
        yield Measure(stage, "pairs not compared", f"{int(notes['suppressed_pairs']):,}", detail)
    yield from _held(stage, notes)


def _line_pruning(notes: Mapping[str, float]) -> Iterator[Measure]:
    if kept := int(notes.get("frequent_lines_kept", 0)):
        detail = f"beside {int(notes['lines_cut']):,} lines cut, because they belong to a paragraph or list that stays"
        yield Measure("line_pruning", "frequent lines left", f"{kept:,}", detail)
    if notes.get("text_bytes"):
        crossing, text = notes["crossing_bytes"], notes["text_bytes"]
        detail = f"{crossing / 1e6:,.1f} MB of n-gram counts for {text / 1e6:,.1f} MB of text"
        yield Measure("line_pruning", "crossing", f"{1000 * crossing / text:,.0f} MB per GB", detail)


def _remove(notes: Mapping[str, float]) -> Iterator[Measure]:
    if copies := int(notes.get("copies_of_removed", 0)):
        back = int(notes["copies_readmitted"])
        detail = f"of {copies:,} documents that the run before dropped for one that is removed now"
        detail += "; the others are copies of what stays, or went before" if back < copies else ""
        yield Measure("remove", "copies that came back", f"{back:,}", detail)
    if left_out := int(notes.get("copies_left_out", 0)):
        detail = "dropped for one that is removed now, by a stage before remove; put remove first to keep them"
        yield Measure("remove", "copies that went too", f"{left_out:,}", detail)
    if held := int(notes.get("held_by_index", 0)):
        detail = "of a stage before remove: later runs go on dropping for what nobody has; put remove first"
        yield Measure("remove", "removed, and still in an index", f"{held:,}", detail)
    elif gone := int(notes.get("left_of_index", 0)):
        detail = "what later runs dropped against an index that held one comes back when these are made again"
        yield Measure("remove", "removed, and in no index", f"{gone:,}", detail)


def _urls(notes: Mapping[str, float]) -> Iterator[Measure]:
    yield from _held("url_dedup", notes)


def _held(stage: str, notes: Mapping[str, float]) -> Iterator[Measure]:
    if back := int(notes.get("held_no_more", 0)):
        detail = f"of {int(notes['held_before']):,} that went because an earlier run held them, until its index changed"
        yield Measure(stage, "documents that came back", f"{back:,}", detail)


def orphaned_cuts(rows: Iterable[tuple[str, str, str, int, int]]) -> list[Measure]:
    """Cuts whose owner is gone, a figure for each stage that cuts and each rule that dropped owners.

    Args:
        rows: stage, stage and rule that dropped the owners, cuts, characters.
    """
    return [
        Measure(
            stage, "cuts whose owner went", f"{cuts:,}", f"{characters:,} characters; owners dropped by {by}, {reason}"
        )
        for stage, by, reason, cuts, characters in rows
    ]


def _privacy(notes: Mapping[str, float]) -> Iterator[Measure]:
    for name, column in (("values_in_url", "url"), ("values_in_metadata", "metadata")):
        if found := int(notes.get(name, 0)):
            detail = "hold an e-mail address, a key or a password; replaced where `privacy.also_in` names the column"
            yield Measure("privacy", f"documents whose {column} is private", f"{found:,}", detail)


MEASURES = {
    "remove": _remove,
    "url_dedup": _urls,
    "minhash_dedup": _near_duplicates,
    "line_pruning": _line_pruning,
    "privacy": _privacy,
}


def measures(notes: Mapping[str, Mapping[str, float]]) -> list[Measure]:
    """The figures of all stages, in the order of the stages.

    Args:
        notes: stage → name → value, from `tamis.report.tables.combine_notes`.
    """
    return [
        measure for stage, values in notes.items() if stage in MEASURES for measure in MEASURES[stage](dict(values))
    ]
