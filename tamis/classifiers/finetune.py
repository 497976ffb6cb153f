"""Fine-tuning: an encoder trained end to end to tell good texts from bad ones, the same bytes for the same labels.

The usual way (Devlin et al. 2019; Mosbach et al. 2021 on few labels): a new layer of two outputs on the encoder, AdamW
with a linear warm-up and decay, clipped gradients; every (class, kind) weighs the same in the loss. A part of the
training texts, copies together, is set aside; its AUC decides when to stop and which weights are kept. The held-out
texts of the card are not touched. Grades between bad and good are targets between the two.

Bytes: rows come in the order of keyed hashes of their ids, the random numbers of a step are drawn from seed and step,
the threads are a constant; so labels, settings and the model of processor decide the saved weights, not the order of
the labels, nor kills: every some steps the state is kept (`training_state.py`), and a killed training goes on from it.
The result is a Hugging Face folder (config.json, model.safetensors, tokenizer), which `Encoder` scores with.

Memory: five times the weights (weights, gradients, two moments, the best weights), and the tokens of the labels.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tamis.checksums import canonical
from tamis.classifiers import arithmetic
from tamis.classifiers.backbone import Backbone, model_folder, weights_sha256
from tamis.classifiers.division import groups_of, held
from tamis.classifiers.encoder import token_ids
from tamis.classifiers.linear_head import group_weights, truth_of
from tamis.classifiers.loading import load, prepare
from tamis.classifiers.training_run import VERSION, Full, Part, Run
from tamis.classifiers.training_state import Scratch
from tamis.errors import ModelError
from tamis.shards import whole_file

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
"""What a fine-tuned model is made of."""

LEAST = 8
"""Texts of each class below which there is nothing to train and validate on."""


@dataclass(frozen=True)
class Trained:
    """What became of a training, for the card: nothing of the clock or the machine but its arithmetic."""

    settings: Mapping[str, Any]
    texts: int
    validated: int
    steps: int
    planned: int
    best_step: int
    validation_auc: float
    history: Sequence[Mapping[str, Any]]
    weights_sha256: str

    def to_json(self) -> dict[str, Any]:
        """The value for `shards.write_json`."""
        return asdict(self)


def check_labels(labels: Sequence[str], classes: Sequence[str]) -> None:
    """Refuse labels that cannot train anything, before anything is loaded.

    Raises:
        ModelError: a class has fewer than `LEAST` texts.
    """
    counts = Counter(labels)
    got = ", ".join(f"{name}: {counts[name]}" for name in classes)
    if any(counts[name] < LEAST for name in classes):
        msg = (
            f"too few labelled texts to fine-tune on (got {got} for training; {LEAST} of each class are the least). "
            "Give more labels, or train a head (`train: head`), which needs fewer"
        )
        raise ModelError(msg)


def divide_training(rows: pa.Table, full: Full) -> np.ndarray:
    """Which of n training texts validate: n booleans; near-copies and captures of a page are on one side."""
    names = [
        f"{label}\0{kind}" for label, kind in zip(rows["label"].to_pylist(), rows["kind"].to_pylist(), strict=True)
    ]
    return held(groups_of(rows), names, rows["id"].to_pylist(), full.validation, full.seed)


def fine_tune(
    rows: pa.Table,
    classes: Sequence[str],
    settings: Backbone,
    full: Full,
    folder: Path,
    after_step: Callable[[int], None] = lambda _: None,
) -> Trained:
    """Fine-tune a backbone and write the model.

    Args:
        rows: n training texts, rows of `tamis.classifiers.labels.LABELLED`, in any order, whose texts are long enough
            for the tokens read (`Encoder` reads up to 24 characters a token).
        classes: names of the two classes, the worse first.
        settings: the backbone to start from, and how texts are put through it.
        full: the training.
        folder: gets `FILES`; the state is kept beside it, and taken away at the end.
        after_step: called with the number of steps done.

    Returns:
        What became of it.

    Raises:
        ModelError: too few labels, a backbone that cannot be used, or a loss that is no number; nothing is written.
    """
    check_labels(rows["label"].to_pylist(), classes)
    rows = rows.sort_by([("key", "ascending"), ("id", "ascending")]).combine_chunks()
    validates = divide_training(rows, full)
    learnt, checked = rows.filter(pa.array(~validates)), rows.filter(pa.array(validates))
    for part, what in ((learnt, "train on"), (checked, "validate with")):
        missing = sorted(set(classes) - set(part["label"].to_pylist()))
        if missing:
            msg = (
                f"no text of class {', '.join(missing)} is left to {what}: its texts are copies of each other. Give "
                "more labels, or change `full.validation`"
            )
            raise ModelError(msg)
    torch = prepare(settings)
    with _reproducible(torch):
        tokenizer, model = _model(torch, settings, classes, full.seed)
        training, validation = (_part(part, tokenizer, classes, settings) for part in (learnt, checked))
        identity = _identity(torch, settings, full, (training, validation))
        scratch = Scratch(folder.parent / f".{folder.name}.training", identity)
        run = Run(torch, model, tokenizer, settings, full, training, validation)
        progress, best = run.train(scratch, after_step)
        model.load_state_dict(best)
        sha256 = _save(model, tokenizer, folder)
    scratch.clear()
    return Trained(
        settings=full.model_dump(mode="json"),
        texts=len(training.ids),
        validated=len(validation.ids),
        steps=progress.step,
        planned=run.planned,
        best_step=progress.best_step,
        validation_auc=round(progress.best_auc, 4),
        history=progress.history,
        weights_sha256=sha256,
    )


@contextmanager
def _reproducible(torch: Any) -> Iterator[None]:
    """Let torch choose kernels that give the same bits each time, and leave its random numbers as they were."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(mode=True)
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))):
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(mode=before)


