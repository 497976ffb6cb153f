"""Units of text as plain Python finds and cuts them."""

from __future__ import annotations

import re
import string
from itertools import accumulate, pairwise

from tamis.text import character_class, words

ENDS = ".!?:;\"')]…”’»。！？：；」』）"  # noqa: RUF001


def _anywhere(character):
    return "\u3000" <= character < "\ua000" or "\uf000" <= character < "\U00010000"


def _first_word(line):
    """Characters that must fit behind a line for this one to begin there."""
    line = line.lstrip()
    if line and _anywhere(line[0]):
        return 1
    word = line.split(maxsplit=1)[0] if line else ""
    return next((at for at, character in enumerate(word) if _anywhere(character)), len(word))


def plain_wrapped(lines):
    """Whether a third of the lines end because the next word did not fit, and not because a sentence ends."""
    width = sorted(map(len, lines))[len(lines) - 1 - len(lines) // 10]
    run_on = [
        one
        for one, other in pairwise(lines)
        if len(one) + 1 + _first_word(other) > width and one.rstrip()[-1] not in ENDS
    ]
    return width <= 200 and 3 * len(run_on) >= len(lines) - 1


def plain_by_line(text, unit, min_words):
    """Whether the units of a text are its lines."""
    if unit != "automatic":
        return unit == "line"
    lines = [text[start:end] for start, end, _ in plain_units(text, True)]
    if len(lines) < 2 or len(plain_units(text, False)) > 1:
        return False
    compared = sum(len(line) for line in lines if len(words(line)) >= min_words)
    return 2 * compared >= sum(map(len, lines)) and not plain_wrapped(lines)


def plain_units(text, by_line):
    """(first character, character after the last, line endings after it) of each unit, with `re` and `str`."""
    units = []
    inside = False
    for match in re.finditer(r"([^\r\n]*)(\r\n|\r|\n|$)", text):
        line, ending = match.groups()
        if not line.strip():
            inside = False
            if units and match.group():
                units[-1][2] += bool(ending)
            continue
        if by_line or not inside:
            units.append([match.start(), match.end(1), bool(ending)])
        else:
            units[-1][1:] = [match.end(1), bool(ending)]
        inside = True
    return [tuple(unit) for unit in units]


SECTION = 12
HEADING_BYTES = 80
SHORT = "short"


def _rule(line):
    line = line.strip(" \t")
    return len(line) >= 3 and len(set(line)) == 1 and line[0] in string.punctuation


def _item(line):
    mark = r"([-*+•‣–▪●·]|([0-9]{1,3}|[A-Za-z])[.)]+|\(([0-9]{1,3}|[A-Za-z])\))[ \t]"
    label = r":?[^\x00-\x20!-,./:-@\[-^`{-~]{1,40}:([ \t]|$)"
    return re.match(mark, line) is not None or (
        (found := re.match(label, line)) is not None and len(found.group().strip(" \t:").encode()) <= 40
    )


TAG = r"<(!|/?[A-Za-z0-9]+([\s/>]|$))"


def _heading(lines, first, margin, shape):
    """The level of a heading, None where a unit is none."""
    rules = [_rule(line) for line in (*lines, "", "")][:3]
    if margin < 4 and (marks := re.match(r"(#{1,6}) ", first)):
        return len(marks.group(1))
    if shape["fences"]:
        return None
    if rules[1] and not rules[0]:
        return "under" + lines[1].strip(" \t")[0]
    if rules[0] and rules[2]:
        return "framed" + first[0]
    if rules[0] and len(lines) == 1:
        return "rule" + first[0]
    short = len(lines) == 1 and margin == 0 and len(lines[0].encode()) <= HEADING_BYTES and shape["ends"] == "word"
    plain = not (shape["small"] or shape["item"] or shape["tag_first"] or "://" in first)
    return SHORT if short and plain else None


def _margin(line):
    rest = line.lstrip(" \t")
    return sum(4 if mark == "\t" else 1 for mark in line[: len(line) - len(rest)])


def _looks(unit):
    """What a paragraph or a line looks like, in plain Python: see `tamis/kernels/looks.py`."""
    lines = re.split(r"\r\n|\r|\n", unit)
    first = lines[0].lstrip(" \t")
    body = unit.rstrip(" \t\n\v\f\r").lstrip(" \t") if first else ""
    last = body[-1:]
    ends = {
        "lead_in": ":\uff1a",
        "open": ",;([{\u2013\u2014\uff0c\u3001\uff1b\uff08",
        "stop": ".!?…\u3002\uff01\uff1f",
        "word": ")]",
    }
    kind = next((name for name, marks in ends.items() if last and last in marks), None)
    if kind is None and last and character_class(ord(last)) != 0:
        kind = "word"
    one = len(lines) == 1
    behind = re.match(r"(?:--|—|―) *(.)", body)
    shape = {
        "margin": _margin(lines[0]),
        "small": bool(first) and ord(first[0]) < 0x3000 and first[0].islower(),
        "item": _item(first) or any(_margin(line) > _margin(lines[0]) for line in lines[1:2]),
        "tag_first": re.match(TAG, first) is not None,
        "tag": re.match(TAG, first) is not None
        or body.endswith("-->")
        or (body.endswith(">") and re.fullmatch(TAG + r"[^<]*>?", body[body.rfind("<") :]) is not None),
        "ends": kind,
        "attribution": one and behind is not None and behind[1] not in set(string.punctuation) - set("[("),
        "wordless": one and bool(body) and not set(body) - set(string.punctuation + " \t"),
        "signature": one and body == "--",
        "quoted": first.startswith(">"),
        "fences": sum(line.lstrip(" \t")[:3] in ("```", "~~~") for line in lines),
    }
    shape["address"] = one and not shape["wordless"] and "://" in body and not set(body) & set(" \t")
    shape["level"] = _heading(lines, first, shape["margin"], shape)
    return shape


def _line_looks(lines):
    """The same of lines (text, whether another follows without a blank line), and which are a heading's tail."""
    looks = [_looks(line) for line, _ in lines]
    seen = [look["level"] for look in looks]
    ruled = [str(level).startswith("rule") for level in seen] + [False, False]
    for at, (_, near) in enumerate(lines):
        near_two = near and at + 1 < len(lines) and lines[at + 1][1]
        looks[at]["item"] |= near and looks[at + 1]["margin"] > looks[at]["margin"]
        looks[at]["level"] = None
        looks[at].setdefault("tail", False)
        if at and lines[at - 1][1]:
            continue
        if isinstance(seen[at], int) or (seen[at] is not None and not near):
            looks[at]["level"] = seen[at]
        elif near and ruled[at + 1] and not ruled[at]:
            looks[at]["level"] = "under" + seen[at + 1][4:]
            looks[at + 1]["tail"] = True
        elif near_two and ruled[at] and ruled[at + 2]:
            looks[at]["level"] = "framed" + seen[at][4:]
            looks[at + 1]["tail"] = looks[at + 2]["tail"] = True
    return looks


def _joined(looks, near, full, section):
    """(first, one after the last, level or None, whether a heading stands alone) of each block of units."""
    told = list(accumulate(look["fences"] for look in looks))
    fenced = [count % 2 == 1 and count < told[-1] for count in told]
    spaced = not all(near[:-1])
    blocks = []
    at = 0
    while at < len(looks):
        first = at
        level = looks[first]["level"]
        if level is not None and not (at and fenced[at - 1]):
            at += 1
            while at < len(looks) and looks[at].get("tail"):
                at += 1
            body = at
            while section and at < len(looks) and (fenced[at - 1] or looks[at]["level"] is None):
                at += 1
            alone = at - first > section
            at = body if alone else at
            blocks.append((first, at, level, alone))
            continue
        listed = looks[first]["ends"] == "lead_in" or looks[first]["item"]
        at += 1
        while at < len(looks):
            before, here = looks[at - 1], looks[at]
            joined = (
                before["ends"] in ("lead_in", "open")
                or (here["small"] and not (near[at - 1] and before["ends"] == "stop"))
                or here["attribution"]
                or here["margin"] > looks[first]["margin"]
                or (listed and here["item"])
                or before["tag"]
                or here["tag"]
            )
            joined |= near[at - 1] and (
                full[at - 1] or before["wordless"] or here["address"] or (before["quoted"] and here["quoted"])
            )
            joined |= near[at - 1] and spaced and looks[first]["signature"]
            joined |= near[at - 1] and spaced and here["item"] and before["ends"] != "stop"
            if not fenced[at - 1] and (here["level"] is not None or not joined):
                break
            listed = listed or here["ends"] == "lead_in" or here["item"]
            at += 1
        blocks.append((first, at, level if fenced[first - 1] and first else None, False))
    return blocks


def plain_blocks(text):
    """(first character, character after the last, level of a heading or None, whether it is alone) of each block."""
    units = [(start, end) for start, end, _ in plain_units(text, False)]
    apart = [False] * len(units)
    found = _joined([_looks(text[start:end]) for start, end in units], apart, apart, SECTION)
    return [(units[first][0], units[after - 1][1], level, alone) for first, after, level, alone in found]


def plain_line_blocks(text):
    """The same of lines, as (first line, line after the last, level, whether it is alone)."""
    units = plain_units(text, True)
    lines = [text[start:end] for start, end, _ in units]
    near = [breaks == 1 and at + 1 < len(units) for at, (_, _, breaks) in enumerate(units)]
    return _joined(_line_looks(list(zip(lines, near, strict=True))), near, plain_full(lines, near), 0)


def plain_full(lines, near):
    """Lines behind which the first word of the next had no room, by the text or by the paragraph."""
    ends = [at + 1 for at in range(len(lines)) if not near[at]]
    full = [False] * len(lines)
    for low, high in {(0, len(lines)), *pairwise([0, *ends])}:
        pairs = [at for at in range(low, high - 1) if near[at]]
        widths = sorted(len(lines[at]) for at in {*pairs, *(at + 1 for at in pairs)})
        if not pairs or (width := widths[len(widths) - 1 - len(widths) // 10]) > 200:
            continue
        needed = {at: len(lines[at]) + 1 + _first_word(lines[at + 1]) for at in pairs}
        run_on = [at for at in pairs if needed[at] > width and lines[at].rstrip()[-1] not in ENDS]
        if 3 * len(run_on) >= len(pairs) and width >= 30:
            for at in pairs:
                full[at] |= needed[at] > width - width // (20 if (low, high) == (0, len(lines)) else 4)
    return full


def with_headings(blocks, gone):
    """Which blocks go when marked headings go with all of their section; blocks are (…, level, whether alone)."""
    gone = list(gone)
    for at, (*_, level, alone) in enumerate(blocks):
        if level is None or not alone or gone[at] or level == SHORT:
            continue
        end = next((after for after in range(at + 1, len(blocks)) if blocks[after][-2] is not None), len(blocks))
        behind = blocks[end][-2] if end < len(blocks) else level
        above = isinstance(behind, int) and isinstance(level, int) and behind < level
        if end > at + 1 and all(gone[at + 1 : end]) and (behind == level or above):
            gone[at] = gone[at + 1]
    return gone


def keep_openings(blocks, gone):
    """Which blocks go when the first under a marked heading stays with it, that under the first heading excepted."""
    gone = list(gone)
    marked = [at for at, (*_, level, _) in enumerate(blocks) if level not in (None, SHORT)]
    for at in marked[1:]:
        if blocks[at][-1] and not gone[at] and at + 1 < len(blocks):
            gone[at + 1] = None
    return gone


def without(text, spans):
    """The text without the spans of characters."""
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text
