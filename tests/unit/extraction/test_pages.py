"""What becomes of a page's text: encodings, structure, scripts, and what the page says of itself."""

# ruff: noqa: RUF001 - texts in other scripts

from __future__ import annotations

import codecs

import numpy as np
import pytest
from resiliparse.parse.html import HTMLTree
from web_pages import ENGLISH, page, paragraphs

from tamis.extraction import Extraction, Page, Refused, charset, pages
from tamis.extraction.chosen import text_of as text_of_lines
from tamis.extraction.chosen import with_headline, with_rows_between
from tamis.extraction.formulas import to_tex
from tamis.extraction.lines import lines_of, whole_text
from tamis.extraction.pages import extract

EXTRACTORS = ("cascade", "lines", "resiliparse", "trafilatura")
BOILERPLATE = (
    "Careers",
    "cookies",
    "Accept all",
    "Most read",
    "Fish prices",
    "Privacy policy",
    "rights reserved",
    "tracked",
)


def text_of(html: str | bytes, extractor: str | None = None, **more: str | None) -> Page:
    data = html.encode() if isinstance(html, str) else html
    settings = Extraction() if extractor is None else Extraction(extractor=extractor)
    found = extract(data, url=more.get("url"), charset=more.get("charset"), settings=settings)
    assert isinstance(found, Page), found
    return found


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_the_article_is_taken_and_what_stands_around_it_is_not(extractor: str) -> None:
    text = text_of(page(paragraphs()), extractor).text
    assert all(one in text for one in ENGLISH)
    assert not [one for one in BOILERPLATE if one in text]


def test_the_cascade_takes_the_rules_where_little_is_expected_of_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    # They differ in the bullets of a list.
    html = page(paragraphs(), f"<ul><li>{ENGLISH[0]}</li><li>{ENGLISH[1]}</li></ul>", paragraphs(*ENGLISH[2:]))
    lines, rules = text_of(html, "lines").text, text_of(html, "resiliparse").text
    assert lines != rules
    assert text_of(html, "cascade").text == lines
    monkeypatch.setattr(pages, "UNSURE", 1.01)
    assert text_of(html, "cascade").text == rules
    # Their time is the square of the depth: they are not asked about pages of very many tags.
    assert text_of(html + "<i></i>" * 10_000, "cascade").text == lines


def test_title_language_and_own_address_are_kept() -> None:
    found = text_of(page(paragraphs(), language="en-GB", title="Boats &amp;\n harbours"))
    assert (found.title, found.language_hint, found.canonical) == (
        "Boats & harbours",
        "en-GB",
        "https://news.example/boats",
    )
    bare = text_of(f"<p>{ENGLISH[0]}</p><p>{ENGLISH[1]}</p>")
    assert (bare.title, bare.language_hint, bare.canonical) == (None, None, None)


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("/boats", "https://news.example/boats"),
        ("javascript:alert(1)", None),
        ("http://[bad", None),
        ("", None),
        ("//other.example/x", "https://other.example/x"),
    ],
)
def test_an_address_that_is_none_is_not_taken(canonical: str, expected: str | None) -> None:
    html = page(paragraphs()).replace("https://news.example/boats", canonical)
    assert text_of(html, url="https://news.example/a/b").canonical == expected


GERMAN = "Der Hafen lag früh am Morgen ruhig da, und keines der Boote war bisher vom großen Meer zurückgekehrt."
RUSSIAN = "Ранним утром гавань была тиха, и ни одна из лодок ещё не вернулась с моря, где всю ночь дул ветер."
JAPANESE = "早朝の港は静かで、海から戻ってきた船は一隻もなかった。一晩中待っていた人々は次々と家に帰った。"
KOREAN = "이른 아침의 항구는 고요했고, 밤새 바람이 불던 바다에서 돌아온 배는 아직 한 척도 없었다. 뷁."
UKRAINIAN = "Рано-вранці гавань була тиха, і жоден із човнів ще не повернувся з моря, де всю ніч віяв вітер її."
ITALIAN = "Di mattina presto il porto era quieto, e nessuna delle barche era tornata: così disse il più vecchio."


