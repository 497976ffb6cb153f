"""Languages: known sentences, py3langid itself as the oracle, a fastText model trained here, selection, bad input."""

# ruff: noqa: RUF001 - texts in other scripts

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from documents import in_batches
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import ModelError
from tamis.kernels.language_walk import walk as language_id_walk
from tamis.language_codes import TWO_LETTERS, language_code
from tamis.languages import packaged
from tamis.languages.identify import identify
from tamis.languages.samples import sample_words
from tamis.schemas import with_column
from tamis.shards import read_documents, read_json, read_table, write_table
from tamis.stages import language_id
from tamis.stages.language_id import Config, add_languages, select

SENTENCES = {
    "en": "The sieve lets the fine grains through and keeps the coarse ones, which the miller grinds again.",
    "de": "Das Sieb lässt die feinen Körner hindurch und hält die groben zurück, die der Müller nochmals mahlt.",
    "fr": "Le tamis laisse passer les grains fins et retient les gros, que le meunier moud encore une fois.",
    "ru": "Сито пропускает мелкие зёрна и задерживает крупные, которые мельник мелет ещё раз.",
    "el": "Το κόσκινο αφήνει τους λεπτούς κόκκους να περάσουν και κρατά τους χοντρούς.",
    "zh": "筛子让细小的颗粒通过，把粗大的颗粒留下，磨坊主再把它们磨一遍。",
    "ja": "ふるいは細かい粒を通し、粗い粒を残します。粉屋はそれをもう一度ひきます。",
    "th": "ตะแกรงปล่อยให้เมล็ดละเอียดผ่านไปและเก็บเมล็ดหยาบไว้ให้คนโม่บดอีกครั้ง",
    "ar": "يسمح الغربال للحبوب الدقيقة بالمرور ويحتفظ بالحبوب الخشنة التي يطحنها الطحان مرة أخرى.",
    "he": "הנפה מניחה לגרגרים הדקים לעבור ושומרת את הגסים, שהטוחן טוחן שוב.",
}

NOISE = """
.. code-block:: python

    >>> self.assertEqual(response.status_code, HTTP_200_OK)  # noqa
    <div class="row"><a href="https://example.org/a/b.html">x_y</a></div>
"""


def texts(values: list[str]) -> pa.Array:
    return pa.array(values, pa.large_string())


def sampled(text: str, limit: int = 1000) -> str:
    bounds, data = sample_words(texts([text]), limit)
    return data[bounds[0] : bounds[1]].tobytes().decode()


def test_known_sentences_get_their_language() -> None:
    languages, scores = identify(texts(list(SENTENCES.values())), Config())
    assert languages == list(SENTENCES)
    assert scores.dtype == np.float32
    assert ((scores > 0.4) & (scores <= 1)).all()


def test_code_around_a_sentence_does_not_change_its_language() -> None:
    noisy = [NOISE * 3 + sentence for sentence in SENTENCES.values()]
    assert identify(texts(noisy), Config())[0] == list(SENTENCES)


def test_sample_holds_words_only() -> None:
    text = "See :ref:`foo_bar` at http://a.b/c, don't (really) stop 12 times.\n\n<b>Ça va?</b> x=1 naïve"
    assert sampled(text) == "See at don't (really) stop times. Ça naïve"
    assert sampled(text, 50) == "See at don't (really) stop times. Ça naïve"[:50]


def test_sample_ends_at_the_limit_on_a_character() -> None:
    for limit in range(50, 60):
        assert sampled("é" * 100, limit) == "é" * limit
        assert sampled("word " * 100, limit) == ("word " * 100)[:limit]


def test_shouting_is_read_in_small_letters_and_letters_are_composed() -> None:
    assert sampled("THE SIEVE") == "the sieve"
    assert sampled("ÜBER DAS SIEB") == "über das sieb"
    assert sampled("e\u0301te\u0301") == "été"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(list(SENTENCES.values())) | st.text(max_size=60), min_size=1, max_size=6))
