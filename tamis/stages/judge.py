"""Labels of a classifier from a language model behind an OpenAI-compatible chat endpoint (`labels.judge`).

Steps: sample (a shard) draws the documents that may be judged; judge (one job) asks for each of those that are, and
writes labelled rows, which `train` of the classifier reads. FineWeb-Edu (Penedo et al. 2024) taught a small classifier
so, with 460,000 documents that Llama 3 had graded from 0 to 5.

The params of both hold only what changes answers. Where the endpoint stands, how fast it is asked and what it costs
come beside them (`ways`), so that another address asks for nothing again. Answers are kept outside of the results
(`tamis/classifiers/judge/kept.py`): a run from nothing asks nothing twice, a killed one continues.
Memory: the sample with its texts.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from tamis import exchange
from tamis.barrier import Files
from tamis.classifiers.good_bad import CLASSES
from tamis.classifiers.judge import sample
from tamis.classifiers.judge.section import Judge, read_prompt
from tamis.shards import document_batches

log = logging.getLogger(__name__)

VERSION = 1


def run_sample(
    config: Judge, *, name: str, kinds: list[str], seed: int, characters: int, documents: Path, output: Path
) -> None:
    """Draw one shard's part of the documents that may be judged.

    Args:
        name: of the classifier.
        kinds: kinds that it looks at.
        seed: of the sampling of its labels.
        characters: of a text that it reads.
    """
    rows = sample.draw(document_batches(documents), config, seed, kinds, characters)
    exchange.write(output, sample.TO_JUDGE, [rows])
    log.info("%s: %d documents may be judged", name, rows.num_rows)


def run_judge(
    config: Judge,
    *,
    name: str,
    seed: int,
    barrier: Files,
    prompt: Path,
    ways: str,
    output: Path,
    classes: list[str] | None = None,
) -> None:
    """Ask for the labels of the sample.

    Args:
        name: of the classifier.
        seed: of the sampling of its labels.
        prompt: the file with the question.
        ways: JSON of the settings that say how answers are come by.
        classes: that answers may name; good and bad where it has no others.

    Raises:
        EndpointError: the endpoint cannot be used, or too many answers are malformed.
        ConfigError: something must be asked and the key is not in the environment.
    """
    # The client of the endpoint is needed here alone.
    from tamis.classifiers.judge.labelling import label

    rows = sample.whole(sample.read_parts(barrier), config.documents)
    done = label(config.reached(json.loads(ways)), read_prompt(prompt), rows, seed, classes or CLASSES)
    sample.write_judged(output, name, done.labelled, done.said, done.effort)
    log.info("%s: %d documents judged: %s; %s", name, rows.num_rows, done.said, done.effort)