@pytest.mark.parametrize(
    ("text", "encoding", "declared", "header"),
    [
        (GERMAN, "utf-8", "utf-8", None),
        # Declared wrongly, in the page and by the server.
        (GERMAN, "utf-8", "iso-8859-1", "iso-8859-1"),
        (GERMAN, "latin-1", "utf-8", None),
        (GERMAN, "latin-1", "utf-8", "iso-8859-1"),
        (RUSSIAN, "cp1251", "windows-1251", None),
        (RUSSIAN, "koi8-r", "", "koi8-r"),
        (RUSSIAN, "cp1251", "", None),
        (JAPANESE, "shift_jis", "Shift_JIS", None),
        (JAPANESE, "euc_jp", "utf-8", None),
        (JAPANESE, "utf-16", "utf-8", None),
        (JAPANESE, "utf-8-sig", "shift_jis", "no-such-encoding"),
        # Resiliparse's guess is UTF-8, or KOI8-R.
        (KOREAN, "cp949", "", None),
        (KOREAN, "cp949", "euc-kr", None),
        (KOREAN[:30], "euc_kr", "utf-8", "utf-8"),
        (JAPANESE, "iso2022_jp", "", None),
        (JAPANESE, "iso2022_jp", "utf-8", None),
        (UKRAINIAN, "koi8-u", "", None),
        (UKRAINIAN, "koi8-u", "koi8-r", None),
        (ITALIAN, "cp1252", "", None),
        (
            "The boats weren\u2019t back \u2013 so the harbour was quiet, they say, and nobody knew why.",
            "cp1252",
            "",
            None,
        ),
    ],
)
def test_characters_are_read_whatever_the_encoding(text: str, encoding: str, declared: str, header: str | None) -> None:
    html = page(paragraphs(text, text), charset=declared)
    found = text_of(html.encode(encoding, "xmlcharrefreplace"), charset=header)
    assert text in found.text
    assert codecs.lookup(found.charset)


def test_a_damaged_byte_and_a_cut_character_do_not_change_the_encoding() -> None:
    data = page(paragraphs(JAPANESE * 30)).encode()
    found = text_of(data[: data.index(JAPANESE.encode()) + len(JAPANESE.encode()) * 5 - 1])
    assert found.charset == "utf-8"
    assert JAPANESE in found.text
    damaged = data.replace("静".encode(), b"\xff", 1)
    assert JAPANESE in text_of(damaged).text


def test_what_fits_no_encoding_better_stays_utf_8() -> None:
    # Damaged in a third of its words, it is more UTF-8 than anything; noise is nothing else either.
    damaged = (
        page(paragraphs(*(KOREAN + ITALIAN,) * 4)).encode().replace("고".encode(), b"\xff").replace(b" a", b" \xe9")
    )
    assert charset.decoded(damaged, None)[1] == "utf-8"
    assert charset.decoded(bytes(range(128, 256)) * 3, None)[1] == "utf-8"


@pytest.mark.parametrize("title", ["ПРИСТАНИЩЕТО БЕШЕ ТИХО РАНО СУТРИНТА", "ОПШТА ДЕКЛАРАЦИЈА ЗА ПРАВАТА НА ЧОВЕКОТ"])
def test_a_short_line_of_capitals_in_cyrillic_is_read(title: str) -> None:
    assert charset.decoded(f"<p>{title}</p>".encode("cp1251"), None) == (f"<p>{title}</p>", "cp1251")


def test_boxes_in_koi8_r_stay_boxes() -> None:
    html = page(paragraphs(RUSSIAN), "<pre>╓─┐ ╢</pre>").encode("koi8-r", "ignore")
    assert "╓─" in charset.decoded(html, "koi8-r")[0]


def test_code_keeps_its_lines_and_indentation() -> None:
    code = "def weigh(fish):\n    if fish.heavy < 3 and fish.alive:\n        return None\n\n    return [fish]"
    html = code.replace("&", "&amp;").replace("<", "&lt;")
    for inner in (
        html,
        f"<code class='language-python'>{html}\n</code>",
        html.replace("def", "<span class=k>def</span>"),
    ):
        assert code in text_of(page(paragraphs(*ENGLISH[:2]), f"<pre>{inner}</pre>", paragraphs(*ENGLISH[2:]))).text


