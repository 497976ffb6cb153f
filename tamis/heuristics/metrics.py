"""What is measured of a document: the kernels' numbers, by group of rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.heuristics.rules import PROSE_GROUPS, Code, GopherQuality, Groups
from tamis.schemas import of_kinds


def _phrases(phrases: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Code points of several phrases one after the other, and the bounds of each."""
    from tamis.kernels.heuristics.listed_pieces import encode

    bounds = np.cumsum([0, *map(len, phrases)]).astype(np.int64)
    return encode("".join(phrases)).copy(), bounds


def _stop_words(config: GopherQuality, languages: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes of all stop words, their bounds by language, and each document's language among them (-1: none)."""
    from tamis.kernels.heuristics.listed_pieces import encode, span_hash

    listed = sorted(config.stop_words)
    hashes: list[int] = []
    bounds = [0]
    for language in listed:
        words = set(config.stop_words[language])
        hashes += sorted(int(span_hash(encode(word), 0, len(word))) for word in words)
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
    # A NUL pair stands for "javascript" where that rule is off: the place of each phrase is fixed.
    script = "javascript" if config.c4.ignore_javascript_lines else "\0\0"
    phrases = _phrases((c4_lines.LOREM_IPSUM, script, *config.c4.policy_phrases))
    longest = config.c4.max_word_length
    settings = np.array(
        [
            config.c4.terminal_lines_only,
            config.c4.min_line_words or 0,
            -1 if longest is None else longest,
            config.c4.ignore_citations,
        ],
        np.int64,
    )
    metrics = prose_metrics.measure_prose(
        offsets,
        data,
        characters.table(),
        listed_pieces.listed_pieces(),
        listed_pieces.unit_hashes(),
        config.words == "pieces",
        *_stop_words(config.gopher_quality, language),
        config.fineweb.short_line,
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
        return np.flatnonzero(
            of_kinds(documents, {kind for group in groups for kind in getattr(config, group).applies_to})
        )

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
        "code": spread(code_rows, measure_code(texts(code_rows), config.code)),
    }
    for group in PROSE_GROUPS:
        own = np.zeros(documents.num_rows, bool)
        own[rows((group,))] = True
        result[group] = {name: np.where(own, values, np.nan) for name, values in prose.items()}
    return result
