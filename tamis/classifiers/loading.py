"""Loading an encoder and its tokenizer from a folder, whole or not at all, with the arithmetic that is asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tamis.classifiers import arithmetic
from tamis.classifiers.backbone import Backbone, model_folder, weights_sha256
from tamis.errors import ModelError


def prepare(settings: Backbone) -> Any:
    """Settle how this process computes, and check what the settings ask of the machine.

    Returns:
        The module torch.

    Raises:
        ModelError: the device or the arithmetic cannot be had.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch = arithmetic.settle(portable=settings.portable)
    import transformers

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(settings.threads)
    if settings.device == "cuda":
        if not torch.cuda.is_available():
            msg = "backbone.device is cuda, but torch sees no GPU here; set it to cpu or run on a machine with one"
            raise ModelError(msg)
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.use_deterministic_algorithms(mode=True)
    return torch


def load(settings: Backbone, kind: str, dtype: str, **options: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Load a tokenizer and a model after `prepare`; never code of the checkpoint, never pickled weights.

    Args:
        settings: which backbone; its `max_tokens` must fit.
        kind: the class of transformers, such as `AutoModel`.
        dtype: the name of torch's number type.
        options: more for `from_pretrained`.

    Returns:
        Tokenizer, model, and what transformers says of the weights (`missing_keys` …).

    Raises:
        ModelError: it cannot be loaded or does not fit.
    """
    import torch
    import transformers
    from safetensors import SafetensorError

    folder = model_folder(settings)
    weights_sha256(folder)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model, info = getattr(transformers, kind).from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=getattr(torch, dtype),
            attn_implementation="eager",
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, LookupError, RuntimeError, ImportError, TypeError, SafetensorError) as error:
        msg = f"backbone {settings.name!r}: cannot be loaded from {folder} ({type(error).__name__}: {error})"
        raise ModelError(msg) from error
    room = room_of(model.config, settings.max_tokens)
    if settings.max_tokens > room:
        msg = f"backbone {settings.name!r}: reads at most {room} tokens, backbone.max_tokens is {settings.max_tokens}"
        raise ModelError(msg)
    if tokenizer.pad_token_id is None:
        msg = f"backbone {settings.name!r}: its tokenizer has no padding token, so texts cannot share a batch"
        raise ModelError(msg)
    return tokenizer, model, info


def room_of(config: Any, otherwise: int) -> int:
    """The tokens that a model reads at most."""
    room = int(getattr(config, "max_position_embeddings", otherwise))
    if config.model_type in {"roberta", "xlm-roberta", "camembert"}:
        # Their positions start after the padding index.
        room -= int(config.pad_token_id) + 1
    return room


def described_as(path: str) -> str:
    """A backbone's name without a path of this machine."""
    return Path(path).name if Path(path).is_dir() else path
