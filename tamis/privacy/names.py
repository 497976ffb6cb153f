"""Persons' names, by Presidio on spaCy pipelines that somebody else trained; an extra, and nothing is fetched for it.

No check digit tells a name, so a model does: how many it finds and what else it takes for one is the model's, and was
not measured here. spaCy gives no probability for an entity (Presidio puts 0.85 for all), so that there is no threshold.

Read with a small English pipeline (spaCy 3.8): of the first 50 spans in pages of C4 about 15 were no persons but places,
clubs and dishes (Malmo, Wembley, Chicken Tikka); names in the news and in history go like private ones; 26 kB of text a
second of CPU, where the other kinds take megabytes.

Presidio would fetch a model that is missing, and use a GPU that it sees: both would make a run depend on the machine.
So pipelines are loaded here, on the CPU, and given to Presidio's engine. They read texts one by one, in pieces that
depend on the text alone: what is found depends neither on shards nor on what stands beside a text.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.errors import ModelError
from tamis.language_codes import labels_of

PIECE = 20_000
"""Characters that a pipeline reads at once. spaCy takes about 1 GB of memory for 100,000 and refuses a million."""

PERSONS = ("PERSON", "PER", "PRS", "PS", "persName")
"""What spaCy's pipelines call a person: most languages, those trained on WikiNER, Swedish, Korean, Polish."""

INSTALL = "pip install 'tamis[names]'"


def folder_of(model: str) -> Path | None:
    """Where a pipeline lies: the folder itself, or that of an installed package; None where there is neither."""
    if (Path(model) / "meta.json").is_file():
        return Path(model)
    if not model.replace("-", "_").isidentifier():
        return None
    found = importlib.util.find_spec(model.replace("-", "_"))
    folder = Path(found.origin).parent if found and found.origin else None
    return folder if folder and (folder / "meta.json").is_file() else None


def local_files(models: Mapping[str, str]) -> list[str]:
    """Files of the pipelines that are folders, as inputs of the workflow; none for packages."""
    folders = [Path(model) for model in models.values() if folder_of(model) == Path(model)]
    return sorted({str(path) for folder in folders for path in folder.rglob("*") if path.is_file()})


def versions(models: Mapping[str, str]) -> dict[str, str]:
    """Versions of what decides beside the configuration: Presidio, spaCy and the pipelines that are packages."""
    packages = [model for model in models.values() if not Path(model).is_dir()]
    found = {}
    for package in ["presidio-analyzer", "spacy", *packages] if models else []:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            # `check` says what to do.
            found[package] = "missing"
    return found


def check(models: Mapping[str, str], key: str) -> None:
    """Hold that names can be found, without loading a pipeline.

    Args:
        models: language code → pipeline.
        key: of the configuration.

    Raises:
        ModelError: a package or a pipeline is missing, or a pipeline knows no persons.
    """
    for module, package in (("presidio_analyzer", "presidio-analyzer"), ("spacy", "spacy")):
        if importlib.util.find_spec(module) is None:
            msg = f"{key}: the package {package} is not installed; {INSTALL} wherever jobs run, or take `names` out"
            raise ModelError(msg)
    for language, model in models.items():
        folder = folder_of(model)
        if folder is None:
            msg = (
                f"{key}.{language}: {model!r} is neither a folder of a spaCy pipeline (with meta.json) nor an installed "
                "package; correct it, or install it wherever jobs run (python -m spacy download NAME): a run fetches none"
            )
            raise ModelError(msg)
        try:
            labels = json.loads((folder / "meta.json").read_text("utf-8"))["labels"]
            known = sorted({label for of in labels.values() for label in of})
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            msg = f"{key}.{language}: {folder / 'meta.json'} does not list the labels of a spaCy pipeline; save it anew"
            raise ModelError(msg) from error
        if not set(PERSONS).intersection(known):
            msg = (
                f"{key}.{language}: {model!r} marks no persons (no label {', '.join(PERSONS)}); give a pipeline with "
                "named entities, such as spaCy's core pipelines"
            )
            raise ModelError(msg)