def test_labels_equal_py3langid_on_the_same_words(values: list[str]) -> None:
    from py3langid import langid

    from tamis.kernels.language_walk import walk

    oracle = _oracle()
    bounds, data = sample_words(texts(values), 300)
    model = packaged.model()
    best, score = walk(bounds, data, *model["arrays"])
    for row in range(len(values)):
        raw = data[bounds[row] : bounds[row + 1]].tobytes()
        if best[row] < 0:
            assert langid.visit_counts(oracle.tk_nextmove, oracle._rowbase, oracle.tk_output, raw) is None
            continue
        ranked = dict(oracle.rank(raw))
        label = model["labels"][best[row]]
        assert score[row] == pytest.approx(ranked[label], abs=2e-3)
        # Equal up to rounding: no other label is better by more than that.
        assert ranked[label] >= max(ranked.values()) - 1e-4


_ORACLE: list[object] = []


def _oracle():
    from py3langid import langid

    if not _ORACLE:
        _ORACLE.append(langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True))
    return _ORACLE[0]


@given(st.permutations(list(SENTENCES)))
@settings(max_examples=10, deadline=None)
def test_order_and_company_of_documents_do_not_matter(order: list[str]) -> None:
    alone = {code: identify(texts([SENTENCES[code]]), Config())[1][0] for code in order[:3]}
    languages, scores = identify(texts([SENTENCES[code] for code in order]), Config())
    assert languages == list(order)
    for code, score in alone.items():
        assert scores[order.index(code)] == score


@pytest.mark.parametrize("text", ["", " \n", "1234 5678", "\x00\x01\x02", "====", "😀😀", "f(x_1)", "."])
def test_texts_without_words_are_undecided(text: str) -> None:
    languages, scores = identify(texts([text]), Config())
    assert languages == ["und"]
    assert 0 <= scores[0] < 0.4


def test_every_row_gets_columns_and_code_is_undecided(make_documents) -> None:
    documents = make_documents(list(SENTENCES.values())[:3], kind=["prose", "code", "licence"])
    named = add_languages(documents, Config())
    assert named["language"].to_pylist() == ["en", "und", "fr"]
    assert named["language_score"].to_pylist()[1] == 0
    assert add_languages(documents.slice(0, 0), Config()).num_rows == 0
    kept, dropped = select(named, Config())
    assert (kept.num_rows, dropped.num_rows) == (3, 0)


LABELS = {"en": "__label__eng_Latn", "de": "__label__deu_Latn", "zh": "__label__cmn_Hani"}


def trained(folder: Path) -> str:
    """The path of a fastText model for three languages."""
    import fasttext

    lines = [f"{label} {SENTENCES[code]}" for code, label in LABELS.items()] * 50
    (folder / "train.txt").write_text("\n".join(lines), encoding="utf-8")
    # With one thread fastText leaves nine tenths of its matrix as the memory was; 38 MB always come fresh and zeroed.
    model = fasttext.train_supervised(
        str(folder / "train.txt"), dim=16, epoch=20, lr=0.1, minn=2, maxn=3, bucket=600_000, thread=1, verbose=0
    )
    path = str(folder / "model.bin")
    model.save_model(path)
    return path


NEIGHBOURS = {
    "yue": "我哋今日去咗街市買餸，啲菜好新鮮，但係貴咗好多。你識唔識煮呢味嘢食？佢話唔使加鹽。",
    "zh": "sieve 一個篩選記錄的指令。 更多資訊：。 篩選檔案： 檔案 將結果寫入檔案： -o 檔案",
    "ckb": "کوردستان وڵاتێکی شاخاوییە و خەڵکەکەی بە زمانی کوردی قسە دەکەن. لە بەهاردا گوڵەکان دەکرێنەوە.",
    "sdh": "کرماشان شارێگە لە ڕوژئاوای ئێران. مەردم ئێ شارە وە زوان کوردی قسیە کەن. ماڵ ئیمە نزیک کۊیەگەس و دۊر نیە.",
    "hsb": "Serbja su zapadosłowjanski lud, kotryž bydli we Łužicy. Wuknjemy w šuli hornjoserbsku rěč a spěwamy. Přećelojo přińdu jutře z Budyšina.",
    "dsb": "My wuknjomy w šuli dolnoserbsku rěc a spiwamy rědne spiwy. Źinsa jo rědne wjedro a źiśi graju. Łužyca jo śopła.",
    "hsb, a short sentence": "Derje so wě, zo dźěći rady w zahrodźe hrajkaja.",
    "pl": "Łużyczanie mieszkają w Niemczech. W szkole uczymy się języka polskiego, a jutro przyjadą Dvořák i goście.",
}
"""Texts that the packaged model takes for Cantonese, Southern Kurdish, Polish or Czech, and what they are."""


