"""A RoBERTa of a few thousand random weights with a byte-level tokenizer, saved as a Hugging Face folder."""

from __future__ import annotations

import json
from pathlib import Path


def write_roberta(folder: Path, *, classes: int | None = None, seed: int = 0) -> Path:
    """Write a tiny checkpoint; with `classes`, one that classifies."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import RobertaConfig, RobertaForSequenceClassification, RobertaModel

    folder.mkdir(parents=True, exist_ok=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
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
    torch.manual_seed(seed)
    config = RobertaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        num_labels=classes or 2,
    )
    model = RobertaModel(config) if classes is None else RobertaForSequenceClassification(config)
    model.save_pretrained(folder, safe_serialization=True)
    return folder
