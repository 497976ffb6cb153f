"""Places of a text where something private may stand, found in one pass over Arrow's buffers.

What is found is a superset: `tamis/privacy` decides. Each look ahead from a sign is bounded, or ends where the next one
begins, so that time is in proportion to the text whatever it holds.
"""

from __future__ import annotations

import string

import numpy as np
from numba import njit

from tamis.kernels.number_runs import WORDS, is_date, may_be_private, run_at, slots_of, three

# What a suspect may be; the bits of its row. Not plain numbers: `_push` would be compiled for each of them, 6 s in all.
MAIL = np.int64(1)
HIDDEN_MAIL = np.int64(2)
NUMBER = np.int64(4)
LETTERED = np.int64(8)  # letters, then digits: accounts (IBAN), codes of persons
COLONS = np.int64(16)  # groups of hexadecimal digits between colons
CREDENTIALS = np.int64(32)  # a URL with something before an @
TOKEN = np.int64(64)  # a long run of letters and digits
ASSIGNED = np.int64(128)  # what stands behind the name of a secret and = or :
PRIVATE_KEY = np.int64(256)

# Classes of bytes.
_DIGIT, _LETTER, _RUN, _SIGN, _HEX = 1, 2, 4, 8, 16
_ENDED = 32

LOCAL_BYTES = 64
"""Most bytes of an address before its @ (RFC 5321)."""
HOST_BYTES = 255
LEAST_TOKEN, MOST_TOKEN = 20, 2_048
LEAST_DIGITS, MOST_DIGITS, MOST_GROUPS = 7, 40, 9
"""Of a run of numbers; with more digits or groups it is a table, and its pieces between blanks are looked at."""
LEAST_DIGITS_OF_FOUR = 4
"""Of four small numbers with dots between."""
LETTERED_BYTES = 48
ASSIGNED_BYTES = 200
KEY_BYTES = 16_384


def _classes() -> np.ndarray:
    classes = np.zeros(256, np.uint8)
    for low, high, bits in (("0", "9", _DIGIT | _RUN | _HEX), ("A", "Z", _LETTER | _RUN), ("a", "z", _LETTER | _RUN)):
        classes[ord(low) : ord(high) + 1] |= np.uint8(bits)
    for letters, bits in (("_-+/=.~", _RUN), ("@:[({&%=", _SIGN), ("abcdefABCDEF", _HEX), ("dD-", _SIGN)):
        for letter in letters:
            classes[ord(letter)] |= np.uint8(bits)
    return classes


CLASSES = _classes()

_BEGINNINGS = (
    b"AKI ASI AID ARO ghp gho ghu ghs ghr git glp gld glr glc gls glo xox xap sk_ rk_ whs AIz ya2 GOC "
    b"sk- hf_ npm pyp SG. dop doo dor shp eyJ gsk ppl xai r8_ nva tvl fw_ fw- lsv lin ntn sec dck fig PMA EAA "
    b"sq0 rub ver hvs CCI key hoo com"
).split()
"""The first three letters of keys with prefixes (`tamis/privacy/secrets.py`), and of hosts of hooks."""
_ALNUM = string.ascii_letters + string.digits
_BEGINNINGS += [f"SK{digit}".encode() for digit in "0123456789abcdef"]
_BEGINNINGS += [f"AA{letter}".encode() for letter in _ALNUM + "_-"]
PREFIXES = slots_of(_BEGINNINGS)
LEAST_KEY = 17
"""Letters, digits and _-. of the shortest of these keys, and of the longest that is looked for nowhere else."""

_NAMES = tuple(
    np.frombuffer(name, np.uint8)
    for name in (b"key", b"token", b"secret", b"password", b"passwd", b"pwd", b"passphrase")
)
_NAME_DATA = np.concatenate(_NAMES)
_NAME_ENDS = np.cumsum([len(name) for name in _NAMES])


