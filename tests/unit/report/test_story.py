"""Why a record was skipped, asked by the path of its file or by its URL."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq

from tamis import schemas
from tamis.report import story


def test_a_skipped_page_of_an_archive_is_found_by_its_url(tmp_path: Path) -> None:
    details = [
        "offset 7: 404, http://x.example/a",
        "offset 9: http://x.example/robots.txt",
        "offset 11: 404, http://x.example/b?from=http://x.example/a",
        "offset 12: 404, http://other.example/a",
    ]
    rows = [
        {"source": "web", "path": "crawl/1.warc.gz", "record": number, "reason": "http_status", "detail": detail}
        for number, detail in enumerate(details, 1)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schemas.SKIPPED), tmp_path / "part-00000.parquet")
    results = SimpleNamespace(skipped=lambda: [tmp_path / "part-00000.parquet"])

    def found(name: str) -> list[int]:
        return [row["record"] for row in story._skipped(results, name)]

    assert found("http://x.example/a") == [1]
    assert found("http://x.example/robots.txt") == [2]
    assert found("1.warc.gz") == [1, 2, 3, 4]
    # A word at the end of a detail is no URL.
    assert found("example/a") == found("a") == []
