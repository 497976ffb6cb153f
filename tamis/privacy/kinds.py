"""Kinds of private text, and what detectors give."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

PrivateKind = Literal[
    "secret",
    "url_credentials",
    "email",
    "iban",
    "payment_card",
    "ip_address",
    "national_id",
    "phone_number",
    "street_address",
]
"""What is looked for; where two overlap, the first of them names the span."""

SpanKind = PrivateKind | Literal["name"]
"""With persons' names, which a model finds (tamis/privacy/names.py)."""

PRIVATE_KINDS: tuple[PrivateKind, ...] = get_args(PrivateKind)
OFF: tuple[PrivateKind, ...] = ("street_address",)
"""Not looked for unless asked: nothing but words tells one."""

DEFAULT_KINDS = tuple(kind for kind in PRIVATE_KINDS if kind not in OFF)

DEFAULT_REGIONS = (
    "US", "GB", "DE", "FR", "ES", "IT", "NL", "BE", "CH", "AT", "PT", "IE", "SE", "NO", "DK", "FI", "PL", "AU",
    "IN", "BR", "MX", "CN", "JP", "KR", "RU", "TR", "ZA",
)  # fmt: skip
"""Countries whose telephone numbers are known without + and the code of the country (ISO 3166)."""

SPAN_KINDS: tuple[SpanKind, ...] = (*PRIVATE_KINDS, "name")
PRIORITY: dict[SpanKind, int] = {kind: place for place, kind in enumerate(SPAN_KINDS)}


class Found(NamedTuple):
    """A span of bytes of the window, and its kind."""

    start: int
    end: int
    kind: PrivateKind


class Place(NamedTuple):
    """Bytes of a text around a suspect.

    text: the bytes; what stands before and behind them in the document is not seen.
    start, end: the suspect's, in `text`.
    """

    text: bytes
    start: int
    end: int

    @property
    def before(self) -> bytes:
        """What stands before the suspect, in small ASCII letters."""
        return self.text[: self.start].lower()
