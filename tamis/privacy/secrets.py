"""Keys, tokens, passwords and private keys, and URLs that carry a password.

What services give their keys begins with letters of their own (the prefixes that GitHub's secret scanning and gitleaks
know); of other values the name before them says what they are. Either must look like chance: the entropy of their
letters is held against a bound, and words that stand for any key ("YOUR_API_KEY", "changeme") are none. Hashes,
checksums, certificates and public keys are no secrets, and stay.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from tamis.privacy.kinds import Found, Place
from tamis.privacy.machines import EXAMPLES as EXAMPLE_ADDRESSES
from tamis.privacy.mail import real_domain

LEAST_ENTROPY = 2.8
"""Bits a letter. Keys by chance have more than 3.2 from 20 letters on, hexadecimal ones more than 3.0; English 2.5 to 3.9."""

_A = rb"[A-Za-z0-9]"
_W = rb"[A-Za-z0-9_-]"
_PREFIXED = re.compile(
    rb"(?<![A-Za-z0-9])(?:"
    rb"(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{16}(?![A-Z0-9])"
    rb"|gh[pousr]_" + _A + rb"{36,251}"
    rb"|github_pat_[A-Za-z0-9_]{60,251}"
    rb"|gl(?:pat|dt|rt|cbt|ptt|soat)-" + _W + rb"{20,64}"
    rb"|xox[abeoprs]-(?:[0-9A-Za-z]{1,64}-){1,4}" + _A + rb"{10,64}|xapp-[0-9]-" + _W + rb"{20,120}"
    rb"|(?:sk|rk|whsec)_live_" + _A + rb"{16,247}|whsec_" + _A + rb"{32,64}"
    rb"|AIza" + _W + rb"{35}|ya29\." + _W + rb"{30,250}|GOCSPX-" + _W + rb"{28}"
    rb"|sk-(?:proj-|svcacct-|admin-|ant-|or-)?(?:" + _W + rb"{1,12}-)?" + _W + rb"{32,200}"
    rb"|hf_[A-Za-z]{30,40}|npm_" + _A + rb"{36}|pypi-AgE" + _W + rb"{50,250}"
    rb"|SG\." + _W + rb"{16,32}\." + _W + rb"{32,64}"
    rb"|(?:dop|doo|dor)_v1_[0-9a-f]{64}"
    rb"|sh(?:pat|pss|pca|ppa)_[0-9a-fA-F]{32}"
    rb"|eyJ" + _W + rb"{8,1200}\.eyJ" + _W + rb"{8,1200}\." + _W + rb"{16,700}"
    rb"|(?:gsk|pplx|xai|r8|nvapi|tvly|fw|lsv2_pt|lin_api|ntn|secret|dckr_pat|figd|PMAK|EAACEdEose0cBA|sq0csp|sq0atp|"
    rb"rubygems|glsa|vercel|hvs|CCIPAT)[_-]" + _W + rb"{32,200}"
    rb"|key-[0-9a-f]{32}(?![0-9a-f])|SK[0-9a-f]{32}(?![0-9a-f])"
    rb")"
)
_TELEGRAM = re.compile(rb"(?<![0-9A-Za-z])[0-9]{8,10}:AA" + _W + rb"{33}(?!" + _W + rb")")
_HOOK = re.compile(rb"https://(?:hooks\.slack\.com/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20,32}"
                   rb"|discord(?:app)?\.com/api/webhooks/[0-9]{15,22}/[A-Za-z0-9_-]{60,72})")  # fmt: skip
_ANY_KEY = re.compile(
    rb"example|your|change|placeholder|dummy|sample|redact|xxxx|0000000|1234567|abcdef|insert|replace|secret_?key|"
    rb"my_?(?:key|token|secret|password)|test_?key|fake|\.\.\.|\*\*\*|todo|none|null|undefined|somevalue",
    re.IGNORECASE,
)
_HASHED = re.compile(
    rb"(?:sha\d{1,3}|md5|hash|digest|integrity|etag|checksum|commit|rev|fingerprint)\W{0,4}\Z", re.IGNORECASE
)


def entropy(value: bytes) -> float:
    """Bits a letter by the shares of its letters."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def _by_chance(value: bytes) -> bool:
    return entropy(value) >= LEAST_ENTROPY and not _ANY_KEY.search(value)