def test_neighbours_that_the_packaged_model_takes_for_one_another() -> None:
    bounds, data = sample_words(texts(list(NEIGHBOURS.values())), 1000)
    model = packaged.model()
    best, _ = language_id_walk(bounds, data, *model["arrays"])
    assert [model["labels"][one] for one in best] == ["yue", "yue", "sdh", "sdh", "cs", "pl", "pl", "pl"]
    assert identify(texts(list(NEIGHBOURS.values())), Config())[0] == [name.partition(",")[0] for name in NEIGHBOURS]


OTHER_SCRIPTS = {
    "yue": ("zh", "鉴于为咗使人类唔至迫不得已铤而走险对暴政同埋迫害进行反叛，有必要使人权受到法治嘅保护，"),
    "az": (
        "tt",
        "Азәрбајҹан дили түрк дилләриндән биридир. Ушаглар мәктәбә ҝедирләр вә ҝүнортадан сонра евә гајыдырлар.",
    ),
    "tk": ("tt", "Гыз ве оглан мекдебе билен обаның арасындакы ёлдан гелйәрлер, хер гүн гитап үчин."),
    "ug": ("uz", "Balilar mektepke baridu we kitab oquydu, shuning üchün ular xushal bolidu."),
    "sa": ("zxx", "𑌰𑌾𑌮𑌃 𑌵𑌨𑌂 𑌗𑌚𑍍𑌛𑌤𑌿"),
    "mn": ("am", "ᠰᠠᠢᠨ ᠪᠠᠢᠨᠠ ᠤᠤ ᠨᠠᠢᠵᠠ ᠮᠢᠨᠢ"),
    "el": (
        "grc",
        "Τὸ πρωὶ τὰ παιδιὰ δὲν ἤθελαν νὰ πᾶνε στὸ σχολεῖο, γιατὶ θὰ ἔβρεχε καὶ στὴν αὐλὴ δὲν μποροῦσαν νὰ παίξουν.",
    ),
}
"""Texts in another script than most of their language, and what the packaged model takes them for."""


def test_languages_in_a_script_that_the_packaged_model_has_not_seen_them_in() -> None:
    bounds, data = sample_words(texts([text for _, text in OTHER_SCRIPTS.values()]), 1000)
    model = packaged.model()
    best, _ = language_id_walk(bounds, data, *model["arrays"])
    assert [model["labels"][one] for one in best] == [taken for taken, _ in OTHER_SCRIPTS.values()]
    assert identify(texts([text for _, text in OTHER_SCRIPTS.values()]), Config())[0] == list(OTHER_SCRIPTS)
    neighbours = {
        "ky": "Кыз менен бала мектептен айылга чейинки жол менен келе жатышат, ар бир күн китеп үчүн.",
        "uz": "Bolalar har kuni ertalab maktabga borishadi, chunki u yerda ko‘p kitob bor.",
        "am": "ልጆቹ በየቀኑ ጠዋት ወደ ትምህርት ቤት ይሄዳሉ።",
        "zh": "今天天气很好，他们说不去市场买东西，我就自己去了，顺便买一些水果回来。",
        "grc": "Ἐν ἀρχῇ ἦν ὁ λόγος, καὶ ὁ λόγος ἦν πρὸς τὸν θεόν, καὶ θεὸς ἦν ὁ λόγος. οὗτος ἦν ἐν ἀρχῇ πρὸς τὸν θεόν.",
    }
    assert identify(texts(list(neighbours.values())), Config())[0] == list(neighbours)


def test_packaged_labels_are_those_of_the_model() -> None:
    given = {language_code(label) for label in packaged.model()["labels"]}
    assert given | {"ckb", "dsb", "hsb"} == packaged.PACKAGED | {"und"}


def test_a_catalogue_is_in_the_language_that_it_says(make_documents) -> None:
    said = ['{"language": "sr@latin"}', '{"language": "English"}', None, '{"language": "nb_NO"}', '{"language": "CSV"}']
    documents = make_documents(
        [SENTENCES["de"]] * 5, kind=["catalogue", "catalogue", "catalogue", "prose", "catalogue"], metadata=said
    )
    named = add_languages(documents, Config(undecided_below=0.9))
    assert named["language"].to_pylist() == ["sr", "de", "de", "de", "de"]
    assert named["language_score"].to_pylist()[0] == 1.0
    # Kinds that are not looked at stay undecided.
    named = add_languages(documents, Config(applies_to=("prose",)))
    assert named["language"].to_pylist() == ["und", "und", "und", "de", "und"]