def _model(torch: Any, settings: Backbone, classes: Sequence[str], seed: int) -> tuple[Any, Any]:
    """Tokenizer and model with a new layer of two outputs, drawn from the seed.

    Raises:
        ModelError: the encoder's own weights are not whole.
    """
    torch.manual_seed(seed)
    tokenizer, model, info = load(
        settings,
        "AutoModelForSequenceClassification",
        "float32",
        num_labels=len(classes),
        id2label=dict(enumerate(classes)),
        label2id={name: index for index, name in enumerate(classes)},
        ignore_mismatched_sizes=True,
    )
    new = {*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])}
    random = sorted(name for name in new if name.startswith(f"{model.base_model_prefix}.") and "pooler" not in name)
    if random:
        msg = (
            f"backbone {settings.name!r}: {model_folder(settings)} lacks the weights {random[:5]}, which would be "
            "random; the checkpoint is of another architecture than its config.json says"
        )
        raise ModelError(msg)
    if not getattr(tokenizer, "is_fast", False):
        msg = f"backbone {settings.name!r}: its tokenizer cannot be saved as tokenizer.json; give one that has it"
        raise ModelError(msg)
    generator = torch.Generator().manual_seed(seed)
    spread = float(getattr(model.config, "initializer_range", 0.02))
    with torch.no_grad():
        # Here and not by transformers, whose way of drawing may change.
        for name, parameter in model.named_parameters():
            if name in new:
                drawn = torch.randn(parameter.shape, generator=generator) * spread
                parameter.copy_(drawn if parameter.dim() > 1 else torch.zeros(parameter.shape))
    return tokenizer, model.to(settings.device)


def _part(rows: pa.Table, tokenizer: Any, classes: Sequence[str], settings: Backbone) -> Part:
    labels = rows["label"].to_pylist()
    return Part(
        ids=rows["id"].to_pylist(),
        tokens=token_ids(tokenizer, rows["text"], settings.max_tokens),
        truth=truth_of(labels, rows["grade"].to_pylist(), classes),
        positive=np.array([label == classes[1] for label in labels]),
        weights=group_weights(labels, rows["kind"].to_pylist()),
    )


def _identity(torch: Any, settings: Backbone, full: Full, parts: Sequence[Part]) -> str:
    """What the bytes of the model depend on, as a hash."""
    import transformers

    value = {
        "code": VERSION,
        "backbone": settings.model_dump(mode="json", exclude={"name", "online", "revision"}),
        "weights": weights_sha256(model_folder(settings)),
        "full": full.model_dump(mode="json", exclude={"checkpoint_steps"}),
        "versions": [torch.__version__, transformers.__version__],
        "arithmetic": arithmetic.describe(torch),
        "ids": [part.ids for part in parts],
    }
    digest = hashlib.sha256(canonical(value).encode())
    for part in parts:
        for array in (*part.tokens, part.truth, part.positive, part.weights):
            digest.update(str(array.shape).encode() + array.tobytes())
    return digest.hexdigest()


def _save(model: Any, tokenizer: Any, folder: Path) -> str:
    """Write the model as a Hugging Face folder, the weights last; returns their SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    # The tokenizer keeps what it was last called with.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent) as temporary:
        model.cpu().save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        for name in sorted(FILES, key=lambda name: name == "model.safetensors"):
            with whole_file(folder / name) as path:
                shutil.copyfile(Path(temporary) / name, path)
    return weights_sha256(folder)
