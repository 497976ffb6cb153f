"""Pieces of text that `rule_words` knows by heart: contractions, abbreviations, faces, units; and how they are found.

A piece is listed with the lengths of the words that it stands for: "can't" is 2 + 3, "e.g." is 4.
"""

from __future__ import annotations

import functools

import numba
import numpy as np

LONGEST_LISTED = 12
"""Characters of the longest listed piece; longer ones need no look-up."""

LISTED_SLOTS = 4096

_PRONOUNS = {
    "i": "m d ll ve",
    "you": "d ll ve re",
    "he": "s d ll",
    "she": "s d ll",
    "it": "s d ll",
    "we": "d ll ve re",
    "they": "d ll ve re",
}
_QUESTION_WORDS = "who what when where why how there"
_POINTING_WORDS = {"that": "s d ll", "this": "s d ll", "these": "d ll re ve", "those": "d ll re ve"}
_NEGATED = "ca could do does did had may might must need ought sha should wo would ai are is was were have has dare"
_WITH_HAVE = "could might must should would"
# Joined contractions that are words in their own right.
_ORDINARY = frozenset({"ill", "its", "hell", "shell", "shed", "were", "well"})
_ABBREVIATIONS = (
    "e.g. i.e. a.m. p.m. vs. v.s. co. Adm. Bros. Co. Corp. D.C. Dr. E.g. E.G. Gen. Gov. I.e. I.E. Inc. Jr. Ltd. Md. "
    "Messrs. Mo. Mont. Mr. Mrs. Ms. Ph.D. Prof. Rep. Rev. Sen. St. Mt. Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. "
    "Oct. Nov. Dec. Ak. Ala. Ariz. Ark. Calif. Colo. Conn. Del. Fla. Ga. Ia. Id. Ill. Ind. Kan. Kans. Ky. La. Mass. "
    "Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Okla. Ore. Pa. S.C. Tenn. Va. Wash. Wis. "
    "and/or w/o C++ o'clock O'clock ma'am Ma'am 's 'S 're 'd 'em 'll '' ' \\n \\t"
)
# "(see above):" ends in a face by convention, so prose is full of them.
_FACES = (
    ":) :-) :)) :))) :] :-] :} :-} :( :-( :(( :((( :') :'-) :'( :'-( :/ :-/ :| :-| :1 :P :-P :p :-p :O :-O :o :-o :0 "
    ":-0 :() :* :-* :3 :-3 :> :-> :X :-X :x :-x :D :-D (: (-: [: [-: ): )-: ;) ;-) (; (-; ;D ;-D =) (= =] =[ [= ]= =( "
    "=/ =| =3 =D 8) 8-) (-8 >:( ^_^ >.< >.> <.< ._. ;_; -_- <3 </3"
)
_UNITS = (
    "km m dm cm mm km² m² dm² cm² mm² km³ m³ dm³ cm³ mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph "
    "hPa Pa mbar mb MB kb KB gb GB tb TB T G M K %"
)


def _listed() -> dict[str, tuple[int, ...]]:
    """Piece → lengths of its parts, in characters."""
    whole: dict[str, tuple[str, ...]] = {}

    def endings(word: str, tails: str) -> None:
        for tail in tails.split():
            whole[f"{word}'{tail}"] = (word, f"'{tail}")
            if word + tail not in _ORDINARY:
                whole[word + tail] = (word, tail)

    for words in (_PRONOUNS, dict.fromkeys(_QUESTION_WORDS.split(), "s d ll re ve"), _POINTING_WORDS):
        for word, tails in words.items():
            endings(word, tails)
    for verb in _NEGATED.split():
        whole[f"{verb}n't"] = (verb, "n't")
        whole[f"{verb}nt"] = (verb, "nt")
    for verb in _WITH_HAVE.split():
        endings(verb, "ve")
    # I'd've, they'll've, couldn't've
    for piece, split in list(whole.items()):
        if split[-1] in ("'d", "'ll", "n't"):
            whole[f"{piece}'ve"] = (*split, "'ve")
    whole |= {
        "cannot": ("can", "not"),
        "gonna": ("gon", "na"),
        "gotta": ("got", "ta"),
        "let's": ("let", "'s"),
        "y'all": ("y'", "all"),
    }
    parts = {piece: tuple(map(len, split)) for piece, split in whole.items()}
    parts |= {piece[0].upper() + piece[1:]: split for piece, split in parts.items()}
    parts |= {piece.replace("'", "\u2019"): split for piece, split in parts.items()}
    parts |= {piece: (len(piece),) for piece in _ABBREVIATIONS.split()}
    parts |= {piece: (len(piece),) for piece in _FACES.split()}
    parts |= {f"{letter}.": (2,) for letter in "abcdefghijklmnopqrstuvwxyzäöü"}
    for hour in range(1, 13):
        for half in ("am", "pm", "a.m.", "p.m."):
            parts[f"{hour}{half}"] = (len(str(hour)), len(half))
    return parts


