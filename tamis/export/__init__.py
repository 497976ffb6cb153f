"""How a set is handed to trainers: one global random order, and one module a format.

A format is a module with `FORMAT` (what its files are called), `Config` (its own settings), `VERSION` and `run_write`,
which writes one output shard, and a line in `FORMATS`. The order of the rows (`order.py`) and the card (`card.py`) are
the same for all formats.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pydantic import Field, create_model, model_validator

from tamis.export import order, parquet
from tamis.section import Section

FORMATS: dict[str, ModuleType] = {
    "parquet": parquet,
}
"""Every format by its name: its key under `export.formats`, and its folder `export/<set>/<format>`."""


class _Formats(Section):
    """The formats to write, each with its settings; `{}` stands for the defaults."""

    @model_validator(mode="after")
    def _at_least_one(self) -> _Formats:
        if not self.chosen():
            raise ValueError(f"name at least one format; known: {', '.join(FORMATS)}")
        return self

    def chosen(self) -> dict[str, Any]:
        """The formats that are written: name → settings."""
        return {name: getattr(self, name) for name in FORMATS if getattr(self, name) is not None}


_FIELDS: dict[str, Any] = {
    name: (module.Config | None, Field(None, description=module.Config.__doc__)) for name, module in FORMATS.items()
}

Formats: Any = create_model("Formats", __base__=_Formats, __doc__=_Formats.__doc__, **_FIELDS)
"""`export.formats`: one key a format."""


class Config(order.Config):
    """What is handed to trainers: every mixture, annealing set and the validation split."""

    sets: tuple[str, ...] | None = Field(
        None,
        description="Names of the sets to export ('validation' is one); null: all.",
    )
    formats: Formats = Field(
        default_factory=lambda: Formats.model_validate({"parquet": {}}),
        description="What is written of each set, by name of the format.",
    )

    def order(self) -> order.Config:
        """The part that the order of the rows depends on."""
        return order.Config(shards=self.shards, seed=self.seed)

    def files(self) -> dict[str, str]:
        """Format → its files below the folder of an export, with the wildcard {shard}."""
        return {name: f"{name}/part-{{shard}}{FORMATS[name].FORMAT.suffix}" for name in self.formats.chosen()}
