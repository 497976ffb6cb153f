"""The editor as a whole against one that knows no kernel, on text of values, of pieces of values, and of anything."""

from __future__ import annotations

import pytest
from documents import make_documents
from hypothesis import example, given
from hypothesis import strategies as st
from privacy_oracle import replaced

from tamis.privacy.kinds import PRIVATE_KINDS
from tamis.stages.privacy import Config, replace

VALUES = (
    "anna.huber@web.de", "o'neil+x@mail.gmx.net", "é.b@posteo.de", "anna [at] posteo [dot] de", "ben at gmx dot net", "a%40web.de",
    "81.2.69.142", "2a02:8071:b81:6c00::17", "2001:4860:4860::8888", "1.2.3.4", "10.20.30.41",
    "+49 30 2345678", "(212) 664-7665", "01 42 68 53 00", "030/2345678", "212.664.7665 ext. 12", "tel 781 5991", "0049 30 2345678",
    "4539 1488 0343 6467", "4539148803436467", "3782-822463-10005", "DE71 3005 0110 0012 3456 78", "de71300501100012345678",
    "536-22-8145", "529.982.247-25", "11010519491231002X", "X1234567L", "X-1234567-L", "DNI 12345678Z", "RSSMRA85T10A562S", "44051401359",
    "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", "sk-proj-T3BlbkFJa8Qz81nXk2PmVd90LwYt", "12345678:AAF3a9c1d27b60e84512cdGHIJKLMNOPqrst",
    'api_key = "f3a9c1d27b60e84512cd9be07a41f6d8"', "password: S3cretPw9!", "postgres://app:S3cretPw9@db.posteo.de:5432/x",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq1Zt0cX9wKk3mVYhJp5sLd2RfGuNe8aTqWvBx4yCzHoP6S\n-----END RSA PRIVATE KEY-----",
    "https://hooks.slack.com/services/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", "12 Long Street",
)  # fmt: skip
"""What people write."""
PIECES = (
    "", " ", "  ", "   ", "\n", "\t", ".", "-", "/", "(", ")", "[", "]", "{", "}", "@", ":", "::", "://", "=", "_", "+", "%", "%40", "&#64;", "#",
    "\xa0", "\u2011", "\u202f", "\u2015", "語", "é", "\u0301", "😀", "\x00", "'", '"', "x", "D", "AA", "v", "to", "dot ", " dot ", " at ", "(at)", "[at] ",
    "1", "0", "22", "030", "4539", "2001", "192", "19", "07", "123456", "00000000", "2020-10-12", "2020-10-1", "10:11:12", "DE71", "X1234567", "ABCDEF85T",
    "key=", "token:", "password ' =", "ssn ", "BSN ", "phone: ", "card ", "ip ", "version ", "ISBN ", "sk-", "hf_", "eyJ", "AKIA", "abcdefghij0123456789",
    "web.de", "gmx.net", "example.com", "localhost", "a@", "@b.de", "://a:b@", "-----", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
)  # fmt: skip
"""What bounds, separates and breaks values."""
LETTERS = st.characters(codec="utf-8")


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A value of which letters are left out, doubled, or another."""
    value = draw(st.sampled_from(VALUES))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        value = value[:at] + draw(st.sampled_from(PIECES)) + value[at + draw(st.integers(0, 2)) :]
    return value


TEXTS = st.one_of(
    st.lists(st.sampled_from(VALUES + PIECES), max_size=10).map("".join),
    st.lists(st.one_of(broken(), st.sampled_from(PIECES)), max_size=6).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.text(st.sampled_from("0123456789 .-()/+"), max_size=80),
    st.text(st.sampled_from("0123456789abcdefABCDEF:.[ "), max_size=60),
    st.text(st.sampled_from("aBdeot@. -_'[]()&#64;%\u00e9語"), max_size=60),
    st.text(LETTERS, max_size=40),
)


WORDS = ["phone", "telephone", "tel", "tél", "tele", "fax", "telefax", "Mobile", "mob", "cell", "cellphone", "call", "calls", "calling", "call\xa0us", "text", "txt", "dial", "contact", "ring", "reach", "answer", "desk", "whatsapp", "viber", "SMS", "hotline", "helpline", "Handy", "telefon", "telefonnr", "téléphone", "teléfono", "telefono", "móvil", "celular", "portable", "Rufnummer", "mobilnr", "voicemail", "answering", "phone\xa0number", "toll-free", "pager", "tlf", "puh", "ph", "тел", "телефон", "电话", "電話", "手机", "☎", "📞", "📱", "x?phone=", "x?userphone=", "wa.me/", "sms:", "SSN", "ss#", "ss\xa0no", "social\xa0security", "soc\xa0sec", "Steuer", "IdNr", "TIN", "identifikationsnummer", "tax\xa0id", "BSN", "burgerservice", "sofi", "SIN", "social\xa0insurance", "NAS", "NHS", "health\xa0service", "PESEL", "aadhaar", "aadhar", "UID", "uidai", "आधार", "CPF", "sécurité\xa0sociale", "securite\xa0sociale", "NIR", "INSEE", "personnr", "DNI", "D.N.I.", "NIE", "NIF", "documento", "identidad", "card", "visa", "none"]  # fmt: skip
"""What says that a number follows, one blank of two words as a fixed one."""
NUMBERS = (
    "781 5991", "7815991", "2345678", "+(49)302345678", "(0)30 2345678", "(030) 2345678", "030-2345678", "0044 20 7946 0958", "00442079460958",
    "536 22 8145", "536228145", "536-22-8145", "52998224725", "529.982.247-25", "2 55 08 14 168 025 38", "2550814168025 38", "255081416802538",
    "110105194912310021", "11010519491231002X", "811218-9876", "8112189876", "44051401359", "943 476 5919", "943-476-5919", "9434765919",
    "2341 2341 2346", "234123412346", "111222333", "1112.22.333", "130 692 544", "130-692-544", "130692544", "86095742719", "86 095 742 719",
    "12345678Z", "12345678-Z", "1234567 L", "6759649826438453", "4539 1488 0343 6467", "453914880343", "81.2.69.142", "1.2.3.4.5", "2001 2002 2003",
)  # fmt: skip
"""Numbers with right check digits, and telephones, in the forms that they are written in."""


def test_a_number_behind_every_word_that_may_say_what_it_is() -> None:
    between = (" ", ": ", ".: (", "\u00a0no. is ", " " * 26, " +", "=", ":\n", " 12 ", "/", "xx ")
    texts = [
        f"{lead}{word}{between[(first + second) % len(between)]}{number}".replace("\u00a0", " ")
        for first, word in enumerate(WORDS)
        for second, number in enumerate(NUMBERS)
        for lead in ("", "the é")[first % 2 :][:1]
        if (first + second) % 3 == 0
    ]
    assert after(texts, Config()) == [replaced(text, Config()) for text in texts]
    # The words matter: without them most stay.
    assert sum("[" in text for text in after([f"none {number}" for number in NUMBERS], Config())) < 20


def after(texts: list[str], config: Config) -> list[str]:
    return replace(make_documents(texts), config)[0]["text"].to_pylist()


CONFIGS = st.one_of(
    st.just(Config()),
    st.just(Config(placeholder="typed", kinds=PRIVATE_KINDS, phone_regions=["US"])),
    st.builds(lambda kind: Config(kinds=[kind]), st.sampled_from(PRIVATE_KINDS)),
)


@example(["anna.huber@web.de-----", "to anna@web.de--Ben", "a@xn--80ak6aa92e.com"], Config())
@given(st.lists(TEXTS, max_size=5), CONFIGS)
def test_texts_are_those_of_the_plain_editor(texts: list[str], config: Config) -> None:
    assert after(texts, config) == [replaced(text, config) for text in texts]


@pytest.mark.parametrize("piece", sorted({*VALUES, *PIECES} - {""}), ids=range(len({*VALUES, *PIECES}) - 1))
def test_rows_of_one_piece_too(piece: str) -> None:
    texts = [
        piece * 40,
        (piece + " ") * 40,
        (piece + "\n") * 9,
        piece * 3 + " 7" * 50,
        "a" * 70 + piece * 2,
        "é" * 300 + piece,
    ]
    assert after(texts, Config()) == [replaced(text, Config()) for text in texts]
