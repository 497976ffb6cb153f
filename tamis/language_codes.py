"""Language codes: every label of every identifier in one form, ISO 639-1 where there is one, else ISO 639-3.

Models label Mandarin `zh`, `__label__zh`, `cmn_Hani` or `zho_Hans`. A user who writes `keep_languages: [zh]` means
all of these. Codes of the individual language that a two-letter code stands for in practice (Mandarin for Chinese,
Standard Arabic for Arabic) are mapped with the macrolanguage; other members of a macrolanguage (Cantonese, Egyptian
Arabic) keep their own code.

Where a configuration names languages, a code means everything that a model may call that language: `nb` also texts
that are labelled with the macrolanguage `no`, and `no` also those labelled `nb` or `nn` (`labels_of`). Where it is
known which labels a model gives, a code that is one of them is no wider: `yue` is not all Chinese. Close languages
that a model mixes up can be given one label, that of their macrolanguage (`MACROLANGUAGES`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

UNDECIDED = "und"

_TWO_LETTERS = (
    "aar:aa abk:ab afr:af aka:ak amh:am arg:an ara:ar arb:ar asm:as ava:av ave:ae aym:ay ayr:ay aze:az azj:az bak:ba "
    "bam:bm bel:be ben:bn bis:bi bod:bo bos:bs bre:br bul:bg cat:ca ces:cs cha:ch che:ce chu:cu chv:cv cor:kw cos:co "
    "cre:cr cym:cy dan:da deu:de div:dv dzo:dz ekk:et ell:el eng:en epo:eo est:et eus:eu ewe:ee fao:fo fas:fa fij:fj "
    "fin:fi fra:fr fry:fy ful:ff gaz:om gla:gd gle:ga glg:gl glv:gv grn:gn gug:gn guj:gu hat:ht hau:ha hbs:sh heb:he "
    "her:hz hin:hi hmo:ho hrv:hr hun:hu hye:hy ibo:ig ido:io iii:ii iku:iu ile:ie ina:ia ind:id ipk:ik isl:is ita:it "
    "jav:jv jpn:ja kal:kl kan:kn kas:ks kat:ka kau:kr kaz:kk khk:mn khm:km kik:ki kin:rw kir:ky kmr:ku knc:kr kom:kv "
    "kon:kg kor:ko kpv:kv kua:kj kur:ku lao:lo lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg lvs:lv mah:mh "
    "mal:ml mar:mr mkd:mk mlg:mg mlt:mt mon:mn mri:mi msa:ms mya:my nau:na nav:nv nbl:nr nde:nd ndo:ng nep:ne nld:nl "
    "nno:nn nob:nb nor:no npi:ne nya:ny oci:oc oji:oj ori:or orm:om ory:or oss:os pan:pa pbt:ps pes:fa pli:pi plt:mg "
    "pol:pl por:pt pus:ps que:qu quy:qu roh:rm ron:ro run:rn rus:ru sag:sg san:sa sin:si slk:sk slv:sl sme:se smo:sm "
    "sna:sn snd:sd som:so sot:st spa:es sqi:sq als:sq srd:sc src:sc srp:sr ssw:ss sun:su swa:sw swh:sw swe:sv tah:ty "
    "tam:ta tat:tt tel:te tgk:tg tgl:tl tha:th tir:ti ton:to tsn:tn tso:ts tuk:tk tur:tr twi:tw uig:ug ukr:uk urd:ur "
    "uzb:uz uzn:uz ven:ve vie:vi vol:vo wln:wa wol:wo xho:xh ydd:yi yid:yi yor:yo zha:za zho:zh cmn:zh zsm:ms zul:zu"
)

TWO_LETTERS: dict[str, str] = dict(pair.split(":") for pair in _TWO_LETTERS.split())
"""ISO 639-3 → ISO 639-1."""

MACROLANGUAGES: Mapping[str, tuple[str, ...]] = {
    "ar": ("acm", "acq", "aeb", "afb", "ajp", "apc", "ars", "ary", "arz"),
    "az": ("azb",),
    "fa": ("prs",),
    "ku": ("ckb", "sdh"),
    "lv": ("ltg",),
    "no": ("nb", "nn"),
    "sh": ("bs", "cnr", "hr", "sr"),
    "zh": ("cdo", "gan", "hak", "hsn", "lzh", "nan", "wuu", "yue"),
}
"""Macrolanguages of ISO 639-3, and those of their languages that models label apart."""

# Not a language: no linguistic content, undetermined, several, uncoded.
_NO_LANGUAGE = ("zxx", "mul", "mis")

# Bibliographic codes of ISO 639-2; codes that are out of use; languages that CLDR has data of under the code of their
# macrolanguage. As CLDR lists them (`languageAlias`, read through Babel 2.18; a test holds the table to it), but that
# what it calls `fil` is `tl` here, as ISO 639-1 has it.
_ALIASES = (
    "alb:sq arm:hy baq:eu bur:my chi:zh cze:cs dut:nl fre:fr geo:ka ger:de gre:el ice:is mac:mk mao:mi may:ms per:fa "
    "rum:ro slo:sk tib:bo wel:cy adp:dz bh:bho bih:bho cls:sa drh:mn in:id iw:he ji:yi jw:jv mo:ro mol:ro prp:gu "
    "scc:sr scr:hr fil:tl cwd:cr esk:ik fat:ak fuc:ff ike:iu kng:kg ojg:oj pbu:ps quz:qu zyb:za"
)
_OTHERS = dict(pair.split(":") for pair in _ALIASES.split()) | dict.fromkeys(_NO_LANGUAGE, UNDECIDED)


def language_code(label: str) -> str:
    """ISO 639-1 code of a model's label where there is one, else ISO 639-3; "und" for what is no language.

    Args:
        label: such as `en`, `eng`, `ger`, `__label__en`, `__label__eng_Latn`, `zh-Hans`, `sr@latin`.
    """
    code = label.removeprefix("__label__").replace("-", "_").replace("@", "_").split("_")[0].lower()
    return _OTHERS.get(code, TWO_LETTERS.get(code, code))


def labels_of(codes: Iterable[str], given: Container[str] = ()) -> set[str]:
    """All that texts in some languages may be labelled with: themselves, their macrolanguages, and their members.

    Args:
        codes: as a configuration names them.
        given: labels that are known to be given; such a code does not stand for its macrolanguage.
    """
    asked = {language_code(code) for code in codes}
    unlabelled = {code for code in asked if code not in given}
    wider = {wide for wide, members in MACROLANGUAGES.items() if unlabelled.intersection(members)}
    return asked | wider | {member for code in asked for member in MACROLANGUAGES.get(code, ())}