NORWEGIAN = (
    "Jeg vet ikke hva jeg skal gjøre i morgen, men vi kan gå en tur i skogen hvis været blir bra.",
    "Eg veit ikkje kva eg skal gjere i morgon, men me kan gå ein tur i skogen om vêret vert bra. Ho er heime hjå mor si.",
)


@pytest.mark.parametrize(("code", "kept"), [("nb", [True, False]), ("nn", [False, True]), (False, [True, True])])
def test_codes_hold_for_macrolanguages_and_members(make_documents, code, kept) -> None:
    # The model says `no` for Bokmål; and YAML reads `no` as false.
    named = add_languages(make_documents(list(NORWEGIAN)), Config())
    assert named["language"].to_pylist() == ["no", "nn"]
    stay, _ = select(named, Config(keep_languages=(code,)))
    assert named.filter(pa.array(kept))["id"].to_pylist() == stay["id"].to_pylist()


def test_a_code_that_the_model_gives_is_no_wider(make_documents) -> None:
    labels = ["zh", "yue", "wuu", "ar", "arz", "ku", "ckb", "no", "nn", "sr", "hr"]
    named = add_languages(make_documents([f"Text {one}." for one in labels]), Config())
    for name, values in (("language", labels), ("language_score", np.full(len(labels), 0.9, np.float32))):
        named = with_column(named, name, pa.array(values))
    for code, kept in (
        ("yue", {"yue"}),
        ("arz", {"arz"}),
        ("ckb", {"ckb"}),
        ("hr", {"hr"}),
        ("zh", {"zh", "yue", "wuu"}),
        ("sh", {"sr", "hr"}),
        # Of those that it does not give, texts may stand under the macrolanguage.
        ("nan", {"zh"}),
        ("nb", {"no"}),
    ):
        stay, _ = select(named, Config(keep_languages=(code,)))
        assert set(stay["language"].to_pylist()) == kept
    # Where all get one label, none of them is given.
    stay, _ = select(named, Config(keep_languages=("nn",), macrolanguages=("no",)))
    assert set(stay["language"].to_pylist()) == {"no", "nn"}


def test_languages_of_a_macrolanguage_get_its_label(make_documents) -> None:
    named = add_languages(make_documents(list(NORWEGIAN)), Config(macrolanguages=("no",)))
    assert named["language"].to_pylist() == ["no", "no"]


def test_a_language_that_the_model_never_gives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"keep_languages: the model never gives tlh.*it gives .* zu"):
        Config(keep_languages=("en", "tlh"))
    Config(keep_languages=("en", "und", "ckb"))
    model = trained(tmp_path)
    Config(model=model, keep_languages=("en",)).check_files("language_id")
    with pytest.raises(ModelError, match=r"language_id\.keep_languages: the model never gives fr"):
        Config(model=model, keep_languages=("fr",)).check_files("language_id")


def test_keep_languages_and_min_score_drop_with_reason(make_documents) -> None:
    documents = make_documents(list(SENTENCES.values())[:3], kind=["prose", "code", "licence"])
    named = add_languages(documents, Config())
    kept, dropped = select(named, Config(keep_languages=("de",)))
    # Code is not looked at and stays.
    assert kept["id"].to_pylist() == [documents["id"][1].as_py()]
    assert dropped["reason"].to_pylist() == ["language_not_kept"] * 2
    low = named.set_column(
        named.column_names.index("language_score"), "language_score", pa.array([0.5, 0, 0.7], pa.float32())
    )
    kept, dropped = select(low, Config(min_score=0.65, keep_languages=("en", "fr")))
    assert dropped.select(["reason", "value", "threshold"]).to_pylist() == [
        {"reason": "language_score_low", "value": 0.5, "threshold": 0.65}
    ]