def tokens(place: Place) -> list[Found]:
    """Keys with well-known prefixes in a run of letters and digits, and what stands right before it."""
    found = []
    for match in _HOOK.finditer(place.text, max(0, place.start - 8), place.end):
        found.append(Found(match.start(), match.end(), "secret"))
    for match in _PREFIXED.finditer(place.text, place.start, place.end):
        end = match.end()
        while place.text[end - 1 : end] in b"-_":
            end -= 1
        value = place.text[match.start() : end]
        body = value[4:]
        mixed = any(48 <= byte < 58 for byte in body) or (body.lower() != body and body.upper() != body)
        # `sk-learn-…`, `secret_name_of_…`: words between hyphens.
        words = re.split(rb"[-_]", body)
        if mixed and (max(map(len, words)) >= 12 or not value.startswith((b"sk-", b"secret_"))) and _by_chance(value):
            found.append(Found(match.start(), end, "secret"))
    if place.text[place.start - 1 : place.start] == b":" and place.text.startswith(b"AA", place.start):
        for match in _TELEGRAM.finditer(place.text, max(0, place.start - 12), place.end):
            found.append(Found(match.start(), match.end(), "secret"))
    return found


_NAME = re.compile(
    rb"(?<![A-Za-z0-9])((?:[A-Za-z0-9]{1,24}[_.-]){0,6}[A-Za-z0-9]{0,40}(?:key|token|secret|password|passwd|pwd|passphrase))"
    rb"[\"']?\s{0,3}\Z",
    re.IGNORECASE,
)
_OPEN_NAMES = re.compile(rb"(?:cache|primary|foreign|public|sort|partition|hot|short|cut|row|object|s3|translation|csrf|site|"
                         rb"next|page|continuation|sync|dict|map|lookup|index|unique|idempotency|etag|hash|host|registry|"
                         rb"publishable|mon|don|tur|jocd|whis|hoc|ban)[_.-]?key\Z|(?:csrf|page|next|sync|sep|eos|bos|pad|unk|cls|mask|special|"
                         rb"continuation|stop|end|start)[_.-]?token\Z", re.IGNORECASE)  # fmt: skip
_KEY_NAME = re.compile(rb"(?:api|app|secret|access|auth|private|client|encryption|encrypt|signing|sign|account|master|service|"
                       rb"storage|shared|session|jwt|license|license|admin|deploy|consumer|webhook|hmac|aes|rsa|ssh|"
                       rb"subscription|functions|connection|aws|stripe|google|azure|openai|github)[a-z0-9]{0,12}[_.-]?(?:[a-z]{1,8}[_.-])?key\Z", re.IGNORECASE)  # fmt: skip
_VALUE = re.compile(rb"\s{0,4}(?:[=:>]{0,2}\s{0,3})([\"'`]?)")
_QUOTED = {quote: re.compile(rb"[^" + quote + rb"\n\\]{8,190}(?=" + quote + rb")") for quote in (b'"', b"'", b"`")}
_FILE = re.compile(
    rb"(?:~|\.{1,2})?/(?:(?:[A-Za-z0-9_.-]{1,40}/){0,12}[A-Za-z0-9_-]{1,60}\.[a-z]{2,5}(?![A-Za-z0-9+/=])"
    rb"|(?:etc|usr|var|home|opt|tmp|root|srv|mnt|run|path|Users|app|config|secrets?|certs?|keys?)/)"
)
"""Where a key lies: privateKey=/etc/ssl/server.pem."""
_BARE = re.compile(rb"[A-Za-z0-9_+/=.!$%^*@#?~&:-]{8,190}")
_PHRASE = re.compile(
    rb"[a-z]+(?:[-_. ][a-z]+)*[-_. ]?[0-9]{0,4}|[A-Z]+(?:[-_. ][A-Z]+)*[-_. ]?[0-9]{0,4}|[A-Za-z]+[0-9]{0,2}"
)


def assigned(place: Place) -> list[Found]:
    """The value behind the name of a secret."""
    text = place.text
    name = _NAME.search(text, 0, place.start)
    if name is None or _OPEN_NAMES.search(name[1]):
        return []
    if name[1].lower().endswith(b"key") and not _KEY_NAME.search(name[1]):
        return []
    opened = _VALUE.match(text, place.start + 1)
    quote = opened[1] if opened else b""
    start = opened.end() if opened else place.start + 1
    match = (_QUOTED[quote] if quote else _BARE).match(text, start, place.end)
    if match is None:
        return []
    value = match[0] if quote else match[0].rstrip(b".,;:")
    if not quote and text[name.start(1) - 1 : name.start(1)] in (b"?", b"&"):
        # A parameter of a URL ends where the next begins.
        value = re.split(rb"[&#]", value)[0]
    behind = text[start + len(value) : start + len(value) + 1]
    if (
        b" " in value
        or behind in (b"(", b"[", b"{")
        or value[:1] in b"<{$%("
        or b"](" in value
        or value.startswith((b"env.", b"os.", b"http"))
        or _FILE.match(value)
    ):
        return []
    password = re.search(rb"(?:password|passwd|pwd|passphrase)\Z", name[1], re.IGNORECASE) is not None
    return (
        [Found(start, start + len(value), "secret")] if _is_value(value, password=password, quoted=bool(quote)) else []
    )