@njit(cache=True, nogil=True, inline="always")
def _at(data: np.ndarray, i: int, begin: int, end: int) -> np.int64:
    """The byte at i, 0 outside of the text."""
    return np.int64(data[i]) if i >= begin and i < end else np.int64(0)


@njit(cache=True, nogil=True)
def _push(rows: np.ndarray, found: int, row: int, start: int, end: int, bits: int) -> np.ndarray:
    if found == len(rows):
        more = np.empty((2 * found, 4), np.int64)
        # Not by a slice, whose errors alone take 2.4 s to compile.
        for old in range(found):
            for column in range(4):
                more[old, column] = rows[old, column]
        rows = more
    rows[found, 0] = row
    rows[found, 1] = start
    rows[found, 2] = end
    rows[found, 3] = bits
    return rows


@njit(cache=True, nogil=True)
def _names_secret(data: np.ndarray, i: int, begin: int, names: np.ndarray, ends: np.ndarray) -> bool:
    """Whether the word before i, with blanks and quotes between, ends in one that names a secret."""
    j = i
    for _ in range(4):
        if j > begin and (data[j - 1] == 0x20 or data[j - 1] == 0x22 or data[j - 1] == 0x27):
            j -= 1
    at = 0
    for until in ends:
        length = until - at
        if j - begin >= length:
            same = True
            for place in range(length):
                if data[j - length + place] | 0x20 != names[at + place]:
                    same = False
                    break
            if same:
                return True
        at = until
    return False


@njit(cache=True, nogil=True)
def _lettered(data: np.ndarray, i: int, after: int, end: int, letters: int, classes: np.ndarray) -> bool:
    """Whether digits at [i, after) behind some letters may go on as an account or as the code of a person."""
    if letters == 1:
        return after - i == 7 and data[i - 1] >= 0x58 and data[i - 1] <= 0x5A
    if letters == 6:
        return after - i == 2 and classes[_at(data, after, i, end)] & _LETTER != 0
    if letters != 2 or after - i < 2:
        return False
    digits = 0
    signs = 0
    gap = False
    for j in range(i + 2, min(end, i + LETTERED_BYTES)):
        of = classes[data[j]]
        if of & (_DIGIT | _LETTER):
            digits += of & _DIGIT != 0
            signs += 1
            gap = False
        elif not gap and (data[j] == 0x20 or data[j] == 0x2D):
            gap = True
        else:
            break
    return signs >= 11 and digits >= 5


@njit(cache=True, nogil=True)
def _begins(data: np.ndarray, i: int, end: int, letters: bytes) -> bool:
    if i + len(letters) > end:
        return False
    for place in range(len(letters)):
        if data[i + place] != letters[place]:
            return False
    return True


@njit(cache=True, nogil=True, inline="always")
def _closes(byte: int) -> bool:
    return byte == 0x29 or byte == 0x5D or byte == 0x7D


@njit(cache=True, nogil=True)
def _hides_at(data: np.ndarray, i: int, begin: int, end: int, classes: np.ndarray) -> bool:
    """Whether an @ is spelt at i, `(at)` or an entity, between what may be a name and what may be a host."""
    byte = data[i]
    size = 0
    if byte == 0x26:
        for entity in (b"&#64;", b"&#x40;", b"&commat;"):
            if _begins(data, i, end, entity):
                size = len(entity)
    elif byte == 0x25:
        size = 3 if _begins(data, i, end, b"%40") else 0
    else:
        j = i + 2 if i + 1 < end and data[i + 1] == 0x20 else i + 1
        if j + 2 >= end or data[j] | 0x20 != 0x61 or data[j + 1] | 0x20 != 0x74:
            return False
        # A bracket closes it, with blanks around.
        j += 2
        closed = False
        while j < end and j - i < 7 and (data[j] <= 0x20 or (not closed and _closes(data[j]))):
            closed |= _closes(data[j])
            j += 1
        size = j - i if closed else 0
    if size == 0 or i + size >= end or i == begin:
        return False
    after = data[i + size]
    before = data[i - 1]
    if before <= 0x20 and i - 1 > begin:
        before = data[i - 2]
    # Letters, digits and _.+-'
    named = classes[before] & (_LETTER | _DIGIT) != 0 or before == 0x5F or before == 0x27
    named |= before == 0x2B or before == 0x2D or before == 0x2E
    return named and (classes[after] & (_LETTER | _DIGIT) != 0 or after >= 0x80)