def test_run_writes_documents_ledger_and_counts(make_documents, tmp_path: Path) -> None:
    write_table(tmp_path / "in.parquet", make_documents(list(SENTENCES.values())))
    language_id.run_apply(
        Config(keep_languages=("en", "th")),
        shard=0,
        documents=tmp_path / "in.parquet",
        kept=tmp_path / "kept.parquet",
        dropped=tmp_path / "dropped.parquet",
        stats=tmp_path / "stats.json",
    )
    assert read_documents(tmp_path / "kept.parquet")["language"].to_pylist() == ["en", "th"]
    assert read_table(tmp_path / "dropped.parquet").num_rows == 8
    notes = read_json(tmp_path / "stats.json")["notes"]
    assert notes == {f"language_{code}": 1 for code in SENTENCES}


def test_files_do_not_depend_on_what_is_read_at_once(make_documents, tmp_path: Path) -> None:
    kinds = ["prose", "code", "maths", "licence", "prose"] * 6
    documents = make_documents([*SENTENCES.values()] * 3, kind=kinds)
    write_table(tmp_path / "in.parquet", documents)

    def apply(folder: Path) -> dict[str, bytes]:
        paths = {name: folder / name for name in ("kept", "dropped", "stats")}
        config = Config(keep_languages=("en", "de", "zh", "ar", "und"))
        language_id.run_apply(config, shard=0, documents=tmp_path / "in.parquet", **paths)
        return {name: path.read_bytes() for name, path in paths.items()}

    whole = apply(tmp_path / "whole")
    with in_batches(documents):
        assert apply(tmp_path / "batches") == whole
    notes = read_json(tmp_path / "whole" / "stats")["notes"]
    assert sum(notes.values()) == 30
    assert notes["language_und"] == 6
    assert 6 < read_table(tmp_path / "whole" / "kept").num_rows < 30


def test_fasttext_model_is_used_when_given(tmp_path: Path) -> None:
    path = trained(tmp_path)
    values = [SENTENCES[code].replace(" ", "\n", 1) for code in LABELS]
    languages, scores = identify(texts([*values, "1234"]), Config(model=path, undecided_below=0.3))
    assert languages == ["en", "de", "zh", "und"]
    assert (scores[:3] > 0.34).all()
    assert (scores <= 1).all()
    assert scores[3] == 0


def test_missing_or_damaged_model_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        identify(texts(["a"]), Config(model=str(tmp_path / "none.bin")))
    (tmp_path / "bad.bin").write_bytes(b"no model")
    with pytest.raises(ModelError, match="fastText model"):
        identify(texts(["a"]), Config(model=str(tmp_path / "bad.bin")))


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("en", "en"),
        ("__label__en", "en"),
        ("__label__eng_Latn", "en"),
        ("cmn_Hani", "zh"),
        ("zh-Hans", "zh"),
        ("arb_Arab", "ar"),
        ("yue_Hani", "yue"),
        ("nob_Latn", "nb"),
        ("zxx", "und"),
        ("und_Latn", "und"),
        ("gsw", "gsw"),
        ("ger", "de"),
        ("fil_Latn", "tl"),
        ("mo", "ro"),
    ],
)
def test_labels_of_all_models_become_one_code(label: str, code: str) -> None:
    assert language_code(label) == code


def test_codes_that_cldr_calls_an_alias_are_one_language() -> None:
    from babel.core import get_global

    # Of languages that have a code of two letters; Tagalog is named by it, Twi and Serbo-Croatian are kept apart.
    ours = {"fil": "tl", "tl": "tl", "tgl": "tl", "tw": "tw", "twi": "tw", "bh": "bho", "bih": "bho"}
    theirs = {old: new for old, new in get_global("language_aliases").items() if old.isalpha() and len(new) == 2}
    assert len(theirs) > 200
    assert {old: language_code(old) for old in (*theirs, *ours)} == theirs | ours


def test_codes_are_well_formed() -> None:
    assert all(len(three) == 3 and len(two) == 2 for three, two in TWO_LETTERS.items())
    assert len(set(TWO_LETTERS.values())) >= 180
    from datatrove.utils._import_utils import ASSETS_PATH

    rows = [line.split(",") for line in (Path(ASSETS_PATH) / "tokenizer_assignment.csv").read_text().splitlines()[1:]]
    theirs = {row[0]: row[1] for row in rows if len(row[1]) == 2}
    wrong = {three: (two, theirs[three]) for three, two in TWO_LETTERS.items() if theirs.get(three, two) != two}
    assert not wrong