def test_a_heading_that_nothing_stands_under_is_left_out_at_the_end() -> None:
    def all_of(html: str) -> str:
        lines = lines_of(whole_text(HTMLTree.parse(html)))
        assert lines is not None
        return text_of_lines(lines, np.ones(len(lines.starts), bool))

    assert (
        all_of("<h1>A</h1><h2>B</h2><p>One.</p><h2>C</h2><p>Two.</p><h2>D</h2><h3>E</h3>")
        == "A\n\nB\n\nOne.\n\nC\n\nTwo."
    )
    assert all_of("<h1>Only</h1><h2>headings</h2>") == "Only\n\nheadings"


def test_tables_keep_rows_and_cells() -> None:
    rows = [("Year", "Boats", "Catch in tonnes"), ("2021", "41", "1,204"), ("2022", "", "1,377"), ("2023", "38", "990")]
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    text = text_of(page(paragraphs(), f"<table class='data'>{cells}</table>", paragraphs(*reversed(ENGLISH)))).text
    for row in rows:
        assert "\t".join(row) in text.split("\n")


def test_rows_between_kept_lines_are_kept_and_menus_are_not() -> None:
    rows = [f"<tr><td>{year}</td><td>{year * 7 % 90}</td></tr>" for year in range(2000, 2005)]
    links = [f"<tr><td><a href='/{name}'>{name}</a></td><td><a href='/x'>more</a></td></tr>" for name in "abcde"]
    html = f"<p>One.</p><table>{''.join(rows)}</table><p>Two.</p><table>{''.join(links)}</table><p>Three.</p>{rows[0]}"
    lines = lines_of(whole_text(HTMLTree.parse(html)))
    assert lines is not None
    said = np.array([lines.shown(i).strip().endswith(".") for i in range(len(lines.starts))])
    assert with_rows_between(said, lines.own).tolist() == [True] * 7 + [False] * 5 + [True] + [False] * 1
    far = np.zeros(len(said), bool)
    far[0] = far[-1] = True
    assert with_rows_between(far, lines.own).tolist() == far.tolist()
    assert not with_rows_between(np.zeros(len(said), bool), lines.own).any()


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ("<h1>News</h1><h1>Boats</h1><p>by me</p>", "Boats"),
        ("<h1><a href='/'>News</a></h1><p>by me</p>", None),
        ("<h2>Boats</h2>", None),
        ("<h1>Boats</h1>" + "<p>menu</p>" * 8, None),
        ("<h1>Boats</h1>" + "<p>menu</p>" * 7, "Boats"),
    ],
)
def test_the_headline_above_the_text_is_kept(above: str, expected: str | None) -> None:
    lines = lines_of(whole_text(HTMLTree.parse(f"{above}<p>One.</p><p>Two.</p><h1>More</h1>")))
    assert lines is not None
    shown = [lines.shown(i).strip() for i in range(len(lines.starts))]
    kept = np.array([one.endswith(".") for one in shown])
    added = [one for one, old, new in zip(shown, kept, with_headline(kept, lines.own), strict=True) if new and not old]
    assert added == ([expected] if expected else [])
    own = np.array([one in {"Two.", "More"} for one in shown])
    assert with_headline(own, lines.own).tolist() == own.tolist()
    assert not with_headline(np.zeros(len(shown), bool), lines.own).any()


def test_lists_keep_items_numbers_and_depth() -> None:
    items = [
        "Check the nets for holes before the boats go out.",
        "Carry the ice below deck, as much as fits.",
        "Wait for the tide.",
    ]
    listed = "".join(f"<li>{one}</li>" for one in items)
    html = page(
        paragraphs(),
        f"<ol>{listed}</ol>",
        paragraphs(ENGLISH[2]),
        f"<ul>{listed[:-5]}<ul><li>Or not, if the wind is right.</li></ul></li></ul>",
        paragraphs(*ENGLISH),
    )
    text = text_of(html).text
    assert "\n".join(f"{number}. {one}" for number, one in enumerate(items, 1)) in text
    assert "\n".join(f"- {one}" for one in items) + "\n  - Or not, if the wind is right." in text


