"""The model that comes with py3langid, read by a kernel of our own, its labels put right where letters tell more."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tamis.language_codes import UNDECIDED, language_code

_PACKAGED = (
    "ace af am an ar ary arz as az ba bcl be bg bn br bs ca cs cy da de dz el en eo es et eu ext fa fi fo fr fuv fy "
    "ga gcf gcr gd gl gn gom grc gu guw ha hbo he hi hr ht hu hy id ig is it ja jv ka kab ki kk km kn ko ku ky la lb "
    "lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc om or pa pcm pl ps pt qu ro ru rw sa sdh se si "
    "sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu ckb crh dsb "
    "hsb"
)
PACKAGED = frozenset(_PACKAGED.split())
"""What the packaged model and the corrections of its labels may give."""


@dataclass(frozen=True)
class Telltale:
    """Letters without which a text is not in a language that the packaged model takes it for.

    Attributes:
        letters: characters of a class of a regular expression.
        least: their share among the characters of the sample.
        otherwise: what it is then.
    """

    letters: str
    least: float
    otherwise: str


TELLTALES: Mapping[str, Telltale] = {
    "yue": Telltale("嘅咗喺唔佢哋啲嚟冇嗰咁乜", 0.002, "zh"),
    "sdh": Telltale("ۊ", 0.0005, "ckb"),
}
"""Written Cantonese has words that no other Chinese has; Southern Kurdish has a vowel letter that Sorani lacks."""


@dataclass(frozen=True)
class Sign:
    """What only one language has, where the packaged model takes its texts for another.

    Attributes:
        found: what stands in the text.
        least: how often it must, for each character of the sample.
        language: what it is then.
        certain: whether nothing else is written so, and the score is 1.
    """

    found: re.Pattern[str]
    least: float
    language: str
    certain: bool = False


_CANTONESE = Sign(re.compile(f"[{TELLTALES['yue'].letters}]"), 0.02, "yue")
_AZERI = Sign(re.compile("[ҝҹјҜҸЈ]"), 0.002, "az")
_TURKMEN = Sign(
    re.compile(r"\b(?:[Вв]е|[Хх]ер|[Хх]ем|[Хх]ич|[Бб]илен|[Үү]чин|болан|эд(?:ен|ип|илен|илмәге))\b"),  # noqa: RUF001 - Cyrillic
    0.004,
    "tk",
)
_UIGHUR = Sign(re.compile("[üéëÜÉË]"), 0.005, "ug")
_SCRIPTS = (
    Sign(re.compile("[\U00011300-\U0001137f]"), 0.5, "sa", certain=True),
    Sign(re.compile("[\u1820-\u1842]"), 0.5, "mn", certain=True),
    Sign(re.compile("[\u1700-\u171f]"), 0.5, "tl", certain=True),
)
SIGNS: Mapping[str, tuple[Sign, ...]] = {
    "zh": (_CANTONESE,),
    "wuu": (_CANTONESE,),
    "ba": (_AZERI, _TURKMEN),
    "tt": (_AZERI, _TURKMEN),
    "kk": (_AZERI, _TURKMEN),
    "ky": (_AZERI, _TURKMEN),
    "uz": (_UIGHUR,),
    "grc": (Sign(re.compile(r"\b(?:[Νν]ὰ|[Θθ]ὰ|[Δδ]ὲν|[Μμ]πορ\w+|[Σσ]τὴν?|[Σσ]τὸν?|[Σσ]τοὺς)\b"), 0.004, "el"),),  # noqa: RUF001 - Greek
    # What the model says of letters that it has never seen.
    "am": _SCRIPTS,
    UNDECIDED: _SCRIPTS,
}
"""Cantonese in simplified characters; Azeri in Cyrillic, three of whose letters no neighbour has; Turkmen in Cyrillic,
which writes *and*, *every*, *with*, *for* and *been* as no neighbour does; Uyghur in Latin letters, where Uzbek has no
ü and no é in any of its Latin alphabets; Greek of before 1982, with all its accents, whose particles are not those of
the ancients; scripts of one language: Grantha, Mongolian without the letters of Manchu, Baybayin."""

TAKEN_FOR_SORBIAN = ("cs", "pl", "sk")
CARONS, CARONS_LEAST = "čěřšžČĚŘŠŽ", 0.01
STROKES, STROKES_LEAST = "łŁ", 0.005
MANY_CARONS = 0.02
"""Sorbian has both, Czech and Slovak only carons, Polish only strokes but for foreign names: 5 to 8 and 2 to 4 % of the
characters of Sorbian texts. A short sentence may have no stroke; what is full of carons is no Polish."""

UPPER = re.compile(r"[ćĆřŘ]|\b(?:[Ww]ot|je|so)\b")
LOWER = re.compile(r"[śŚ]|\b(?:[Ww]ót|jo|se)\b")
"""Upper Sorbian has ć, in every infinitive, where Lower Sorbian has ś; ř; and other words for from, is, oneself."""


@functools.cache
def model() -> dict[str, Any]:
    """The packaged model as arrays for the kernel, and its labels."""
    from py3langid import langid

    given = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    labels = list(given.nb_classes)
    weights = np.asarray(given.nb_ptc, np.float32)
    least, unit = float(weights.min()), np.float32((weights.max() - weights.min()) / np.iinfo(np.uint16).max)
    # From -32,768 on: what all classes have more or less of a feature changes nothing.
    in_units = (np.rint((weights - least) / unit) + np.iinfo(np.int16).min).astype(np.int16)
    return {
        "labels": labels,
        "arrays": (
            np.frombuffer(given.tk_nextmove, np.dtype(given.tk_nextmove.typecode)),
            np.frombuffer(given.tk_row, np.dtype(given.tk_row.typecode)),
            np.asarray(given.tk_output, np.int32),
            np.ascontiguousarray(in_units),
            unit,
            np.ascontiguousarray(given.nb_pc, np.float32),
            np.array([labels.index(label) for label in labels], np.int64),
        ),
    }


def identify(bounds: np.ndarray, data: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Language and score of each of n samples, given as int64[n + 1] offsets and uint8 bytes."""
    from tamis.kernels.language_walk import walk

    packaged = model()
    codes = [*(language_code(label) for label in packaged["labels"]), UNDECIDED]
    best, score = walk(bounds, data, *packaged["arrays"])
    languages = [codes[index] for index in best.tolist()]
    _correct(languages, score, bounds, data)
    return languages, score


