"""What is measured of a document: the kernels' numbers, by group of rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.heuristics.groups import Groups
from tamis.heuristics.rules import COLUMNS, METRICS, column
from tamis.heuristics.sections import C4, Code, FineWeb, GopherQuality
from tamis.readers.code.origins import OPENS_LINE

BULLETS = "-*" + "".join(map(chr, (0x2022, 0x2023, 0x2043, 0x204C, 0x204D, 0x2219, 0x25CB, 0x25CF, 0x25D8)))
BULLETS += "".join(map(chr, (0x25A0, 0x25A1, 0x25AA, 0x25AB, 0x25B6, 0x25C0, 0x25E6, 0x29BE, 0x29BF)))
"""Signs that begin a line of a list: those of NeMo Curator and RedPajama-V2, but its en dash, which opens speech."""

DATATROVE_BULLETS = "•-"


def _phrases(phrases: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Code points of several phrases one after the other, and the bounds of each."""
    from tamis.kernels.heuristics.listed_pieces import encode

    bounds = np.cumsum([0, *map(len, phrases)]).astype(np.int64)
    return encode("".join(phrases)).copy(), bounds


def _stop_words(
    stop_words: Mapping[str, Sequence[str]], languages: pa.Array, small: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What `measure_prose` takes of stop words.

    Returns:
        hashes of all, their bounds by language, the ends and the greatest length of each language's, and each
        document's language among them (-1: none).
    """
    from tamis.kernels.heuristics.listed_pieces import encode, small_hash
    from tamis.kernels.heuristics.prose_metrics import STOP_ENDS

    # Those of this batch only: one language has ten words, all have hundreds.
    present = set(pc.unique(languages).to_pylist())
    listed = sorted(language for language in stop_words if language in present)
    hashes: list[int] = []
    bounds = [0]
    ends = np.zeros((len(listed), STOP_ENDS), np.bool_)
    longest = np.zeros(len(listed), np.int64)
    for place, language in enumerate(listed):
        for word in filter(None, stop_words[language]):
            codes = small[encode(word)]
            ends[place, (codes[0] & 63) << 6 | codes[-1] & 63] = True
            longest[place] = max(longest[place], len(word))
        own = {int(small_hash(encode(word), 0, len(word), small)) for word in stop_words[language]}
        hashes += sorted(own)
        bounds.append(len(hashes))
    found = pc.fill_null(pc.index_in(languages, value_set=pa.array(listed, pa.string())), -1)
    return (
        np.array(hashes, np.uint64),
        np.array(bounds, np.int64),
        ends,
        longest,
        found.to_numpy(zero_copy_only=False).astype(np.int64),
    )


def measure_prose(text: pa.Array, language: pa.Array, config: Groups) -> dict[str, np.ndarray]:
    """Metrics of the prose groups.

    Args:
        text: n texts.
        language: n ISO 639 codes.
        config: all groups.

    Returns:
        Name of each metric (`METRICS` of `tamis.kernels.heuristics.prose_columns`) → float64[n]; NaN where undefined.
    """
    from tamis.kernels.heuristics import c4_lines, characters, listed_pieces, prose_columns, prose_metrics
    from tamis.kernels.words import buffers

    offsets, data = buffers(text)
    as_datatrove = config.as_datatrove
    c4, fineweb, quality = config.c4 or C4(), config.fineweb or FineWeb(), config.gopher_quality or GopherQuality()
    small = np.arange(characters.CODE_POINTS, dtype=np.uint32) if as_datatrove else characters.small_letters()
    # A NUL pair stands for "javascript" where that rule is off: the place of each phrase is fixed.
    script = "javascript" if c4.ignore_javascript_lines else "\0\0"
    phrases = _phrases((c4_lines.LOREM_IPSUM, script, *c4.policy_phrases))
    longest = c4.max_word_length
    settings = np.array(
        [
            c4.terminal_lines_only,
            c4.min_line_words or 0,
            -1 if longest is None else longest,
            c4.ignore_citations,
        ],
        np.int64,
    )
    metrics = prose_metrics.measure_prose(
        offsets,
        data,
        characters.table(),
        listed_pieces.listed_pieces(),
        listed_pieces.unit_hashes(),
        config.words == "pieces" and not as_datatrove,
        *_stop_words(quality.stop_words, language, small),
        small,
        listed_pieces.encode(DATATROVE_BULLETS if as_datatrove else BULLETS),
        as_datatrove,
        as_datatrove or not quality.ignore_addresses,
        fineweb.short_line,
        settings,
        *phrases,
    )
    return dict(zip(prose_columns.METRICS, metrics.T, strict=True))


def measure_code(text: pa.Array, config: Code) -> dict[str, np.ndarray]:
    """Metrics of the code group: name (`METRICS` of `tamis.kernels.heuristics.code_metrics`) → float64[n]."""
    from tamis.kernels.heuristics import characters, code_metrics
    from tamis.kernels.words import buffers

    marks = config.generated_marks
    metrics = code_metrics.measure_code(
        *buffers(text),
        characters.table(),
        *_phrases([mark.removeprefix(OPENS_LINE) for mark in marks]),
        np.array([mark.startswith(OPENS_LINE) for mark in marks], np.bool_),
        config.long_line,
    )
    return dict(zip(code_metrics.METRICS, metrics.T, strict=True))


def measure_size(text: pa.Array) -> dict[str, np.ndarray]:
    """Metrics of the size group: name (`METRICS` of `tamis.kernels.heuristics.size_metrics`) → float64[n]."""
    from tamis.kernels.heuristics import size_metrics
    from tamis.kernels.words import buffers

    return dict(zip(size_metrics.METRICS, size_metrics.measure_size(*buffers(text)).T, strict=True))


def measure(documents: pa.Table, config: Groups) -> dict[str, np.ndarray]:
    """All metrics, of every document: whatever its kind, and whichever groups are on.

    Args:
        documents: n documents with a language.
        config: all groups; of one that is off the defaults say how to count.

    Returns:
        Column (`COLUMNS`) → float64[n]; NaN where something is not defined.
    """
    text = documents["text"].combine_chunks()
    prose = measure_prose(text, documents["language"].combine_chunks(), config)
    measured = {"size": measure_size(text), "code": measure_code(text, config.code or Code())}
    return {
        column(group, metric): measured.get(group, prose)[metric]
        for group, metrics in METRICS.items()
        for metric in metrics
    }


def as_columns(documents: pa.Table, metrics: Mapping[str, np.ndarray]) -> pa.Table:
    """The rows of a score file: what identifies n documents, and all metrics, null where one is not defined."""
    known = {name: documents[name].cast(pa.string()) for name in ("id", "source", "kind", "language")}
    measured = {name: pa.array(metrics[name], pa.float64(), from_pandas=True) for name in COLUMNS}
    return pa.table({**known, **measured})


def metrics_of(rows: pa.Table) -> dict[str, np.ndarray]:
    """The metrics of n rows of a score file: column → float64[n], NaN where one is not defined."""
    return {name: rows[name].to_numpy() for name in COLUMNS}