def test_markup_that_is_text_stays_text() -> None:
    said = "An element &lt;b&gt; makes bold text, and &amp;amp; is how an ampersand is written in a page."
    assert "An element <b> makes bold text, and &amp; is how" in text_of(page(paragraphs(said, *ENGLISH))).text


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<math><semantics><mi>x</mi><annotation encoding="application/x-tex">x^2+1</annotation></semantics></math>', "$x^2+1$"),
        ('<math display="block" alttext="\\sum_i a_i"><mo>∑</mo></math>', "$$\\sum_i a_i$$"),
        ('<script type="math/tex">a &lt; b</script>', "$a &lt; b$"),
        ('<span class="MathJax_Preview">ab</span><script type="math/tex; mode=display">\\frac{a}{b}</script>', "$$\\frac{a}{b}$$"),
        ('<span class="katex"><span class="katex-mathml"><math><semantics><mi>e</mi><annotation encoding="application/x-tex">e^{i\\pi}</annotation></semantics></math></span><span class="katex-html" aria-hidden="true">eiπ</span></span>', "$e^{i\\pi}$"),
        ('<span class="mwe-math-element"><span style="display: none;"><math alttext="{\\displaystyle y_1}"><mi>y</mi></math></span><img class="mwe-math-fallback-image-inline" alt="{\\displaystyle y_1}"></span>', "$y_1$"),
        ('<img class="latex" src="/latex.php?latex=z" alt="\\sqrt{z}">', "$\\sqrt{z}$"),
        ("\\(u+v\\) and $w$", "\\(u+v\\) and $w$"),
        ("<math><mi>n</mi><mo>+</mo><mn>1</mn></math>", "$n+1$"),
    ],
)  # fmt: skip
def test_formulas_become_tex_once(markup: str, expected: str) -> None:
    text = text_of(
        page(paragraphs(ENGLISH[0], f"It is shown that {markup} holds for every harbour on this coast.", *ENGLISH[1:]))
    ).text
    line = next(line for line in text.split("\n") if "It is shown" in line)
    assert " ".join(line.split()) == f"It is shown that {expected} holds for every harbour on this coast."


SCRIPTS = {
    "ar": "كان الميناء هادئا في الصباح الباكر، ولم يكن أي من القوارب قد عاد من البحر بعد ليلة طويلة عاصفة.",
    "fa": "بندر در صبح زود آرام بود و هیچ‌یک از قایق‌ها هنوز از دریا بازنگشته بودند و مردم منتظر بودند.",
    "he": "הנמל היה שקט בשעת בוקר מוקדמת, ואף אחת מהסירות עוד לא חזרה מן הים אחרי לילה ארוך של רוח.",
    "hi": "सुबह-सुबह बंदरगाह शांत था और कोई भी नाव अब तक समुद्र से वापस नहीं आई थी, लोग प्रतीक्षा कर रहे थे।",
    "ta": "அதிகாலையில் துறைமுகம் அமைதியாக இருந்தது, கடலில் இருந்து எந்தப் படகும் இன்னும் திரும்பவில்லை.",
    "th": "ท่าเรือเงียบสงบในตอนเช้าตรู่ และยังไม่มีเรือลำใดกลับมาจากทะเลเลยหลังจากคืนที่ลมแรงยาวนาน",
    "zh": "清晨的港口十分安静，没有一艘船从海上回来。整夜等待的人们一个接一个地回家了，谁也没有多说什么。",
    "ja": JAPANESE,
    "ko": "이른 아침 항구는 조용했고, 바다에서 돌아온 배는 아직 한 척도 없었다. 사람들은 밤새 기다리고 있었다.",
    "el": "Το λιμάνι ήταν ήσυχο νωρίς το πρωί και κανένα από τα καράβια δεν είχε γυρίσει ακόμα από τη θάλασσα.",
    "am": "ወደቡ በማለዳ ጸጥ ያለ ነበር፣ ከጀልባዎቹም አንዳቸውም ከባህር አልተመለሱም ነበር። ሰዎች ሌሊቱን ሙሉ ይጠብቁ ነበር።",
    "ka": "ნავსადგური დილით ადრე წყნარი იყო და არც ერთი ნავი ჯერ არ დაბრუნებულიყო ზღვიდან გრძელი ღამის შემდეგ.",
}  # fmt: skip


