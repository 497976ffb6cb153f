"""The section `report` of the configuration; it imports nothing heavy, for `tamis.config` needs it at every parse."""

from __future__ import annotations

from pydantic import Field

from tamis.section import Section, Share


class Config(Section):
    """The report page and the database: how much is shown, what raises an alarm."""

    kept_samples: int = Field(
        3, ge=0, le=100, description="Kept documents shown of each stage, and of each kind in the pool."
    )
    dropped_samples: int = Field(3, ge=0, le=100, description="Dropped documents shown of each stage and reason.")
    edited_samples: int = Field(3, ge=0, le=100, description="Documents with cuts shown of each stage and reason.")
    sample_characters: int = Field(700, ge=50, le=20_000, description="Characters shown of each document and each cut.")
    context_characters: int = Field(120, ge=0, le=2_000, description="Characters shown before and after a cut.")
    seed: int = Field(0, ge=0, description="Another seed shows other documents.")
    alarm_lost_share: Share = Field(
        0.9,
        description="Alarm when one stage drops more than this share of the documents of one source or language. In "
        "marin's audit 15 of 113 sources lost more than 0.95 unnoticed (issue 6854).",
    )
    alarm_lost_minimum: int = Field(
        20,
        ge=1,
        description="Documents a source or language must bring to a stage for that alarm; a source of which nothing is "
        "left raises it whatever its size.",
    )
    alarm_skipped_share: Share = Field(
        0.01,
        description="Alarm when more than this share of the records of one source could not be read, or have an empty "
        "text. Empty files (`__init__.py`) raise one above `alarm_lost_share` only.",
    )
    alarm_scored_share: Share = Field(
        0.1,
        description="Alarm when a classifier scores less than this share of the documents that reach it: a kind "
        "without labels, `applies_to` or a cascade lets the others pass unjudged. 0: never.",
    )
    alarm_group: int = Field(
        1_000,
        ge=2,
        description="Alarm when more than this many documents were dropped for the "
        "same kept one: templates in marin's audit reached 743,779 (issue 6851).",
    )
    alarm_baseline: Share = Field(
        0.02,
        description="Alarm when TF-IDF with logistic regression, or length alone, ranks the held-out texts of a "
        "classifier better than it does: by more than this in ROC-AUC, and by more than chance explains (95 %).",
    )
    alarms_fatal: bool = Field(
        False,
        description="Let the workflow fail, after the page and everything else is written, when there is an alarm.",
    )
    largest_groups: int = Field(5, ge=0, le=100, description="Groups of copies listed of each stage, largest first.")
    database_rows: int = Field(
        1_000_000,
        ge=0,
        description="Rows up to which the ledger, the edits, the scores of a stage, counts and plans are copied into "
        "tamis.duckdb, which then answers without the other files; above it, views of the files. A million rows take "
        "2 to 7 s on two cores and 40 to 170 MB. 0: views only.",
    )

    def for_page(self) -> Config:
        """The section without what does not change the page, for its params."""
        return self.model_copy(update={"alarms_fatal": False, "database_rows": 0})