@njit(cache=True, nogil=True)
def _is_dot_word(data: np.ndarray, i: int, begin: int, end: int) -> bool:
    """Whether the word `dot` stands at i, between blanks or brackets."""
    if i + 3 >= end or data[i + 1] | 0x20 != 0x6F or data[i + 2] | 0x20 != 0x74 or i == begin:
        return False
    before, after = data[i - 1], data[i + 3]
    left = before == 0x20 or before == 0x28 or before == 0x5B or before == 0x7B
    return left and (after == 0x20 or after == 0x29 or after == 0x5D or after == 0x7D)


@njit(cache=True, nogil=True)
def _may_be_key(data: np.ndarray, start: int, end: int, begin: int, classes: np.ndarray, prefixes: np.ndarray) -> bool:
    """Whether a word in [start, end) begins as a key with a prefix does, or a host of hooks, and goes on as long."""
    boundary = True
    for i in range(start, end - 2):
        alone = classes[data[i]] & (_LETTER | _DIGIT) == 0
        if boundary and not alone:
            first, second, third = data[i], data[i + 1], data[i + 2]
            if prefixes[three(first, second, third)]:
                if first == 0x63 and second == 0x6F:
                    # com
                    if _begins(data, i, end, b"com/api/w"):
                        return True
                elif first == 0x41 and second == 0x41:
                    # The number of an account and a colon stand before.
                    if i == start and i > begin and data[i - 1] == 0x3A:
                        return True
                elif first == 0x68 and second == 0x6F:
                    if _begins(data, i, end, b"hooks.slack.com/"):
                        return True
                else:
                    j = i + 3
                    while j < end and j - i < LEAST_KEY and data[j] != 0x2F and data[j] != 0x2B and data[j] < 0x7B:
                        if data[j] == 0x3D:
                            break
                        j += 1
                    if j - i >= LEAST_KEY:
                        return True
        boundary = alone
    return False


@njit(cache=True, nogil=True)
def _next(
    data: np.ndarray, i: int, end: int, run: int, counted: int, numbers_until: int, classes: np.ndarray
) -> tuple[int, int, int, int]:
    """The next place from i on that needs a look.

    In a function of its own, because the loop of `_suspects` holds so much that each byte took 20 ns in it.

    Returns:
        The place; where its run of letters, digits and _-+/=.~ begins, and the digits and underscores in it; `_DIGIT`
        at a digit behind `numbers_until`, `_SIGN` at a sign, `_ENDED` behind a run that is long enough.
    """
    while i < end:
        of = classes[data[i]]
        if of & (_LETTER | _SIGN) == _LETTER:
            i += 1
            continue
        if not of & _RUN:
            if counted > 0 and i - run >= LEAST_TOKEN:
                return i, run, counted, _ENDED
            run = i + 1
            counted = 0
            if of & _SIGN:
                return i, run, counted, _SIGN
        elif of & _DIGIT:
            if i >= numbers_until:
                return i, run, counted, _DIGIT
            counted += 1
        elif of & _SIGN:
            # Of d only that of `dot`.
            if not of & _LETTER or (i + 1 < end and data[i + 1] | 0x20 == 0x6F):
                return i, run, counted, _SIGN
        elif data[i] == 0x5F:
            counted += 1
        i += 1
    return end, run, counted, _ENDED if counted > 0 and end - run >= LEAST_TOKEN else 0


