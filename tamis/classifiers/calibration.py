"""The texts by which activations of an encoder are measured before its layers are made integers (`int8.py`).

They are part of the program and not of the corpus, so that scales depend on the weights alone: a run over other
documents has the same, and kept embeddings stay good. They are of many sorts on purpose, because a channel
that no text here moves is cut off where a document moves it: prose of several registers and scripts, code, formulas,
markup, tables, menus, numbers, noise.
"""
# ruff: noqa: RUF001

from __future__ import annotations

TEXTS = (
    (
        "The bridge across the estuary was closed to traffic on Monday after engineers found cracks in two of its "
        "piers. Ferries will run every forty minutes until the repairs are finished, the council said, which may "
        "take until spring."
    ),
    (
        "She put the letter back into its envelope and did not speak. Outside, a cart went by; somebody laughed. "
        '"You knew," he said at last, "and you let me go there all the same."'
    ),
    (
        "We measured the decay of 412 samples at 77 K and found a lifetime of 3.1 ± 0.2 ms, in agreement with "
        "earlier work (Table 2). The quantum yield, however, falls below 5 % as soon as oxygen is admitted."
    ),
    (
        "def merge(left, right):\n    result, i, j = [], 0, 0\n    while i < len(left) and j < "
        "len(right):\n        if left[i] <= right[j]:\n            result.append(left[i]); i += 1\n        "
        "else:\n            result.append(right[j]); j += 1\n    return result + left[i:] + right[j:]"
    ),
    (
        "#include <stdio.h>\n\nint main(int argc, char **argv)\n{\n\tfor (int i = 1; i < argc; ++i)\n\t\t"
        'printf("%d: %s\\n", i, argv[i]);\n\treturn argc > 1 ? 0 : 1;\n}'
    ),
    (
        "Let $G$ be a finite group and $p$ a prime that divides $|G|$. Then $G$ has an element of order $p$. "
        "Proof. \\begin{align} \\sum_{g \\in G} \\chi(g)\\overline{\\psi(g)} &= |G| \\delta_{\\chi\\psi} \\\\ "
        "\\int_0^1 x^n \\, dx &= \\frac{1}{n+1} \\end{align}"
    ),
    (
        "Home | About us | Products | Contact | Log in\nAccept all cookies\nShare on Facebook\nSubscribe to our "
        "newsletter!!!\n© 2019 All rights reserved. Privacy policy. Terms of use. Back to top"
    ),
    (
        '<div class="row"><a href="https://example.org/item?id=42&amp;ref=nav">Read more</a><img src="/img/a.png" '
        'alt=""></div><script>var x = {"a": [1, 2, 3]};</script>'
    ),
    "lol u coming 2nite?? cant w8 :) txt me bk xx",
    "FREE!!! You have WON a $1000 gift card. Call 0900 123 456 NOW to claim your prize. T&C apply, 18+ only.",
    (
        "Ingredients: 250 g flour, 2 eggs, a pinch of salt, 300 ml milk. 1. Beat the eggs. 2. Add the flour "
        "slowly. 3. Let the batter rest for half an hour, then fry thin pancakes in butter."
    ),
    (
        "This was, without a doubt, the worst film I have seen in years: wooden acting, a plot full of holes and a "
        "score that never stops. Save your money."
    ),
    "A wonderful little hotel! The staff were kind, breakfast was excellent, and we will certainly come back.",
    (
        "SECTION 4. (a) The lessee shall not assign this agreement without the prior written consent of the "
        "lessor, which consent shall not be unreasonably withheld. (b) Any notice under paragraph (a) shall be "
        "given within thirty days."
    ),
    (
        "Permission is granted to use, copy and change this software for any purpose, provided that this notice "
        'appears in all copies. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND.'
    ),
    (
        "Q: How many litres does a tank of 2 m by 1.5 m by 80 cm hold?\nA: 2 × 1.5 × 0.8 = 2.4 cubic metres, and a "
        "cubic metre is 1,000 litres, so it holds 2,400 litres. Therefore the answer is 2,400."
    ),
    (
        "| name | 2021 | 2022 | 2023 |\n|---|---|---|---|\n| north | 1,204 | 1,377 | 990 |\n| south | 88 | 91 | "
        "105 |\n| total | 1,292 | 1,468 | 1,095 |"
    ),
    (
        "2024-03-01T12:00:07Z ERROR worker-17 connection to 10.0.4.21:5432 refused (attempt 3/5), retrying in 8s\n"
        'Traceback (most recent call last):\n  File "app/db.py", line 88, in connect'
    ),
    (
        "Der Antrag ist schriftlich bei der zuständigen Behörde einzureichen. Über ihn wird innerhalb von drei "
        "Monaten entschieden; § 12 Absatz 2 gilt entsprechend. Gegen den Bescheid kann Widerspruch erhoben werden."
    ),
    (
        "Il pleuvait depuis trois jours quand les voisins décidèrent enfin d'ouvrir la vanne. « Ce n'est pas trop "
        "tôt », dit le garde, et il remonta vers l'écluse sans se retourner."
    ),
    (
        "El ayuntamiento aprobó ayer el nuevo plan de transporte, que prevé más autobuses por la noche y carriles "
        "para bicicletas en toda la avenida. ¿Cuánto costará? Nadie lo sabe todavía."
    ),
    "Ночью выпал снег, и дорога к станции исчезла. Мы шли молча, один за другим, пока не увидели огни посёлка.",
    "春天到了,河边的柳树开始发芽。孩子们在草地上放风筝,老人坐在长椅上聊天。研究人员发表了一种新的算法,可以更快地找到重复的文本。",
    "駅前の小さな喫茶店は、今日も静かだった。新しいソフトウェアをインストールするには、次の手順に従ってください。",
    "اجتمع المجلس صباح أمس لمناقشة الميزانية الجديدة، ولم يصل الأعضاء إلى اتفاق حتى الآن.",
    "यह पुस्तक गाँव के जीवन के बारे में है। लेखक ने सरल भाषा में लिखा है।",
    "서울의 지하철은 매일 수백만 명의 승객을 실어 나른다. 새 노선은 내년에 개통될 예정이다.",
    "Yazılım güncellendi. Πού βρίσκεται ο σταθμός; Czy mogę prosić o rachunek? Hvor går toget til Bergen?",
    "0.1 0.25 17 42 1e-9 3.14159 2.71828 -1 +5 1000000 99.9% 0x7f 12/05/1998 555-0199 7 7 7 7 7 7",
    "the the the the the and and and of of of to to in a a a is is it it . . . , , , ; : ! ? ( ) [ ] { }",
    ("qx zzv k3j8 aGVsbG8gd29ybGQ= 9f86d081884c7d659a2feaa0c55ad015 %20%3F ~~~ ^^^ *** @@@ $$$ \\\\\\ ||| <<< >>>"),
    "😀 🎉 ✅ ★ → ∑ ∞ ≤ 𝛼 ﬁ ½ ™ ¶ † ‹ › „ “ … — ☕ 👍👍👍",
    (
        "SELECT name, count(*) FROM orders JOIN users USING (user_id) WHERE total > 100 GROUP BY 1 HAVING count(*) "
        ">= 3 ORDER BY 2 DESC LIMIT 10;"
    ),
    (
        "In 1887 the young botanist left Leiden for Java, where he described some two hundred species of orchids. "
        "His collection, long thought lost, was found in 1954 in the attic of a school (see also: Herbarium; Plant "
        "taxonomy)."
    ),
    (
        "Because both numbers are odd, we may write them as 2a + 1 and 2b + 1. Their product is 4ab + 2a + 2b + 1, "
        "which is odd. Hence, if a product is even, at least one of its factors must be even, which was to be "
        "shown."
    ),
    "I hate people like you, you are all stupid and nobody wants you here. Go away and never come back!",
    "",
    "a",
)
"""38 texts, written for this purpose."""
