"""Encoders: loading a backbone, and turning texts into vectors whose bits depend on nothing but the text.

Bits: matrix products differ with the shape of the batch (batch 16 against 7: 2e-8 in fp32, 6e-5 in bf16) and, with some
libraries, with the place in it. So a text is padded to the smallest of a few fixed lengths, every batch has the same
number of rows, the last is filled with dummies, and the threads are a constant of the configuration. Layers behind the
encoder take one text at a time. Before the first batch of a length, random texts are put through at two places each
(`arithmetic.py`); if their bits differ, texts of that length go one at a time. The vector of a text is then the
same in every company and order, on one model of CPU or GPU and one lock; with `portable`, on every x86-64 CPU with FMA.
With dtype int8 sums are exact, which helps (`int8.py`), and all of this holds for what is not a sum of integers.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.classifiers import arithmetic, checkpoints
from tamis.classifiers.backbone import Backbone, model_folder, weights_sha256
from tamis.classifiers.checkpoints import Scores, Scoring
from tamis.classifiers.loading import described_as, load, prepare
from tamis.errors import ModelError

log = logging.getLogger(__name__)

CHARACTERS_PER_TOKEN = 12
"""Characters read for each token asked for; more than any language of the packaged vocabulary needs on average."""

RULES = r"={3,}|-{3,}|~{3,}|\^{3,}|\*{3,}|#{3,}|_{3,}|\.{4,}|\+{3,}"
"""Underlines and rulers: an encoder spends one token on each of their characters and learns nothing."""

SPAN = 4
"""Characters of a token where windows are laid, about what it has in English."""

REACH = 100_000
"""Characters of a text that windows are spread over."""

TOKENS_OF_BATCH = 2048
"""Tokens of a batch, at most: of more, what is between two layers (12 MB in MiniLM) does not stay in the cache."""

BREAK = -1
"""Stands between the token ids of two windows; no token has it."""

TEXTS_AT_ONCE = 16_384
"""Texts that are sorted by length together: of their 512 batches of 32, one a length is not full."""

TOKENS_AT_ONCE = 1 << 23
"""Fewer texts are sorted together where they would hold more tokens than this: 34 MB."""

BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")
"""Sets of instructions, one of which makes bf16 a gain on a CPU."""


def characters_read(backbone: Backbone) -> int:
    """As many characters as an encoder may need of a text that is no document of the corpus."""
    return REACH if backbone.windows > 1 else 2 * backbone.max_tokens * CHARACTERS_PER_TOKEN


@dataclass(frozen=True)
class Encoded:
    """Vectors of n texts (n × hidden size, float32, unit length) and, for classifiers, their logits (n × labels)."""

    vectors: np.ndarray
    logits: np.ndarray | None
    scoring: Scoring | None = None

    def score(self) -> np.ndarray | None:
        """One score a text; None without a classifier."""
        return None if self.logits is None or self.scoring is None else self.scoring.of(self.logits)


@dataclass(frozen=True)
class Encoder:
    """A loaded backbone; see `load_encoder`."""

    tokenizer: Any
    model: Any
    settings: Backbone
    classifies: bool
    scoring: Scoring | None = None
    fused: bool = False
    """Whether attention is one step of torch."""
    integers: dict[str, Any] | None = None
    """With dtype int8: which layers compute in it, and a hash of their scales."""
    _together: dict[int, int] = field(default_factory=dict)
    """Length → texts a batch, filled by `_rows_of_batch`."""

    def describe(self) -> dict[str, Any]:
        """What ran, for `backbone.json`: name, weights, size, arithmetic. No path of this machine."""
        import torch
        import transformers

        folder = model_folder(self.settings)
        return {
            "name": described_as(self.settings.name),
            "architecture": json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures"),
            "weights_sha256": weights_sha256(folder),
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "hidden_size": int(self.model.config.hidden_size),
            "settings": self.settings.model_dump(mode="json", exclude={"name", "online"}),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "arithmetic": arithmetic.describe(torch) | {"attention": "fused" if self.fused else "in steps"},
            "scoring": None if self.scoring is None else asdict(self.scoring),
            **({} if self.integers is None else {"int8": self.integers}),
        }

    def encode(self, text: pa.Array | pa.ChunkedArray) -> Encoded:
        """Put texts through the backbone.

        Args:
            text: n texts; an empty one is encoded as its special tokens alone.

        Returns:
            Vectors (and logits), bit-identical for a text whatever the other texts and their order.
        """
        return self.encode_tokens(self._tokens(text))

    def tokens_of(self, texts: Iterable[pa.Array | pa.ChunkedArray]) -> Iterator[list[np.ndarray]]:
        """The tokens of texts that come some at a time; of what was read, tokens are in memory and no text.

        Yields:
            Token ids of the texts in their order, in fewer parts than they came in: texts of a length wait for each
            other, so that batches are full. One of no texts where there are none.
        """
        most = min(TEXTS_AT_ONCE, TOKENS_AT_ONCE // self.settings.max_tokens) // self.settings.windows
        waiting: list[np.ndarray] = []
        begun = False
        for text in texts:
            waiting += self._tokens(text)
            if len(waiting) >= most:
                yield waiting
                waiting, begun = [], True
        if waiting or not begun:
            yield waiting

    def encode_each(self, texts: Iterable[pa.Array | pa.ChunkedArray]) -> Iterator[Encoded]:
        """`encode` for texts that come some at a time, in the parts of `tokens_of`."""
        return (self.encode_tokens(tokens) for tokens in self.tokens_of(texts))

    def _tokens(self, text: pa.Array | pa.ChunkedArray) -> list[np.ndarray]:
        """The token ids of each text."""
        return token_ids(self.tokenizer, text, self.settings.max_tokens, self.settings.windows)

    def encode_tokens(self, tokens: Sequence[np.ndarray]) -> Encoded:
        """Vectors (and logits) of n texts from their token ids; of several windows the mean of each."""
        parts = [np.split(ids, np.flatnonzero(ids == BREAK)) for ids in tokens]
        if all(len(part) == 1 for part in parts):
            return self._encoded(tokens)
        pieces = [ids[ids != BREAK] for part in parts for ids in part]
        found = self._encoded(pieces)
        counts = np.array([len(part) for part in parts])
        vectors = means(found.vectors, counts)
        # At unit length, as each of them; a single one is already, but for its last bits.
        length = np.where(counts > 1, np.sqrt((vectors * vectors).sum(axis=1)), 1.0)[:, None]
        vectors = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
        logits = None if found.logits is None else means(found.logits, counts).astype(np.float32)
        return Encoded(vectors, logits, self.scoring)

    def _encoded(self, tokens: Sequence[np.ndarray]) -> Encoded:
        """Vectors (and logits) of n stretches from their token ids."""
        width = int(self.model.config.num_labels) if self.classifies else 0
        vectors = np.zeros((len(tokens), int(self.model.config.hidden_size)), dtype=np.float32)
        logits = np.zeros((len(tokens), width), dtype=np.float32)
        buckets = lengths(self.settings.max_tokens, between=self.settings.dtype == "int8")
        place = np.searchsorted(buckets, [max(len(row), 1) for row in tokens])
        for bucket, length in enumerate(buckets):
            rows = np.flatnonzero(place == bucket)
            batch = self._rows_of_batch(length) if len(rows) else 1
            for start in range(0, len(rows), batch):
                chosen = rows[start : start + batch]
                pooled, scores, _ = self._forward([tokens[row] for row in chosen], length, batch)
                vectors[chosen] = pooled[: len(chosen)].cpu().numpy()
                logits[chosen] = scores[: len(chosen)].cpu().numpy()
        return Encoded(vectors, logits if self.classifies else None, self.scoring)

    def _rows_of_batch(self, length: int) -> int:
        """Texts a batch at a length, as many as `batch` and the cache allow; 1 where places in it have other bits."""
        batch = max(1, min(self.settings.batch, TOKENS_OF_BATCH // length))
        if length not in self._together:
            equal = batch == 1 or arithmetic.places_are_equal(
                lambda tokens: self._forward(tokens, length, batch), (batch, length), int(self.model.config.vocab_size)
            )
            self._together[length] = batch if equal else 1
            if not equal:
                log.warning(
                    "backbone %r: a text of %d tokens has other bits at another place in the batch with the arithmetic "
                    "of this process (%s); texts are encoded one at a time, which takes half as long again at 64 "
                    "tokens",
                    self.settings.name,
                    length,
                    os.environ.get("MKL_CBWR"),
                )
        return self._together[length]

    def _forward(self, tokens: Sequence[Sequence[int] | np.ndarray], length: int, batch: int) -> tuple[Any, Any, Any]:
        """Vectors, scores (of no columns without a classifier) and hidden states of a batch and its dummies."""
        import torch

        ids, mask = batch_of(tokens, length, batch, self.tokenizer.pad_token_id)
        device = self.settings.device
        given = {"input_ids": torch.from_numpy(ids).to(device), "attention_mask": torch.from_numpy(mask).to(device)}
        with torch.inference_mode():
            output = self.model(**given, output_hidden_states=self.classifies)
            hidden = (output.hidden_states[-1] if self.classifies else output.last_hidden_state).float()
            if self.settings.pooling == "cls":
                pooled = hidden[:, 0]
            else:
                weight = given["attention_mask"].unsqueeze(-1).to(hidden.dtype)
                pooled = (hidden * weight).sum(dim=1) / weight.sum(dim=1)
            pooled = torch.nn.functional.normalize(pooled, dim=1)
            scores = output.logits.float() if self.classifies else pooled[:, :0]
        return pooled, scores, hidden


def load_encoder(settings: Backbone, *, classifies: bool = False, scores: Scores | None = None) -> Encoder:
    """Load a backbone, and its classification head when `classifies`.

    Args:
        settings: which backbone, and how texts are put through it.
        classifies: whether its own classification head is wanted.
        scores: how its logits become a score; None: as the checkpoint's labels suggest.

    Raises:
        ModelError: it cannot be loaded whole, does not fit the configuration, or the device or the arithmetic cannot
            be had.
    """
    torch = prepare(settings)
    if settings.dtype == "bf16" and settings.device == "cpu":
        able = torch.cpu.get_capabilities()
        if not any(able.get(instruction) for instruction in BF16_INSTRUCTIONS):
            log.warning(
                "backbone %r: this processor (%s) has no bf16, which takes 7 times as long as fp32 here; set "
                "backbone.dtype to fp32%s",
                settings.name,
                able.get("architecture"),
                ", or int8" if any(able.get(name) for name in ("avx512_vnni", "avx_vnni")) else "",
            )
    way = None
    if classifies:
        checkpoint = checkpoints.inspect(model_folder(settings), settings.name)
        way = checkpoints.scoring(scores or Scores(), checkpoint, settings.name)
    kind = "AutoModelForSequenceClassification" if classifies else "AutoModel"
    tokenizer, model, info = load(settings, kind, "bfloat16" if settings.dtype == "bf16" else "float32")
    # The pooler is not used unless the checkpoint classifies through it.
    missing = sorted(name for name in info["missing_keys"] if classifies or "pooler" not in name)
    if missing:
        msg = (
            f"backbone {settings.name!r}: {model_folder(settings)} lacks the weights {missing[:5]}, which would be "
            "random; "
        ) + (
            "give a checkpoint that was trained to classify, or train a head on labels"
            if classifies
            else "the checkpoint is of another architecture than its config.json says"
        )
        raise ModelError(msg)
    # Before any text is encoded: one such weight makes every score no number, which only the trained head would show.
    broken = [name for name, weights in model.named_parameters() if not bool(torch.isfinite(weights).all())]
    if broken:
        raise ModelError(
            f"backbone {settings.name!r}: weights of {model_folder(settings)} are no numbers (in {len(broken)} "
            f"tensors: {', '.join(broken[:3])}), and neither would any score be; fetch the checkpoint again, or "
            "take one from before its training failed"
        )
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(partial(arithmetic.text_by_text, settings.batch))
    model = model.eval().to(settings.device)
    fused = False
    if not settings.portable:
        from tamis.classifiers import attention

        fused = attention.fuse(model)
    integers = None
    if settings.dtype == "int8":
        from tamis.classifiers import int8

        integers = int8.convert(model, tokenizer, settings.name)
    return Encoder(tokenizer, model, settings, classifies, way, fused, integers)


def lengths(max_tokens: int, *, between: bool = False) -> list[int]:
    """The lengths that texts are padded to: halves of `max_tokens` down to 16, and `between` three quarters of each."""
    result = [max_tokens]
    while result[-1] % 2 == 0 and result[-1] // 2 >= 16:
        result.append(result[-1] // 2)
    quarters = [length // 4 * 3 for length in result[:-1] if length % 4 == 0] if between else []
    return sorted([*result, *quarters])


def token_ids(tokenizer: Any, text: pa.Array | pa.ChunkedArray, max_tokens: int, windows: int = 1) -> list[np.ndarray]:
    """The token ids of the start of each text, int32, at most `max_tokens` of them; of more windows `BREAK` between."""
    if windows > 1:
        parts, owner = stretches(text, max_tokens, windows)
        own: list[list[np.ndarray]] = [[] for _ in range(len(text))]
        for row, ids in zip(owner.tolist(), token_ids(tokenizer, parts, max_tokens), strict=True):
            own[row] += [np.array([BREAK], np.int32), ids] if own[row] else [ids]
        return [np.concatenate(rows) for rows in own]
    found: list[np.ndarray] = []
    for start in range(0, len(text), 1024):
        part = excerpts(text.slice(start, 1024), max_tokens)
        given = tokenizer(part, truncation=True, max_length=max_tokens, return_attention_mask=False)
        found += [np.array(ids, dtype=np.int32) for ids in given["input_ids"]]
    return found


def stretches(text: pa.Array | pa.ChunkedArray, max_tokens: int, windows: int) -> tuple[pa.Array, np.ndarray]:
    """Evenly spread stretches of each text: the first at its start, the last at its end, each from a word on.

    Args:
        text: n texts.
        max_tokens: tokens that are read of a stretch.
        windows: stretches of a text, at most; one that is shorter than they are together has fewer.

    Returns:
        The stretches, each longer than what is read of it where the text goes on, and int64, the text of each.
    """
    span, room = max_tokens * SPAN, max_tokens * CHARACTERS_PER_TOKEN
    found: list[str] = []
    owner: list[int] = []
    for row, content in enumerate(pc.utf8_slice_codeunits(text, 0, REACH).to_pylist()):
        count = min(windows, max(1, -(-len(content) // span)))
        for place in range(count):
            start = place * (len(content) - span) // (count - 1) if place else 0
            # To the next word; in scripts without spaces there is none nearby.
            begun = re.search(r"\s", content[start : start + SPAN * 8]) if start else None
            start += begun.end() if begun else 0
            found.append(content[start : start + 2 * room])
            owner.append(row)
    return pa.array(found, pa.large_string()), np.array(owner, np.int64)


def excerpts(text: pa.Array | pa.ChunkedArray, max_tokens: int) -> list[str]:
    """The start of each text as the encoder reads it: white space squeezed, underlines and rulers left out."""
    room = max_tokens * CHARACTERS_PER_TOKEN
    text = pc.utf8_slice_codeunits(text, 0, 2 * room)
    text = pc.replace_substring_regex(text, RULES, " ")
    text = pc.replace_substring_regex(text, r"[\s\x00]+", " ")
    return pc.utf8_slice_codeunits(text, 0, room).to_pylist()


def means(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean of each text's rows, float64; a text's rows are added in their order, whatever the others.

    Args:
        rows: those of all texts, one text after the other.
        counts: how many each text has, at least one.
    """
    first = np.cumsum(counts) - counts
    total = np.zeros((len(counts), rows.shape[1]))
    for place in range(int(counts.max())):
        there = counts > place
        total[there] += rows[first[there] + place]
    return total / counts[:, None]


def batch_of(
    tokens: Sequence[Sequence[int] | np.ndarray], length: int, batch: int, padding: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ids and mask of one batch, always batch × length; dummies are one padding token that attends to itself."""
    ids = np.full((batch, length), padding, dtype=np.int64)
    mask = np.zeros((batch, length), dtype=np.int64)
    mask[:, 0] = 1
    for row, values in enumerate(tokens):
        ids[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return ids, mask
