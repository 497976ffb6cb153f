"""Words without which nobody writes a paragraph, by language: what `min_stop_words` looks for.

Gopher asks for two different ones of eight English words. The other lists are made alike: the most frequent articles,
prepositions, conjunctions and forms of "to be", in small letters, and no words of any subject. A text of fifty words
that has not two of them is a list, a table or in another language. Chinese and Japanese have single characters here,
because a character is a word there. Korean and other languages that join such words to nouns have no list, and pass.

tests/unit/heuristics/test_stop_words.py holds the lists against those of spaCy, and against prose of each language.
"""

# ruff: noqa: RUF001 - words in other scripts

from __future__ import annotations

STOP_WORDS: dict[str, tuple[str, ...]] = {
    language: tuple(words.split())
    for language, words in {
        "en": "the be to of and that have with",
        "af": "die van en in is het nie dat vir met",
        "ar": "في من على إلى أن عن ما لا التي الذي هذا هذه",
        "bg": "на и в за от с да се не са който",
        "ca": "de la el i en a els les que per amb",
        "cs": "a v na je se s z o do že k pro",
        "da": "og i at det en er til af som for på den",
        "de": "der die und in den von zu das mit ist im für des nicht",
        "el": "και το του η να της στην με για που είναι ο από την",
        "es": "de la que el en y a los del las por con una",
        "et": "ja on ei et see oma kui mis või ka",
        "fa": "و در به از که این را با است برای",
        "fi": "ja on ei että se hän joka tai kun ovat",
        "fr": "de la le et les des en un du une que est dans pour",
        "he": "של את על לא הוא כל עם זה או כי",
        "hi": "के में की है और को का से ने पर या",
        "hr": "i u je na se da za od su s ili",
        "hu": "a az és hogy nem is egy van meg vagy",
        "id": "yang dan di dengan untuk dari dalam ini itu pada",
        "it": "di e il la che in a per un del è non le della",
        "ja": "の に は を た が で と し れ",
        "lt": "ir yra kad į su iš ar tai bei kaip",
        "lv": "un ir ar no uz par kas vai ka pie",
        "ms": "yang dan di dengan untuk dari dalam ini itu pada",
        "nb": "og i det er en til av på for som den med",
        "nl": "de en het van een in is dat te op met voor",
        "nn": "og i det er ein til av på for som eit med",
        "no": "og i det er en til av på for som den med",
        "pl": "w i na z do się nie to że jest o dla od",
        "pt": "de a o que e do da em um para os com uma",
        "ro": "de și în a la cu pe un o care din să nu",
        "ru": "в и на не с что по к из за для от как он",
        "sk": "a v na je sa s z o do že k pre",
        "sl": "in v je na se da za so z ki ali",
        "sr": "i u je na se da za od su и у је на се да за од су",
        "sv": "och i att det en som är av på för den till med",
        "tr": "ve bir bu da de için ile olarak ne her",
        "uk": "в і на не з що та до у за від для як",
        "ur": "کے کی میں ہے اور کو سے کا نے پر",
        "vi": "và của là có các được trong một cho không những",
        "zh": "的 是 在 了 和 有 不 一 為 为 人 与",
    }.items()
}
"""Language (ISO 639-1) → at least eight words."""