@numba.njit(cache=True, nogil=True)
def mix(value: np.uint64) -> np.uint64:
    """A bijection of 64-bit words whose every output bit depends on every input bit (splitmix64's finaliser)."""
    value = np.uint64(value) + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def span_hash(codes: np.ndarray, start: int, end: int) -> np.uint64:
    """64-bit hash of code points [start, end)."""
    value = np.uint64(end - start)
    for at in range(start, end):
        value = (value ^ np.uint64(codes[at])) * np.uint64(0x9FB21C651E98DF25)
        value ^= value >> np.uint64(29)
    return mix(value)


@numba.njit(cache=True, nogil=True)
def small_hash(codes: np.ndarray, start: int, end: int, small: np.ndarray) -> np.uint64:
    """`span_hash` of what code points [start, end) become by a table of all code points."""
    value = np.uint64(end - start)
    for at in range(start, end):
        value = (value ^ np.uint64(small[codes[at]])) * np.uint64(0x9FB21C651E98DF25)
        value ^= value >> np.uint64(29)
    return mix(value)


@numba.njit(cache=True, nogil=True)
def find_sorted(hashes: np.ndarray, value: np.uint64) -> np.int64:
    """Place of a value in a sorted array without repeats, or -1."""
    low = np.int64(0)
    high = np.int64(hashes.size)
    while low < high:
        middle = (low + high) // 2
        if hashes[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < hashes.size and hashes[low] == value else np.int64(-1)


def encode(text: str) -> np.ndarray:
    """Code points of a string, uint32; writable, as those are that kernels decode: one type, compiled once."""
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32).copy()


@numba.njit(cache=True, nogil=True)
def _ending(codes: np.ndarray, start: int, end: int) -> np.int64:
    """Low bits of the last two characters."""
    before = np.int64(codes[end - 2]) & 127 if end - start > 1 else 0
    return before << 7 | np.int64(codes[end - 1]) & 127


@functools.cache
def listed_pieces() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The listed pieces as an open-addressed table.

    Returns:
        hashes (uint64, 0 = free) and lengths of the parts (uint8, one column a part), `LISTED_SLOTS` rows each; and for
        each pair of low bits of the last two characters whether any listed piece ends so (bool[16384]): nine words in
        ten are settled by that.
    """
    hashes = np.zeros(LISTED_SLOTS, np.uint64)
    endings = np.zeros(1 << 14, np.bool_)
    lengths = np.zeros((LISTED_SLOTS, 3), np.uint8)
    for piece, split in _listed().items():
        codes = encode(piece)
        value = int(span_hash(codes, 0, len(codes)))
        slot = value & LISTED_SLOTS - 1
        while hashes[slot]:
            slot = (slot + 1) % LISTED_SLOTS
        hashes[slot] = value
        lengths[slot, : len(split)] = split
        endings[_ending(codes, 0, len(codes))] = True
    return hashes, lengths, endings


@functools.cache
def unit_hashes() -> np.ndarray:
    """Sorted hashes of the units that come off a number, uint64."""
    return np.sort(np.array([span_hash(encode(unit), 0, len(unit)) for unit in _UNITS.split()], np.uint64))


@numba.njit(cache=True, nogil=True)
def _look_up(codes: np.ndarray, start: int, end: int, hashes: np.ndarray) -> np.int64:
    value = span_hash(codes, start, end)
    slot = np.int64(value & np.uint64(LISTED_SLOTS - 1))
    while hashes[slot] != 0:
        if hashes[slot] == value:
            return slot
        slot = (slot + 1) & (LISTED_SLOTS - 1)
    return np.int64(-1)


@numba.njit(cache=True, nogil=True)
def find_listed(codes: np.ndarray, start: int, end: int, hashes: np.ndarray, endings: np.ndarray) -> np.int64:
    """Slot of a listed piece, or -1; the arrays are two of `listed_pieces`."""
    if end - start > LONGEST_LISTED or not endings[_ending(codes, start, end)]:
        return np.int64(-1)
    return _look_up(codes, start, end, hashes)