def _correct(languages: list[str], score: np.ndarray, bounds: np.ndarray, data: np.ndarray) -> None:
    """Rename what the packaged model takes for a neighbour, because it does not know it or hardly ever saw it."""
    for row, language in enumerate(languages):
        if language not in TELLTALES and language not in SIGNS and language not in TAKEN_FOR_SORBIAN:
            continue
        sample = data[bounds[row] : bounds[row + 1]].tobytes().decode()
        for sign in SIGNS.get(language, ()):
            if len(sign.found.findall(sample)) >= sign.least * len(sample) > 0:
                languages[row] = sign.language
                score[row] = 1 if sign.certain else score[row]
                break
        telltale = TELLTALES.get(language)
        if telltale is not None and _share_of(telltale.letters, sample) < telltale.least:
            languages[row] = telltale.otherwise
        if language in TAKEN_FOR_SORBIAN and _is_sorbian(language, sample):
            languages[row] = "hsb" if len(UPPER.findall(sample)) > len(LOWER.findall(sample)) else "dsb"


def _is_sorbian(taken_for: str, sample: str) -> bool:
    carons = _share_of(CARONS, sample)
    if taken_for == "pl" and carons >= MANY_CARONS:
        return True
    return carons >= CARONS_LEAST and _share_of(STROKES, sample) >= STROKES_LEAST


def _share_of(letters: str, text: str) -> float:
    return sum(map(text.count, letters)) / max(1, len(text))