@pytest.mark.parametrize("language", SCRIPTS)
def test_other_scripts_come_through(language: str) -> None:
    said = [f"{SCRIPTS[language]} {number}" for number in range(3)]
    text = text_of(page(paragraphs(*said), language=language)).text
    assert [one for one in said if one in text] == said
    assert "Privacy policy" not in text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no_main_content"),
        (b"   \n", "no_main_content"),
        (b"<html><script>x()</script></html>", "no_main_content"),
        (b"%PDF-1.7 ...", "not_html"),
        (b"\x89PNG\r\n\x1a\n", "not_html"),
        (b"\x1f\x8b\x08\0", "not_html"),
    ],
)
def test_what_holds_no_text_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    found = extract(data, url=None, charset=None, settings=Extraction())
    assert isinstance(found, Refused)
    assert found.reason == reason
    assert found.detail


def test_nothing_of_the_marks_is_left_in_a_text_that_holds_them() -> None:
    hostile = "".join(chr(0x10F000 + i) for i in range(0x130)) + "&#x10F004;" * 50
    text = text_of(page(paragraphs(hostile + ENGLISH[0], *ENGLISH[1:]))).text
    assert all(one in text for one in ENGLISH)
    assert not [one for one in text if ord(one) >= 0x10F000]


def test_a_headline_and_a_caption_that_the_page_shows_twice_are_said_once() -> None:
    def all_of(html: str) -> list[str]:
        lines = lines_of(whole_text(HTMLTree.parse(html)))
        assert lines is not None
        return text_of_lines(lines, np.ones(len(lines.starts), bool)).split("\n\n")

    article = "<p>Boats at sea</p><p>3 May</p><h1>Boats at sea</h1><p>One.</p><p>A pier.</p><p>A pier.</p><p>Two.</p>"
    assert all_of(article) == ["Boats at sea", "3 May", "One.", "A pier.", "Two."]
    assert all_of("<h1>Boats</h1><div>3 May<br>Boats</div><p>One.</p>") == ["Boats", "3 May", "One."]
    # The same words later are a chapter's; a paragraph, a verse, code, numbers and rows of a table say so themselves.
    far = "<h1>Boats</h1>" + "".join(f"<p>Paragraph {i}.</p>" for i in range(5)) + "<h2>Boats</h2><p>End.</p>"
    assert all_of(far).count("Boats") == 2
    long = "Boats go out at night. " * 12
    for block in (f"<p>{long}</p>" * 2, "<p>La la<br>La la</p>", "<p>1</p><p>1</p>", "<pre>x();</pre><pre>x();</pre>"):
        said = "\n".join(all_of(f"<p>Begin.</p>{block}<p>End.</p>"))
        inner = block.replace("<pre>", "<p>").split("<p>")[1].split("<")[0].strip()
        assert said.count(inner) == 2, block
    row = "<tr><td>Ice</td><td>4</td></tr>"
    assert all_of(f"<p>Begin.</p><table>{row}{row}</table><p>End.</p>")[1].count("Ice\t4") == 2


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        ("<mi>π</mi><msup><mi>r</mi><mn>2</mn></msup>", "$\\pi r^{2}$"),
        (
            "<mfrac><mrow><mi>a</mi><mo>−</mo><mn>1</mn></mrow><msqrt><msub><mi>b</mi><mi>i</mi></msub></msqrt></mfrac>",
            "$\\frac{a-1}{\\sqrt{b_{i}}}$",
        ),
        (
            "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>",
            "$\\sum_{i}^{n}\\sin x$",
        ),
        (
            "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr><mtr><mtd><mtext>5%</mtext></mtd></mtr></mtable>",
            "$\\begin{matrix} 1 & 0 \\\\ \\text{5\\%} \\end{matrix}$",
        ),
        ("<mroot><mi>x</mi><mn>3</mn></mroot><mover><mi>v</mi><mo>→</mo></mover>", "$\\sqrt[3]{x}\\vec{v}$"),
        # Content MathML says nothing of how it looks; what is too deep or too much stays as it is.
        ("<apply><ci>kept</ci></apply>", "kept"),
        ("<mrow>" * 5_000 + "<mi>kept</mi>", "kept"),
        ("<mi>k</mi>" * 60_000, "k" * 60_000),
    ],
)
def test_mathml_without_its_source_becomes_tex(mathml: str, tex: str) -> None:
    tree = HTMLTree.parse(f"<p>So <math>{mathml}</math></p>")
    to_tex(tree)
    assert " ".join(tree.body.text.split()) == f"So {tex}"