def name_spans(
    texts: pa.Array | pa.ChunkedArray, languages: pa.ChunkedArray, chosen: np.ndarray, models: Mapping[str, str]
) -> Iterator[tuple[int, int, int]]:
    """Find persons' names.

    Args:
        texts: n texts.
        languages: of the texts, as `language_id` writes them.
        chosen: bool[n], rows to look at.
        models: language code → pipeline; texts in other languages are not looked at. A code holds for its
            macrolanguage and for that one's members.

    Yields:
        Row, first byte and byte after the last in the text, in their order.
    """
    asked = {label: code for code in models for label in labels_of([code])} | {code: code for code in models}
    for row, language in enumerate(languages.to_pylist()):
        if chosen[row] and language in asked:
            text = texts[row].as_py()
            at = place = 0
            for start, end in _names(text, models[asked[language]]):
                place += len(text[at:start].encode())
                at, first = end, place
                place += len(text[start:end].encode())
                yield row, first, place


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """Where a text is cut for a pipeline: behind the last line, else sentence, else word of each `PIECE` characters."""
    start = 0
    while start < len(text):
        end = min(start + PIECE, len(text))
        if end < len(text):
            cuts = ((text.rfind(mark, start + PIECE // 2, end), len(mark)) for mark in ("\n", ". ", " "))
            end = next((at + length for at, length in cuts if at >= 0), end)
        yield start, end
        start = end


def _names(text: str, model: str) -> Iterator[tuple[int, int]]:
    """First character and character after the last of each name, in their order, without white space around."""
    engine, recognizer = _loaded(model)
    for begin, finish in pieces(text):
        piece = text[begin:finish]
        # What a pipeline learns of words would stay in its vocabulary for all of a shard.
        with engine.get_nlp(_LANGUAGE).memory_zone():
            found = recognizer.analyze(piece, ["PERSON"], engine.process_text(piece, _LANGUAGE))
            places = sorted((result.start, result.end) for result in found)
        for start, end in places:
            name = piece[start:end]
            first = begin + start + len(name) - len(name.lstrip())
            if name.strip():
                yield first, first + len(name.strip())


_LANGUAGE = "any"
"""What Presidio's engine calls the language of its one pipeline."""


@functools.cache
def _loaded(model: str) -> tuple[Any, Any]:
    """Presidio's engine with a pipeline, and its recognizer.

    Raises:
        ModelError: this job's environment lacks the extra, or cannot load the pipeline.
    """
    try:
        import spacy
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
        from presidio_analyzer.predefined_recognizers import SpacyRecognizer
    except ImportError as error:
        # The workflow was parsed where they are (`check`); its jobs may run elsewhere: in conda, in a container, on a node.
        msg = f"privacy.names: {sys.executable}, which runs this job, cannot import Presidio and spaCy ({error}); "
        raise ModelError(f"{msg}{INSTALL} there, too, or take `names` out") from error
    folder = folder_of(model)
    try:
        # A package is asked itself, because it may bring code of its own.
        pipeline = spacy.load(folder if folder == Path(model) else model.replace("-", "_"))
    except (OSError, ValueError, ImportError) as error:
        msg = f"privacy.names: the spaCy pipeline {model!r} cannot be loaded ({error}); install one for spaCy {spacy.__version__}"
        raise ModelError(msg) from error
    labels = {label for of in pipeline.pipe_labels.values() for label in of}
    settings = NerModelConfiguration(
        model_to_presidio_entity_mapping=dict.fromkeys(PERSONS, "PERSON"),
        labels_to_ignore=sorted(labels.difference(PERSONS)),
    )
    engine = SpacyNlpEngine([{"lang_code": _LANGUAGE, "model_name": model}], settings)
    # In the place of `load`, which fetches what is missing.
    engine.nlp = {_LANGUAGE: pipeline}
    return engine, SpacyRecognizer(supported_language=_LANGUAGE)
