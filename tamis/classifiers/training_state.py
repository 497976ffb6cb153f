"""The state of a training that goes on after a kill: weights, optimiser, progress; safetensors and JSON, never pickled.

A scratch folder beside the model holds `state-<step>.safetensors` and `state.json`, which names it, its SHA-256, and
the identity of the training (settings, labels, weights that it starts from). State of another training, or damaged, is
as good as none: the training begins anew and ends in the same bytes.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamis import checksums
from tamis.errors import SourceError
from tamis.shards import read_json, whole_file, write_json

log = logging.getLogger(__name__)

STATE = "state.json"


@dataclass(frozen=True)
class Scratch:
    """Where a training keeps its state."""

    folder: Path
    identity: str
    """What tells this training from others."""

    def write(self, step: int, tensors: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
        """Keep the state after a step; what was kept before is taken away once the new state is whole."""
        from safetensors.torch import save_file

        path = self.folder / f"state-{step:08d}.safetensors"
        with whole_file(path) as temporary:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary)
        value = {"identity": self.identity, "file": path.name, "sha256": checksums.sha256(path)}
        write_json(self.folder / STATE, value | {"progress": dict(progress)})
        for other in self.folder.glob("state-*.safetensors"):
            if other != path:
                other.unlink(missing_ok=True)

    def read(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Tensors and progress; None where there is no state of this training."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            value = read_json(self.folder / STATE)
            if value["identity"] != self.identity:
                log.info("%s: of another training, begun anew", self.folder)
                return None
            path = self.folder / value["file"]
            if checksums.sha256(path) != value["sha256"]:
                log.warning("%s: damaged, the training begins anew", path)
                return None
            return load_file(path), value["progress"]
        except FileNotFoundError:
            return None
        except (SourceError, SafetensorError, OSError, KeyError, TypeError) as error:
            log.warning("%s: cannot be read (%s), the training begins anew", self.folder, error)
            return None

    def clear(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.folder, ignore_errors=True)
