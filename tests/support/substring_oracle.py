"""Repeated spans by a dictionary of whole windows, written plainly: what the stage must give."""

from __future__ import annotations

import re
from collections import defaultdict

from plain_text import without

from tamis.text import LETTER, MARK, SEPARATOR, SINGLE, character_class


def spans(text):
    """First character of each word and the character after its last."""
    found, previous = [], SEPARATOR
    for at, character in enumerate(text):
        kind = character_class(ord(character))
        if kind == MARK:
            if previous != SEPARATOR:
                found[-1][1] = at + 1
            continue
        if kind == SINGLE or (kind == LETTER and previous != LETTER):
            found.append([at, at + 1])
        elif kind == LETTER:
            found[-1][1] = at + 1
        previous = kind
    return found


CLOSING = "、。〉》」』】〕！），．：；？"  # noqa: RUF001


def tail(text, end):
    """What follows a word that ends there: marks, then white space, then no more; seven bytes at most."""
    marks = re.match(r"[^\s]*\s*", text[end:] if (following := next_word(text, end)) is None else text[end:following])
    found = ""
    for character in marks.group():
        if len((found + character).encode()) > 7:
            break
        found += character
    return found


def next_word(text, end):
    """Where the first word at or after a place begins."""
    return next((start for start, _ in spans(text) if start >= end), None)


def breaks(text):
    return len(re.findall(r"\r\n|\r|\n", text))


def end_of_cut(text, before, start, end, owned):
    """Where a cut ends whose last word ends at `end`: the furthest place up to which all rules hold."""
    if before == start > 0:
        return end
    own, furthest = tail(text, end), end
    agreed = next(
        (at for at, pair in enumerate(zip(own, owned, strict=False)) if len(set(pair)) > 1), min(len(own), len(owned))
    )
    for at in range(end + 1, end + agreed + 1):
        last, following = text[at - 1], text[at : at + 1]
        if before and breaks(text[end:at]) - (last + following == "\r\n") > breaks(text[before:start]):
            break
        whole = last + following != "\r\n"
        closed = last in CLOSING and following not in tuple(CLOSING)
        if whole and (last.isspace() or not following or following.isspace() or closed):
            furthest = at
    return furthest


def covering(repeated, size):
    """Cuts as lists of runs (first window, last window, owner, the last one's place there, documents)."""
    runs = []
    for at, owner, place, count in repeated:
        if runs and (runs[-1][1] + 1, runs[-1][2], runs[-1][3] + 1) == (at, owner, place):
            runs[-1] = (runs[-1][0], at, owner, place, runs[-1][4])
        else:
            runs.append((at, at, owner, place, count))
    cuts = []
    while runs:
        cut = [runs.pop(0)]
        while overlapping := [run for run in runs if run[0] < cut[-1][1] + size]:
            cut.append(overlapping[-1])
            runs = runs[len(overlapping) :]
        cuts.append(cut)
    return cuts


def oracle(documents, config):  # noqa: C901 - one plain function, read from top to bottom
    """The stage with a dictionary of strings.

    Returns:
        kept {id: text}, dropped ids, cuts [(id, start, end, count, owner)]; and words {id: spans}, with the token that has
        a copy of each token that is cut {id: {token: (owner, token, documents)}}.
    """
    size = config.tokens
    rows = sorted(documents.to_pylist(), key=lambda row: row["rank"])
    texts = {row["id"]: row["text"] for row in rows}
    words = {row["id"]: spans(row["text"]) for row in rows if row["kind"] in config.applies_to}
    first, holders, windows = {}, defaultdict(set), []
    for row in rows:
        name = row["id"]
        scope = row[config.within] if config.within else None
        for at in range(len(words.get(name, ())) - size + 1):
            window = (scope, row["text"][words[name][at][0] : words[name][at + size - 1][1]])
            first.setdefault(window, (name, at))
            holders[window].add(name)
            windows.append((name, at, window))
    copy, repeated = {name: {} for name in words}, defaultdict(list)
    for name, at, window in windows:
        owner, place = first[window]
        if owner != name or at >= place + size:
            repeated[name].append((at, owner, place, len(holders[window])))
            for token in range(size):
                copy[name].setdefault(at + token, (owner, place + token, len(holders[window])))
    owns = {first[window][0] for window, names in holders.items() if len(names) > 1}
    kept, dropped, cuts = dict(texts), [], []
    for name, own in words.items():
        text = kept[name]
        found = []
        for cut in covering(repeated[name], size):
            head = cut[0][0]
            before = own[head - 1][1] if head else 0
            begin = own[head][0]
            for number, (_, at, owner, place, count) in enumerate(cut):
                end = own[at + size - 1][1]
                if number == len(cut) - 1:
                    owned = tail(texts[owner], words[owner][place + size - 1][1])
                    end = end_of_cut(text, before, own[head][0], end, owned)
                found.append((name, begin, end, count, owner))
                begin = end
        cuts += found
        kept[name] = without(text, [(start, end) for _, start, end, _, _ in found])
        if found and len(kept[name]) < max(config.min_characters, 1) and name not in owns:
            dropped.append(name)
            del kept[name]
    return kept, dropped, cuts, words, copy
