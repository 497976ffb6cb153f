"""Street addresses, by the words that streets are called by: off unless asked for.

No check digit tells an address from another phrase with a number; names of streets that are no address ("5 Main Street"
in a story) go too. English, French, German, Spanish, Italian and Portuguese forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_CAPITAL = rb"(?:[A-Z]|\xc3[\x80-\x9e])(?:[A-Za-z'.-]|\xc3[\x80-\xbf]){0,24}"
_STREETS = re.compile(
    rb"(?<![A-Za-z0-9.,])(?:"
    # 12 Long Lane, Apt. 4, Springfield, IL 62704
    rb"[0-9]{1,5}[A-Za-z]?(?: [NSEW]\.?)? (?:" + _CAPITAL + rb" ){1,4}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|"
    rb"Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Parkway|Pkwy|Highway|Hwy|Close|Crescent|Mews|Way)\b\.?"
    rb"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Floor|#)\.? ?[0-9A-Za-z-]{1,6})?"
    rb"(?:,? (?:" + _CAPITAL + rb",? ){1,3}(?:[A-Z]{2} )?[0-9]{5}(?:-[0-9]{4})?)?"
    # Lange Strasse 5a, 10115 Berlin
    rb"|(?:" + _CAPITAL + rb"[ -]){0,3}(?:[A-Z]|\xc3[\x80-\x9e])?(?:[A-Za-z.-]|\xc3[\x80-\xbf]){0,24}(?:[Ss]tra(?:\xc3\x9f|ss)e|[Ss]tr\.|[Gg]asse|[Aa]llee|[Pp]latz|weg) "
    rb"[0-9]{1,4} ?[a-z]?(?:, (?:[A-Z]-)?[0-9]{4,5} " + _CAPITAL + rb")?"
    # 5 rue de la Paix, 75002 Paris
    rb"|[0-9]{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|place|chemin|impasse|quai|all\xc3\xa9e) (?:(?:de|du|des|la|le|les|d'|l') ?){0,3}"
    + _CAPITAL + rb"(?:[ -]" + _CAPITAL + rb"){0,3}(?:,? [0-9]{5} " + _CAPITAL + rb")?"
    # Calle Mayor 5, Via Roma 12, Rua Augusta, 100
    rb"|(?:Calle|Avenida|Avda\.|Paseo|Plaza|Via|Viale|Piazza|Corso|Rua|Travessa|Pra\xc3\xa7a) (?:(?:de|del|della|di|da|do|dos|las|los|la|el) ){0,2}"
    + _CAPITAL + rb"(?: " + _CAPITAL + rb"){0,3},? (?:n\.?\xc2\xba ?)?[0-9]{1,5}"
    rb")(?![A-Za-z0-9])"
)  # fmt: skip


def streets(text: bytes) -> Iterator[tuple[int, int]]:
    """First byte and byte after the last of each address of a text."""
    for match in _STREETS.finditer(text):
        yield match.span()
