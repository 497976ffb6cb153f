"""Sentences of the test corpus: word lists and templates, and a small generator of our own.

Every text is put together from these lists, so nothing is copied from anywhere and the same seed gives the same bytes on
any version of Python. Made-up names and numbers keep 5-grams of different documents apart.
"""

# ruff: noqa: SIM905, RUF001 - word lists are read more easily as text, and Chinese has its own comma

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """SplitMix64: a stream of numbers that depends on the seed and on nothing else."""

    def __init__(self, *seed: object) -> None:
        self.state = 0x9E3779B97F4A7C15
        for character in "/".join(str(part) for part in seed):
            self.state = (self.state * 0x100000001B3 + ord(character)) & (2**64 - 1)
        self.below(2)

    def below(self, bound: int) -> int:
        """A number in [0, bound)."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        value = self.state
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
        return (value ^ (value >> 31)) % bound

    def between(self, low: int, high: int) -> int:
        """A number in [low, high]."""
        return low + self.below(high - low + 1)

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in another order."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def name(self) -> str:
        """A made-up name of two to four syllables: about 10 million different ones."""
        count = self.between(2, 4)
        return "".join(self.pick(_ONSETS) + self.pick(_RHYMES) for _ in range(count)).capitalize()


_ONSETS = "b br d dr f fl g gr h j k kl l m n p pr r s st t tr v w z".split()
_RHYMES = "a an ar e el en er i il in o ol on or u um ul ath eth ond est aren".split()

ENGLISH = {
    "noun": "harbour bridge canal library museum orchard lighthouse railway market quarry workshop observatory hospital "
    "theatre monastery reservoir vineyard foundry greenhouse archive embankment windmill granary tunnel pavilion college "
    "meadow glacier estuary aquifer volcano plateau forest wetland peninsula archipelago delta valley".split(),
    "plural": "farmers engineers sailors students weavers merchants teachers painters doctors carpenters geologists birds "
    "settlers travellers musicians gardeners miners chemists printers botanists letters maps instruments barrels "
    "stones boats manuscripts seeds bricks fossils coins machines".split(),
    "adjective": "old narrow famous quiet northern wooden remote ancient busy small modest unusual fertile shallow "
    "medieval stone public private coastal abandoned restored early later larger southern broad steep hidden".split(),
    "past": "described visited repaired collected measured studied painted surveyed defended crossed bought sold rebuilt "
    "extended photographed catalogued inspected praised neglected transformed discovered".split(),
    "field": "geology botany astronomy medicine navigation agriculture architecture printing chemistry weaving optics "
    "hydraulics metallurgy music law trade history mathematics philosophy zoology".split(),
    "cause": "a long drought|the spring floods|the price of grain|a new tax on salt|a fire in the upper town|the arrival of "
    "the railway|a quarrel about water rights|the discovery of copper|an unusually mild winter|the loss of two "
    "ships|a shortage of timber|the advice of a physician|changes in the course of the river|a gift from a "
    "merchant|the closing of the mint|a dispute over the boundary".split("|"),
    "effect": "the population doubled within a generation|many families moved to the coast|the council changed its "
    "plans|work stopped for several years|the old road fell out of use|visitors began to arrive from abroad|the "
    "method spread to neighbouring towns|prices returned to their former level|a second building was "
    "added|the records were kept with greater care|only the foundations remain today|the soil slowly recovered".split(
        "|"
    ),
    "month": "January February March April May June July August September October November December".split(),
}

ENGLISH_TEMPLATES = (
    "In <year> the <adjective> <noun> near <Name> was <past> by <Name>, who had come to the region to learn about <field>.",
    "Because of <cause>, <effect>, and the <plural> of <Name> had to find another way to earn their living.",
    "The <noun> stands about <number> metres above the <adjective> <noun>, and on clear days one can see as far as <Name>.",
    "<Name> wrote that the <adjective> <plural> of <Name> were better at <field> than any that she had met before <year>.",
    "It is often said that <cause> was the reason, but the letters of <Name> suggest that <effect> long before that.",
    "More than <number> <plural> were counted in <month> <year>, which is fewer than the <noun> of <Name> could hold.",
    "When <Name> returned from <Name> in <month>, the <noun> had been <past> twice and nobody remembered why.",
    "A report from <year> lists <number> <adjective> <plural>, a <noun> with two towers, and a garden that belonged to <Name>.",
    "What makes the <noun> of <Name> <adjective> is not its age but the care with which <Name> <past> each of its parts.",
    "Students of <field> still read the account that <Name> gave of <cause>, although parts of it were lost after <year>.",
    "Neither the <adjective> <noun> nor the <noun> beside it would have survived if <Name> had not <past> them in time.",
    "For this purpose <Name> built a <noun> of <adjective> stone, <number> paces long, between <Name> and the <noun>.",
    "According to <Name>, whose book on <field> appeared in <year>, <effect> as soon as <cause> was over.",
    "The <plural> who lived there paid <number> crowns to <Name> each <month>, and with this money the <noun> was <past>.",
    "Today the <noun> is open to <plural> from <Name>, and a small exhibition explains how <cause> changed the valley.",
    "Some <plural> doubt this, since the <noun> that <Name> <past> lies <number> miles from the <adjective> <noun>.",
)

CHATTER = {
    "thing": "shoes phone pills watch casino loan bonus dress ticket coupon laptop diet cream game prize trick video bag".split(),
    "shout": "wow omg hurry hey guys lol seriously yes whoa yay".split(),
    "best": "best cheap free hot amazing crazy top huge super great insane secret".split(),
    "do": "click buy order grab win get watch share subscribe download join save".split(),
    "time": "today now tonight this week right now before midnight asap".split(),
}

CHATTER_TEMPLATES = (
    "<shout> this <best> <thing> from <Name> is so <best> you have to <do> it <time>, trust me!",
    "To <do> the <thing> just <do> here and <do> the <best> <thing> with code <Name><number>, ok?",
    "My friend <Name> said that the <best> <thing> and the <thing> are like <number> percent off <time>!",
    "Do not miss it, <shout>, <do> and <do> the <best> <thing> of <Name> <time>.",
    "I have <number> of them and <shout> they are <best>, so <do> <time> and be happy with the <thing>!",
    "You want a <best> <thing>? <do> <Name> and <do> it, it is <best>, it is <best>, it is yours!",
)

GERMAN = {
    "ding": "Brücke Kirche Mühle Werkstatt Schule Bibliothek Burg Straße Scheune Fabrik Quelle Siedlung Kapelle Werft "
    "Sternwarte Halle Mauer Insel".split(),
    "leute": "Bauern Händler Schüler Fischer Gelehrte Handwerker Reisende Forscher Soldaten Bürger Maler Ärzte "
    "Seeleute Weber Gärtner".split(),
    "art": "alte kleine große neue berühmte verlassene steinerne schmale breite hölzerne stille bekannte".split(),
    "tat": "gebaut erneuert beschrieben verkauft vermessen verlassen gezeichnet besucht erweitert zerstört entdeckt".split(),
    "fach": "Geologie Medizin Musik Landwirtschaft Schifffahrt Chemie Geschichte Baukunst Botanik Mathematik".split(),
}

GERMAN_TEMPLATES = (
    "Im Jahr <year> wurde die <art> <ding> bei <Name> von <Name> <tat>, weil die <leute> der Gegend es so wollten.",
    "Die <leute> aus <Name> haben die <art> <ding> nicht vergessen, obwohl sie schon <year> <tat> worden ist.",
    "Wer heute nach <Name> kommt, sieht zuerst die <art> <ding> und dann den Garten, den <Name> anlegen ließ.",
    "Nach einem Bericht von <Name> lebten dort <number> <leute>, und die meisten verstanden etwas von <fach>.",
    "Es ist nicht sicher, ob <Name> die <ding> wirklich <tat> hat, denn die Briefe aus <Name> sind verloren.",
    "Zwischen <Name> und <Name> liegt eine <art> <ding>, die für die <fach> von großer Bedeutung war.",
    "Mit <number> Talern konnte <Name> die <ding> kaufen, und seitdem gehört sie den <leute> von <Name>.",
    "Als der Winter des Jahres <year> vorüber war, hatten die <leute> von <Name> kaum noch Vorräte in der <ding>.",
    "Von der <ding> aus sieht man bei klarem Wetter bis <Name>, wo <number> <leute> den Sommer verbringen.",
    "<Name> schrieb, dass keine <ding> im Land so gut <tat> worden sei wie jene, die <Name> entworfen hat.",
    "Dass <Name> etwas von <fach> verstand, bezweifelten nur die <leute>, welche <year> gekommen waren.",
    "Heute erinnert nur eine <art> Tafel an <Name>, dessen <ding> den <leute> <number> Jahre lang diente.",
    "Warum die <art> <ding> nie fertig wurde, konnten weder <Name> noch seine <leute> erklären.",
    "Unter der <ding> fand <Name> beim Graben <number> Münzen, einen Krug und Reste aus der Zeit um <year>.",
    "Im Frühjahr <year> zogen viele <leute> fort, denn <Name> hatte ihnen in <Name> Arbeit versprochen.",
    "Die Kinder lernten <fach> bei <Name>, bis <year> auch in <Name> eine <ding> eröffnet wurde.",
)

FRENCH = {
    "chose": "tour maison ville route ferme chapelle fontaine école rivière usine halle ruelle galerie digue".split(),
    "gens": "paysans marins élèves marchands ouvriers voyageurs savants peintres artisans médecins pêcheurs".split(),
    "qualité": "ancienne petite grande nouvelle célèbre vieille belle première".split(),
    "fait": "construite réparée décrite vendue oubliée agrandie visitée dessinée abandonnée".split(),
}

FRENCH_TEMPLATES = (
    "En <year>, la <qualité> <chose> de <Name> fut <fait> par <Name>, qui venait d'arriver avec <number> <gens>.",
    "Les <gens> de <Name> disent que la <chose> a été <fait> avant la guerre, mais personne n'en est sûr.",
    "Entre <Name> et <Name>, une <qualité> <chose> rappelle encore le travail des <gens> du siècle dernier.",
    "Dans ses lettres, <Name> raconte comment la <chose> fut <fait> pour <number> francs, à la surprise des <gens>.",
    "Il faut environ <number> minutes pour aller de <Name> à la <qualité> <chose> que les <gens> connaissent bien.",
    "Depuis que <Name> est partie, la <chose> n'est plus <fait> et les <gens> passent par <Name>.",
    "Une lettre de <year> nous apprend que <Name> possédait <number> moutons et une <qualité> <chose>.",
    "Pourquoi <Name> avait-elle quitté <Name> ? Les <gens> répondent que la <chose> était trop chère.",
    "Le jour où <Name> arriva, <number> <gens> attendaient devant la <chose> pour lui parler.",
    "Aucun plan de la <chose> ne subsiste, sauf un dessin que <Name> offrit aux <gens> en <year>.",
    "Sur la colline, <Name> planta <number> arbres dont l'ombre couvre maintenant la <qualité> <chose>.",
    "Quand l'eau monta en <year>, les <gens> se réfugièrent dans la <chose> avec le chien de <Name>.",
    "On vend encore, près de <Name>, le pain noir que les <gens> préparaient pour <Name>.",
    "La fille de <Name> devint célèbre grâce à un livre de <number> pages sur la <chose> de <Name>.",
)

CHINESE = {
    "地": "北山 南湖 东村 西岭 古城 新港 青河 白沙 竹林 石桥 云谷 金滩 长坡 红岩 柳镇 松岗 梅园 双塔".split(),
    "人": "农民 学者 工匠 商人 老师 学生 医生 渔夫 画家 诗人 船长 木匠 牧民 矿工".split(),
    "物": "桥梁 寺庙 书院 水渠 仓库 茶园 城墙 码头 果园 粮仓 石碑 作坊 钟楼 药铺 窑洞 渡口".split(),
    "动": "修建 描写 考察 保护 整理 记录 扩大 买下 离开 重建 测量 参观 研究 清理".split(),
    "形": "古老 宽阔 安静 著名 狭窄 美丽 偏远 繁忙 坚固 简单 高大 神秘".split(),
    "数": "三十 四百 二十五 七十 九百 六十一 五千 八十八 十二 一百零六 三百四 两千".split(),
    "季": "春天 初夏 秋末 严冬 雨季 旱季 清晨 傍晚".split(),
}

CHINESE_TEMPLATES = (
    "<year>年<季>，<地>的<人><动>了<形>的<物>。",
    "<人>说，<地>有<数>位<人>，他们<动>过<物>。",
    "从<地>到<地>，<形>的<物>由<人><动>。",
    "<季>来了，<人>把<物><动>好，<number>人去了<地>。",
    "据<地>的<人>回忆，<物>比<物>更<形>，<year>年才<动>。",
    "因为<物>太<形>，<人>和<人>在<季><动>了<数>天。",
    "<形>的<地>，<number>年前只有<物>，如今<人>都来<动>。",
)

MATHS_TEMPLATES = (
    r"Let $<a>_{<n>} \subset \mathbb{R}^{<m>}$ be the set of all <Name> points with $|<b>| \le <number>$ and $<a> \ne <n><b>$.",
    r"By the lemma of <Name> we have $\int_{<n>}^{<m>} <a>(<b>)^{<n>} \, d<b> = \frac{<number>}{<m>}$ for every $<b>$.",
    r"Suppose that $<a> : \mathbb{Z}_{<number>} \to \mathbb{Z}_{<m>}$ is a <Name> map; then $\ker <a>$ has order $<n>$.",
    r"It follows that $\sum_{<b>=<n>}^{<number>} <a>_{<b>} \equiv <m> \pmod{<number>}$, which <Name> proved in <year>.",
    r"\[ <a>(<b>) = \sqrt{<number><b>^{<n>} + <m>} - \log_{<m>}(<b> + <number>) \]",
    r"Hence the derivative $<a>'(<b>) = <number><b>^{<n>} - <m>$ vanishes only at the <Name> point, and the claim is shown.",
    r"The proof of <Name> needs that $<a>$ be continuous on $[<n>, <number>]$, and that $<b>$ have at most <m> zeros.",
)


def fill(dice: Dice, template: str, lists: dict[str, list[str]]) -> str:
    """A template with its slots filled: names of lists, and Name, year, number, and a, b, n, m for formulas."""

    def value(match: re.Match[str]) -> str:
        slot = match[1]
        if slot in lists:
            return dice.pick(lists[slot])
        return {
            "Name": dice.name,
            "year": lambda: str(dice.between(1500, 1990)),
            "number": lambda: str(dice.between(11, 989)),
            "a": lambda: dice.pick("fghuvwFGH"),
            "b": lambda: dice.pick("xyztsrp"),
            "n": lambda: str(dice.between(2, 9)),
            "m": lambda: str(dice.between(11, 97)),
        }[slot]()

    filled = re.sub(r"<(\w+)>", value, template)
    return filled[0].upper() + filled[1:] if filled[0].isalpha() else filled


_PROSE = {
    "en": (ENGLISH_TEMPLATES, ENGLISH, " "),
    "de": (GERMAN_TEMPLATES, GERMAN, " "),
    "fr": (FRENCH_TEMPLATES, FRENCH, " "),
    "zh": (CHINESE_TEMPLATES, CHINESE, ""),
    "chatter": (CHATTER_TEMPLATES, CHATTER, " "),
}


def paragraph(dice: Dice, form: str, sentences: int) -> str:
    """Sentences of one language (or "chatter"), no template twice in a row."""
    templates, lists, space = _PROSE[form]
    found: list[str] = []
    order: list[str] = []
    while len(found) < sentences:
        order = order or dice.shuffled(templates)
        found.append(fill(dice, order.pop(), lists))
    return space.join(found)


def prose(dice: Dice, form: str, paragraphs: int) -> str:
    """Paragraphs of four to seven sentences, a blank line between them."""
    return "\n\n".join(paragraph(dice, form, dice.between(4, 7)) for _ in range(paragraphs))


def maths(dice: Dice) -> str:
    """A page of theorems in LaTeX."""
    blocks = []
    for number in range(1, dice.between(4, 6)):
        lines = [fill(dice, template, {}) for template in dice.shuffled(MATHS_TEMPLATES)[: dice.between(4, 6)]]
        blocks.append(f"\\begin{{theorem}}[{dice.name()}, {number}]\n" + "\n".join(lines) + "\n\\end{theorem}")
    return "\n\n".join(blocks)


def code(dice: Dice) -> str:
    """A Python module of a few functions."""
    parts = [f'"""{paragraph(dice, "en", 2)}"""', "", "from __future__ import annotations", ""]
    for _ in range(dice.between(4, 7)):
        name, first, second, third = (dice.name().lower() for _ in range(4))
        limit, step = dice.between(11, 989), dice.between(2, 97)
        parts += [
            "",
            f"def {name}_{dice.pick(ENGLISH['past'])}({first}: int, {second}: list[int]) -> int:",
            f'    """Return how many {dice.pick(ENGLISH["plural"])} of {dice.name()} are below {limit}."""',
            f"    {third} = {first} * {step} + {limit}",
            f"    for {dice.pick('ijkmn')}_{name} in {second}:",
            f"        if {third} % {step + 1} > {dice.between(0, step)}:",
            f"            {third} += {first} - {dice.between(11, 989)}",
            f"    return {third} - len({second})",
            "",
        ]
    return "\n".join(parts)
