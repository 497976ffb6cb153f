"""Translation catalogues."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tamis.readers.catalogues import charset, parse

CATALOGUE = r"""
# Translators: someone
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Language: pl\n"

#: a.py:1
msgid "Yes"
msgstr "Tak"

#, fuzzy
#| msgid "Never"
msgid "No"
msgstr "Nie wiem"

#, python-format
msgctxt "many"
msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d plik"
msgstr[1] "%d pliki"
msgstr[2] "%d pliki"

msgid ""
"Two "
"parts"
msgstr ""
"Dwie\n"
"\"części\"\t\\"
msgid "Open"
msgstr ""
msgid "{}."
msgstr "{}."
nonsense here
#~ msgid "Old"
#~ msgstr "Stary"
"""


def test_translations_only_plural_forms_once_fuzzy_and_obsolete_left_out() -> None:
    found = parse(CATALOGUE, "x.po")
    assert found.text == 'Tak\n%d plik\n%d pliki\nDwie\n"części"\t\\\n'
    assert (found.language, found.messages) == ("pl", 4)


def test_the_path_names_the_language_when_the_header_does_not() -> None:
    entry = 'msgid "a"\nmsgstr "b"\n'
    assert parse(entry, "django/conf/locale/zh_Hans/LC_MESSAGES/django.po").language == "zh_Hans"
    assert parse(entry, "x/locale/sr@latin/LC_MESSAGES/y.po").language == "sr@latin"
    assert parse(entry, "messages.po").language is None


def test_a_catalogue_of_the_original_language_gives_its_originals() -> None:
    source = 'msgid "Yes"\nmsgstr ""\n\nmsgid "No"\nmsgstr ""\n'
    assert parse(source, "locale/en/x.po").text == "Yes\nNo\n"
    assert parse(source, "locale/fr/x.po").text == ""


def test_the_charset_is_that_of_the_header() -> None:
    assert charset(b'"Content-Type: text/plain; charset=ISO-8859-2\\n"') == "ISO-8859-2"
    assert charset(b"msgid") == "utf-8"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r")), min_size=1))
def test_whatever_was_written_is_read_back(messages: list[str]) -> None:
    def quoted(message: str) -> str:
        escaped = message.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return f'"{escaped}"'

    # Unicode has line separators that the format does not know, so the lines are the line feeds alone.
    source = "\n".join(f'msgid "{number}x"\nmsgstr {quoted(message)}\n' for number, message in enumerate(messages))
    wanted = [message for message in messages if any(map(str.isalpha, message))]
    assert parse(source, "x.po").text == "".join(message.strip("\n") + "\n" for message in wanted)


@given(st.text())
def test_no_text_breaks_it(source: str) -> None:
    parse(source, "x.po")