def _is_value(value: bytes, *, password: bool, quoted: bool) -> bool:
    """Whether a value looks like chance: letters and digits in it, and no words."""
    if _ANY_KEY.search(value) or _PHRASE.fullmatch(value):
        return False
    digits = sum(48 <= byte < 58 for byte in value)
    letters = sum(chr(byte).isalpha() for byte in value)
    if not digits or not letters:
        return False
    upper = value.lower() != value and value.upper() != value
    signs = len(value) - digits - letters
    if password and quoted and len(value) >= 8:
        return upper or signs > 0 or digits >= 4
    # Words and numbers between signs are names: table_2.column_1, en/latest/a-b-2.html.
    longest = max(map(len, re.split(rb"[-_./: ]", value)))
    return len(value) >= 16 and entropy(value) >= 3.0 and (longest >= 12 or (signs >= 3 and upper and digits >= 2))


_PRIVATE = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/=]{40,}")


def private_key(place: Place) -> list[Found]:
    """A private key in armour, up to its last line, or as far as it is there."""
    text = place.text
    head = _PRIVATE.match(text, place.start)
    if head is None or not _BASE64_LINE.search(text, head.end(), place.end):
        return []
    tail = re.compile(rb"-----END [A-Z0-9 ]{0,40}-----").search(text, head.end())
    if tail is not None:
        return [Found(place.start, tail.end(), "secret")]
    following = text.find(b"-----", head.end(), place.end)
    lines = [line.end() for line in _BASE64_LINE.finditer(text, head.end(), following if following > 0 else place.end)]
    return [Found(place.start, lines[-1], "secret")] if lines else []


_URL = re.compile(
    rb"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9+.-]{1,22})://([^\s:/@\"'<>`]{0,80}):([^\s/@\"'<>`]{1,120})@"
    rb"((?:[A-Za-z0-9_.-]|[\xc3-\xf4][\x80-\xbf]{1,3}){1,200})(?::[0-9]{1,5})?(?:[/?#][^\s\"'<>`)\]}]{0,300})?"
)
_ANY_PASSWORD = re.compile(
    rb"(?:my|your|the|db|user|a|some|strong)?[_-]?(?:pass(?:word|wd|phrase)?|pwd|pw|secret|token|api[_-]?key|key|tiger|guest|admin|root|postgres|"
    rb"changeme|foo|bar|test|x+|\*+|p|\.+|123|1234|12345|123456)\d{0,3}|\$[A-Z_]+|%[A-Za-z_]*%?|[$%]?[<{\[(].*|.*[<{\[(].*|.*\.\.\..*",
    re.IGNORECASE,
)
_ANY_HOST = re.compile(
    rb"(?:.*\.)?(?:localhost|local|internal|lan)|127\..*|0\.0\.0\.0|10\..*|192\.168\..*|"
    rb"(?:my|your|some|the)?[_.-]?(?:db|database|proxy|server|host|hostname|domain|broker|redis|rabbitmq|mongo|mysql|postgres)\d?",
    re.IGNORECASE,
)


def credentials(place: Place) -> list[Found]:
    """URLs with a user and a password."""
    found = []
    for match in _URL.finditer(place.text, 0, place.end):
        password, host = match[3], match[4]
        if not match.start() <= place.start + 24 or _ANY_PASSWORD.fullmatch(password) or _ANY_HOST.fullmatch(host):
            continue
        name = host.decode(errors="ignore").strip(".")
        numbers = re.fullmatch(r"[0-9.]+", name)
        if not (real_domain(name) or (numbers and name not in EXAMPLE_ADDRESSES)):
            continue
        end = match.end()
        while place.text[end - 1 : end] in b".,;:!?":
            end -= 1
        found.append(Found(match.start(), end, "url_credentials"))
    return found