@njit(cache=True, nogil=True)
def _suspects(
    offsets: np.ndarray,
    data: np.ndarray,
    chosen: np.ndarray,
    wanted: int,
    classes: np.ndarray,
    prefixes: np.ndarray,
    words: np.ndarray,
    names: np.ndarray,
    name_ends: np.ndarray,
) -> np.ndarray:
    """See `suspects`."""
    rows = np.empty((1024, 4), np.int64)
    found = 0
    for row in range(len(chosen)):
        if not chosen[row]:
            continue
        begin = offsets[row]
        end = offsets[row + 1]
        run = begin  # where the run of letters, digits and _-+/=.~ begins
        counted = 0  # its digits and underscores
        numbers_until = begin
        colons_until = begin
        i = begin
        while True:
            i, run, counted, of = _next(data, i, end, run, counted, numbers_until, classes)
            if of == _ENDED:
                if wanted & TOKEN and i - run <= MOST_TOKEN and _may_be_key(data, run, i, begin, classes, prefixes):
                    rows = _push(rows, found, row, run, i, TOKEN)
                    found += 1
                run = i
                counted = 0
                if i == end:
                    break
                continue
            if i == end:
                break
            byte = data[i]
            if of == _DIGIT:
                before = _at(data, i - 1, begin, end)
                if classes[before] & _LETTER or before == 0x5F:
                    j = i
                    while j < end and classes[data[j]] & _DIGIT:
                        j += 1
                    numbers_until = j
                    if wanted & LETTERED and classes[before] & _LETTER:
                        letters = 1
                        while letters < 7 and classes[_at(data, i - 1 - letters, begin, end)] & _LETTER:
                            letters += 1
                        bound = _at(data, i - 1 - letters, begin, end)
                        if (
                            not classes[bound] & _DIGIT
                            and bound != 0x5F
                            and _lettered(data, i, j, end, letters, classes)
                        ):
                            rows = _push(rows, found, row, i - letters, min(end, i + LETTERED_BYTES), LETTERED)
                            found += 1
                elif is_date(data, i, end, classes):
                    numbers_until = i + 10
                else:
                    last, digits, groups = run_at(data, i, end, classes)
                    numbers_until = last
                    if digits <= MOST_DIGITS and groups <= MOST_GROUPS:
                        if (
                            wanted & NUMBER
                            and digits >= LEAST_DIGITS_OF_FOUR
                            and may_be_private(data, i, last, begin, end, digits, classes, words)
                        ):
                            rows = _push(rows, found, row, i, last, NUMBER)
                            found += 1
                    elif wanted & NUMBER:
                        piece = i
                        count = 0
                        for j in range(i, last + 1):
                            if j == last or data[j] == 0x20:
                                if (
                                    count >= LEAST_DIGITS
                                    and count <= MOST_DIGITS
                                    and j - piece <= 2 * MOST_DIGITS
                                    and may_be_private(data, piece, j, begin, end, count, classes, words)
                                ):
                                    rows = _push(rows, found, row, piece, j, NUMBER)
                                    found += 1
                                piece = j + 1
                                count = 0
                            elif classes[data[j]] & _DIGIT:
                                count += 1
                counted += 1
                i += 1
                continue
            # Signs.
            if byte == 0x40:
                if wanted & MAIL:
                    left = i
                    while left > begin and i - left < LOCAL_BYTES:
                        before = data[left - 1]
                        if not (classes[before] & _RUN or before >= 0x80 or before == 0x27 or before == 0x25):
                            break
                        left -= 1
                    right = i + 1
                    dot = False
                    while right < end and right - i < HOST_BYTES:
                        after = data[right]
                        if not (classes[after] & (_DIGIT | _LETTER) or after == 0x2E or after == 0x2D or after >= 0x80):
                            break
                        dot |= after == 0x2E
                        right += 1
                    if left < i and dot:
                        rows = _push(rows, found, row, left, right, MAIL)
                        found += 1
            elif byte == 0x3A:
                if wanted & CREDENTIALS and i + 3 < end and data[i + 1] == 0x2F and data[i + 2] == 0x2F:
                    colon = False
                    j = i + 3
                    while j < end and j - i < HOST_BYTES:
                        after = data[j]
                        if after <= 0x20 or after == 0x2F or after == 0x22 or after == 0x3E or after == 0x3C:
                            break
                        if after == 0x40 and colon:
                            rows = _push(rows, found, row, max(begin, i - 24), min(end, j + HOST_BYTES), CREDENTIALS)
                            found += 1
                            break
                        colon |= after == 0x3A
                        j += 1
                elif i >= colons_until and wanted & COLONS:
                    left = i
                    while left > begin and i - left < 5 and classes[data[left - 1]] & _HEX:
                        left -= 1
                    right = i
                    count = 0
                    double = False
                    while (
                        right < end
                        and right - left < 46
                        and (classes[data[right]] & _HEX or data[right] == 0x3A or data[right] == 0x2E)
                    ):
                        if data[right] == 0x3A:
                            count += 1
                            double |= right + 1 < end and data[right + 1] == 0x3A
                        right += 1
                    colons_until = right
                    bound = _at(data, left - 1, begin, end)
                    if (
                        i - left == 4
                        and count >= 2
                        and (double or count == 7)
                        and not classes[bound] & (_LETTER | _DIGIT)
                    ):
                        rows = _push(rows, found, row, left, right, COLONS)
                        found += 1
                if wanted & ASSIGNED and _names_secret(data, i, begin, names, name_ends):
                    rows = _push(rows, found, row, i, min(end, i + ASSIGNED_BYTES), ASSIGNED)
                    found += 1
            elif byte == 0x3D:
                if wanted & ASSIGNED and _names_secret(data, i, begin, names, name_ends):
                    rows = _push(rows, found, row, i, min(end, i + ASSIGNED_BYTES), ASSIGNED)
                    found += 1
            elif byte == 0x2D:
                if wanted & PRIVATE_KEY and _begins(data, i, end, b"-----BEGIN "):
                    if (
                        wanted & TOKEN
                        and counted > 0
                        and i - run >= LEAST_TOKEN
                        and i - run <= MOST_TOKEN
                        and _may_be_key(data, run, i, begin, classes, prefixes)
                    ):
                        rows = _push(rows, found, row, run, i, TOKEN)
                        found += 1
                    # Up to the next five hyphens behind its own, and the line that these begin.
                    j = i + 11
                    marks = 0
                    while j < end and marks < 3 and j - i < KEY_BYTES:
                        if data[j] == 0x2D and _begins(data, j, end, b"-----"):
                            marks += 1
                            j += 5
                        else:
                            j += 1
                    rows = _push(rows, found, row, i, j, PRIVATE_KEY)
                    found += 1
                    i = j - 1 if marks == 3 else i + 10
                    run = i + 1
                    counted = 0
            elif byte | 0x20 == 0x64:
                if wanted & HIDDEN_MAIL and _is_dot_word(data, i, begin, end):
                    rows = _push(rows, found, row, max(begin, i - 120), min(end, i + 80), HIDDEN_MAIL)
                    found += 1
            elif wanted & HIDDEN_MAIL and _hides_at(data, i, begin, end, classes):
                rows = _push(rows, found, row, max(begin, i - LOCAL_BYTES - 2), min(end, i + 120), HIDDEN_MAIL)
                found += 1
            i += 1
    return rows[:found]


def suspects(offsets: np.ndarray, data: np.ndarray, chosen: np.ndarray, wanted: int) -> np.ndarray:
    """Find where something private may stand.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 likewise.
        chosen: bool[n], rows to look at.
        wanted: bits of what is looked for.

    Returns:
        int64[k, 4]: row, first byte, byte after the last, bits; ordered by row, and about by place. Of a mail the
        bytes around the @ that may belong to it; of others a place to look at.
    """
    return _suspects(offsets, data, chosen, wanted, CLASSES, PREFIXES, WORDS, _NAME_DATA, _NAME_ENDS)
