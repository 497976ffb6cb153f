"""What a site writes for programs is no document, whatever it is called; what tells people about it is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamis.readers.for_machines import for_machines
from tamis.readers.record import Record, Skip, read_well
from tamis.readers.text import TextSource

ROBOTS = b"""# Notice: collecting of data on this site through automated means is prohibited unless you have
# express written permission, and may only be conducted for the limited purpose in said permission.

User-agent: *
Allow: /ajax/bz
Disallow: /search   # not here
Disallow: /p/
Crawl-delay: 10

USER-AGENT : Googlebot
disallow:
Sitemap: https://example.org/sitemap.xml
"""
ADS = b"#ads.txt\ngoogle.com, pub-1234567890, DIRECT, f08c47fec0942fa0\nopenx.com,5391,reseller\ncontact=ads@example.org\n"
PAGES = [
    b"The robots exclusion protocol is a file of a site. This one says:\n\nUser-agent: *\nDisallow: /\n\nA crawler\nmay not.\n",
    b"# Robots\n\n```\nUser-agent: *\nDisallow: /\n```\n\nAbove is what we have.\nIt is read by programs.\n",
    b"The shares are sold by banks, direct, and by others, reseller or not.\n",
    b"User-agent strings say which browser asks. They are long, for reasons of history.\nAll begin with Mozilla.\n",
    b"",
    b"# Only a comment\n",
]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ROBOTS, "robots_txt"),
        (b"\xef\xbb\xbf" + ROBOTS.replace(b"\n", b"\r\n"), "robots_txt"),
        (b"User-agent: *\nDisallow: /\n", "robots_txt"),
        (ROBOTS.upper(), "robots_txt"),
        # A line of a site's own.
        (ROBOTS * 2 + b"Nobody reads this\n", "robots_txt"),
        (ADS, "ads_txt"),
        (ADS * 5_000, "ads_txt"),
        *((page, None) for page in PAGES),
    ],
)
def test_files_for_programs_are_told_by_their_lines(data: bytes, reason: str | None) -> None:
    assert for_machines(data) == reason


def test_they_are_listed_by_readers_of_files_and_of_archives(tmp_path: Path) -> None:
    for number, data in enumerate([ROBOTS, ADS, PAGES[0]]):
        (tmp_path / f"{number}.txt").write_bytes(data)
    source = TextSource(name="t", paths=(str(tmp_path / "*.txt"),))
    found = [item for path in source.input_files() for item in source.read(path)]
    assert [item.reason if isinstance(item, Skip) else item.text.encode() for item in found] == [
        "robots_txt",
        "ads_txt",
        PAGES[0],
    ]
    # Nothing went wrong.
    assert all(read_well(item.reason) for item in found if isinstance(item, Skip))
    assert [type(source.whole(str(path), path.read_bytes())) for path in source.input_files()] == [Skip, Skip, Record]
