"""What extraction gives for a page: its text, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """The text of a page.

    Attributes:
        text: its main content; never empty, no NUL, no unpaired surrogate.
        title: of `<title>`, white space collapsed; None where there is none.
        language_hint: what `<html lang>` says, as found; None where it says nothing.
        charset: name by WHATWG's list of the encoding that the bytes were read in.
        canonical: address that the page calls its own, http or https; None where it names none.
    """

    text: str
    title: str | None = None
    language_hint: str | None = None
    charset: str = "utf-8"
    canonical: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A page that gave no text.

    Attributes:
        reason: snake_case: `page_too_large`, `page_timeout`, `page_memory`, `page_crashed`, `no_main_content`,
            `not_html`.
        detail: what was found, at most 200 characters.
    """

    reason: str
    detail: str
