"""The sets of a checked configuration, as the workflow must know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from tamis.section import Section
from tamis.sets.checks import excluded_sets


class Layout(Section):
    """What a set's layout depends on."""

    files: int = Field(4, ge=1, le=10_000, description="Files that the set's documents are laid out in.")


@dataclass(frozen=True)
class ConfiguredSet:
    """A set of the configuration, as the workflow must know it."""

    folder: str
    """Below the results: "validation", "annealing/<name>" or "mixtures/<name>"."""
    section: Any
    excluded: tuple[str, ...]
    """Folders of the sets whose documents it may not take."""
    exported: bool
    export_files: int

    @property
    def stage(self) -> str:
        """Whose plan it follows: "validation", "annealing" or "mixtures"."""
        return self.folder.split("/", maxsplit=1)[0]

    @property
    def name(self) -> str:
        """Its name, also that of its export: no two sets share one."""
        return self.folder.rpartition("/")[2]

    def plan_params(self) -> dict[str, Any]:
        """What the job depends on that plans it."""
        return {"config": self.section, "name": self.name, "excluded": self.excluded}

    def layout_params(self) -> dict[str, Any]:
        """What the jobs depend on that write its documents."""
        return {"config": Layout(files=self.section.files), "name": self.folder}

    def export_params(self) -> dict[str, Any]:
        """What the jobs depend on that export it."""
        return {"name": self.folder, "shards": self.export_files}


def configured_sets(config: Any) -> dict[str, ConfiguredSet]:
    """All sets of a checked configuration by folder: validation, annealing sets, mixtures."""
    annealing, mixtures = config.annealing or {}, config.mixtures or {}
    sections = {"validation": config.validation} if config.validation else {}
    sections |= {f"annealing/{name}": section for name, section in annealing.items()}
    sections |= {f"mixtures/{name}": section for name, section in mixtures.items()}
    found = {}
    for folder, section in sections.items():
        stage, _, name = folder.partition("/")
        excluded = excluded_sets(
            stage, name, validation=config.validation is not None, annealing=annealing, mixtures=mixtures
        )
        exported = config.export.sets is None or folder.rpartition("/")[2] in config.export.sets
        found[folder] = ConfiguredSet(folder, section, tuple(excluded), exported, config.export.shards or section.files)
    return found
