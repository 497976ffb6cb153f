"""What is measured of a document: the kernels' numbers, by group of rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.heuristics.rules import C4, PROSE_GROUPS, Code, FineWeb, GopherQuality, Groups
from tamis.schemas import of_kinds

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
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes of all stop words, their bounds by language, and each document's language among them (-1: none)."""
    from tamis.kernels.heuristics.listed_pieces import encode, small_hash

    # Those of this batch only: one language has ten words, all have hundreds.
    present = set(pc.unique(languages).to_pylist())
    listed = sorted(language for language in stop_words if language in present)
    hashes: list[int] = []
    bounds = [0]
    for language in listed:
        own = {int(small_hash(encode(word), 0, len(word), small)) for word in stop_words[language]}
        hashes += sorted(own)
        bounds.append(len(hashes))
    place = pc.fill_null(pc.index_in(languages, value_set=pa.array(listed, pa.string())), -1)
    return (
        np.array(hashes, np.uint64),
        np.array(bounds, np.int64),
        place.to_numpy(zero_copy_only=False).astype(np.int64),
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
    # What is measured of a group that is off, nobody asks.
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
        fineweb.short_line,
        True,
        True,
        settings,
        *phrases,
    )
    return dict(zip(prose_columns.METRICS, metrics.T, strict=True))


def measure_code(text: pa.Array, config: Code) -> dict[str, np.ndarray]:
    """Metrics of the code group: name (`tamis.kernels.heuristics.code_metrics.METRICS`) → float64[n]."""
    from tamis.kernels.heuristics import characters, code_metrics
    from tamis.kernels.words import buffers

    marks, bounds = _phrases(config.generated_marks)
    metrics = code_metrics.measure_code(*buffers(text), characters.table(), config.generated_lines or 0, marks, bounds)
    return dict(zip(code_metrics.METRICS, metrics.T, strict=True))


def measure_size(text: pa.Array) -> dict[str, np.ndarray]:
    """Metrics of the size group: name (`tamis.kernels.heuristics.size_metrics.METRICS`) → float64[n]."""
    from tamis.kernels.heuristics import size_metrics
    from tamis.kernels.words import buffers

    return dict(zip(size_metrics.METRICS, size_metrics.measure_size(*buffers(text)).T, strict=True))


def measure(documents: pa.Table, config: Groups) -> dict[str, dict[str, np.ndarray]]:
    """Metrics of every group, for the kinds that it looks at.

    Args:
        documents: n documents with a language.
        config: all groups.

    Returns:
        Group → metric → float64[n]; NaN for documents that the group does not look at.
    """

    def rows(groups: Sequence[str]) -> np.ndarray:
        sections = [section for group in groups if (section := getattr(config, group)) is not None]
        return np.flatnonzero(of_kinds(documents, {kind for section in sections for kind in section.applies_to}))

    def spread(chosen: np.ndarray, metrics: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        full = {}
        for name, values in metrics.items():
            full[name] = np.full(documents.num_rows, np.nan)
            full[name][chosen] = values
        return full

    def texts(chosen: np.ndarray) -> pa.Array:
        # A selection of all rows is not copied.
        column = documents["text"] if len(chosen) == documents.num_rows else documents["text"].take(pa.array(chosen))
        return column.combine_chunks()

    prose_rows, code_rows, size_rows = rows(PROSE_GROUPS), rows(("code",)), rows(("size",))
    languages = documents["language"].take(pa.array(prose_rows)).combine_chunks()
    prose = spread(prose_rows, measure_prose(texts(prose_rows), languages, config))
    result = {
        "size": spread(size_rows, measure_size(texts(size_rows))),
        "code": spread(code_rows, measure_code(texts(code_rows), config.code or Code())),
    }
    for group in PROSE_GROUPS:
        own = np.zeros(documents.num_rows, bool)
        own[rows((group,))] = True
        result[group] = {name: np.where(own, values, np.nan) for name, values in prose.items()}
    return result
