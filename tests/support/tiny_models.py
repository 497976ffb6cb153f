"""Encoders of a few thousand random weights with a byte-level tokenizer, saved as Hugging Face folders."""

from __future__ import annotations

import json
from pathlib import Path


def write_roberta(folder: Path, *, classes: int | None = None, seed: int = 0) -> Path:
    """Write a tiny checkpoint; with `classes`, one that classifies."""
    return write_encoder(folder, "roberta", classes=classes, seed=seed)


def write_encoder(folder: Path, family: str, *, classes: int | None = None, seed: int = 0, **config: object) -> Path:
    """Write a tiny checkpoint of a family (roberta, bert, distilbert); `config` adds to its config.json."""
    import torch
    import transformers

    write_tokenizer(folder)
    torch.manual_seed(seed)
    names = {"roberta": "Roberta", "bert": "Bert", "distilbert": "DistilBert"}
    if family == "distilbert":
        sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 64}
    else:
        sizes = {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            # RoBERTa's positions start after the padding index.
            "max_position_embeddings": 66 if family == "roberta" else 64,
        }
    settings = getattr(transformers, f"{names[family]}Config")(
        vocab_size=VOCABULARY,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        num_labels=classes or 2,
        **sizes,
        **config,
    )
    kind = "Model" if classes is None else "ForSequenceClassification"
    model = getattr(transformers, f"{names[family]}{kind}")(settings)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


VOCABULARY = 260
"""256 bytes and four special tokens."""


def write_tokenizer(folder: Path) -> Path:
    """Write a tokenizer whose tokens are bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    folder.mkdir(parents=True, exist_ok=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": "<s>",
                "eos_token": "</s>",
                "pad_token": "<pad>",
                "unk_token": "<unk>",
                "cls_token": "<s>",
                "sep_token": "</s>",
            }
        )
    )
    return folder
