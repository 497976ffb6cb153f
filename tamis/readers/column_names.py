"""What formats with columns share: the names of those that are text, URL, date, kind and parent."""

from __future__ import annotations

from pydantic import Field

from tamis.readers.record import Source


class ColumnSource(Source):
    """Base of the sections of tables."""

    text_column: str = Field(default="text", min_length=1, description="Name of the column that holds the text.")
    url_column: str | None = Field(
        default="url",
        description="Name of the column that holds the URL, or null for none. `url` may be absent, any other must be "
        "there.",
    )
    date_column: str | None = Field(
        default="date",
        description="Name of the column that holds the date (a timestamp, ISO 8601, a year, or seconds since 1970), "
        "or null for none. `date` may be absent, any other must be there.",
    )
    kind_column: str | None = Field(
        default=None, description="Name of a column that holds the kind; a value that is no kind falls back to `kind`."
    )
    parent_column: str | None = Field(
        default=None,
        description="Name of a column that holds, for extracts, the URL (or tamis id) of the document that the text "
        "was taken from; null or empty where it is none.",
    )

    @property
    def own_columns(self) -> tuple[str | None, ...]:
        """The names of the five, in this order."""
        return (self.text_column, self.url_column, self.date_column, self.kind_column, self.parent_column)
