"""What a results folder holds: the order of its stages, its shards, and the names of what it delivers.

`layout.json` is written first of all, so that the results describe themselves without the configuration, and so
that questions can be put to a run that is unfinished or was killed. It lists every file that the run makes: what an
earlier one with more shards or other mixtures left behind is never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from tamis.errors import SourceError
from tamis.ids import home_shard
from tamis.inventory import Inventory, unpack
from tamis.privacy.kinds import PrivateKind
from tamis.section import Section
from tamis.shards import part_name, read_json, write_json

VERSION = 2

FILE = "layout.json"

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
"""A name that becomes a folder: nothing that could leave the results folder or end a quoted string."""


class Private(Section):
    """What counts as private; see the section `privacy`."""

    kinds: tuple[PrivateKind, ...]
    phone_regions: tuple[str, ...]
    names: bool = Field(False, description="Whether persons' names are, which a model finds that is not asked here.")


class Layout(Section):
    """The value of `layout.json`."""

    stages: tuple[Name, ...] = Field(min_length=1, description="Stages with documents, in order; the last is the pool.")
    shards: int = Field(ge=1, description="Number of shards of every stage.")
    mixtures: tuple[Name, ...] = Field((), description="Names under `mixtures/`.")
    annealing: tuple[Name, ...] = Field((), description="Names under `annealing/`.")
    exports: tuple[Name, ...] = Field((), description="Names under `export/`.")
    classifiers: dict[Name, str] = Field(
        default_factory=dict, description="Classifiers that have no section of their own: name, and what kind it is."
    )
    validation: bool = Field(False, description="Whether a validation split was reserved.")
    privacy: Private | None = Field(
        None,
        description="Where the run has that stage: what the page and `tamis why` blot out of the texts that they show.",
    )
    inventory: Inventory = Field(Inventory(), description="All files that the run makes.")


def planned_layout(config: Any, exports: Iterable[str], classifiers: Mapping[str, str]) -> dict[str, Any]:
    """The fields of `Layout` for a run that is about to begin.

    Args:
        config: the checked configuration.
        classifiers: those that have no section of their own, of this run and of earlier ones.
        exports: names of the sets that are exported.
    """
    private = config.privacy.model_dump(mode="json", include={"kinds", "phone_regions"})
    private["names"] = bool(config.privacy.names)
    return {
        "stages": ["ingest", *config.pipeline, *(["tokenizer"] if config.tokenizer else [])],
        "shards": config.shards,
        "mixtures": list(config.mixtures or {}),
        "annealing": list(config.annealing or {}),
        "exports": list(exports),
        "classifiers": dict(classifiers),
        "validation": config.validation is not None,
        "privacy": private if "privacy" in config.pipeline else None,
    }


def known_classifiers(results: Path) -> dict[str, str]:
    """Classifiers without a section of their own that any run into a folder had, by name: what kind each is.

    What they made is known by it once they have left the configuration. Nothing where there was no run, or where what
    it says of itself is damaged.
    """
    try:
        return Results.open(results).layout.classifiers
    except SourceError:
        return {}


@dataclass(frozen=True)
class Delivery:
    """One set of documents that a user receives: a mixture, an annealing set, the validation split, an export."""

    group: str
    name: str

    @property
    def label(self) -> str:
        """`mixtures/main`, or `validation`."""
        return f"{self.group}/{self.name}" if self.name else self.group


@dataclass(frozen=True)
class Results:
    """A results folder with its layout."""

    folder: Path
    layout: Layout

    @classmethod
    def open(cls, folder: Path) -> Results:
        """Open a results folder.

        Raises:
            SourceError: it holds no layout, or a damaged one.
        """
        path = folder / FILE
        try:
            return cls(folder, Layout.model_validate(read_json(path)))
        except (FileNotFoundError, NotADirectoryError) as error:
            msg = (
                f"{path}: missing, so {folder} is not the results of a run. Start one with `make run` or `tamis run`, "
                "or name the folder with --results. (After a run of single stages: `tamis run report_layout` with its "
                "--configfile, --config and --directory.)"
            )
            raise SourceError(msg) from error
        except (ValueError, ValidationError) as error:
            msg = f"{path}: damaged ({error}). Delete it and run the workflow again."
            raise SourceError(msg) from error

    def parts(self, stage: str, what: str) -> list[Path]:
        """The files of all shards of one stage, if all are there, else none.

        Args:
            stage: name of the stage.
            what: documents, dropped, edits, scores or stats.
        """
        suffix = ".json" if what == "stats" else ".parquet"
        paths = [self.folder / stage / what / f"{part_name(shard)}{suffix}" for shard in range(self.layout.shards)]
        return paths if all(path.exists() for path in paths) else []

    def part(self, stage: str, what: str, document_id: str) -> Path:
        """The file of one stage that a document's rows are in, by its home shard (16 hex characters are enough)."""
        return self.folder / stage / what / f"{part_name(home_shard(document_id, self.layout.shards))}.parquet"

    def before(self, stage: str) -> str:
        """The stage whose documents this one reads; ingest's own where there is none before."""
        return self.layout.stages[max(0, self.layout.stages.index(stage) - 1)]

    def deliveries(self) -> list[Delivery]:
        """Everything a user receives, in the order in which it is made."""
        found = [Delivery("validation", "")] if self.layout.validation else []
        found += [Delivery("annealing", name) for name in self.layout.annealing]
        found += [Delivery("mixtures", name) for name in self.layout.mixtures]
        return found + [Delivery("export", name) for name in self.layout.exports]

    def delivered_files(self, delivery: Delivery) -> list[Path]:
        """All files of a delivery that are there except its stats, sorted by path."""
        stats = f"{delivery.label}/stats/"
        paths = [path for path in self.layout.inventory.below(delivery.label) if not path.startswith(stats)]
        return self._there(paths)

    def _there(self, paths: Iterable[str]) -> list[Path]:
        return [path for name in paths if (path := self.folder / name).is_file()]

    def delivered_documents(self, delivery: Delivery) -> list[Path]:
        """The Parquet files that hold a delivery's documents."""
        return [
            path for path in self.delivered_files(delivery) if path.suffix == ".parquet" and path.name != "plan.parquet"
        ]

    def skipped(self) -> list[Path]:
        """Lists of records that ingest could not read."""
        return self._there(self.layout.inventory.below("ingest/skipped"))


def run_write(*, layout: dict[str, Any], inventory: str, output: Path) -> None:
    """Write `layout.json`.

    Args:
        layout: fields of `Layout`.
        inventory: all files that are made (`tamis.inventory.pack`).
        output: the file.
    """
    value = Layout.model_validate({**layout, "inventory": unpack(inventory)})
    write_json(output, value.model_dump(mode="json"))
