"""Archives, above all hostile ones: nothing touches the disk, nothing vanishes, nothing grows without bound."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from release_archives import MOMENT, member, tar_bytes, write_tar, write_zip

from tamis.errors import SourceError
from tamis.readers.archive import NO_END, Contents, Limits, contents, members, survey

LIMITS = Limits(member=10_000, archive=1_000_000)


def read(path: Path, data: bytes | None = None, limits: Limits = LIMITS) -> Contents:
    if data is not None:
        path.write_bytes(data)
    return contents(path, lambda name: name.endswith((".txt", "PKG-INFO")), limits)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_every_compression_gives_the_wanted_members(tmp_path: Path, compress: object) -> None:
    data = tar_bytes([member("top/b.txt", b"two"), member("top/a.txt", b"one"), member("top/c.bin", b"no")])
    found = read(tmp_path / "x", compress(data))
    assert found.members == {"a.txt": b"one", "b.txt": b"two"}
    assert found.skipped == []
    assert found.date == datetime.fromtimestamp(MOMENT, tz=UTC)


def test_zip_and_tar_give_the_same(tmp_path: Path) -> None:
    files = {"a.txt": "one", "docs/b.txt": "two"}
    tar, zipped = read(write_tar(tmp_path / "x.tar.gz", files)), read(write_zip(tmp_path / "x.zip", files))
    assert tar.members == zipped.members
    assert tar.date == zipped.date


def test_names_that_climb_are_only_names(tmp_path: Path) -> None:
    names = ["top/../../etc/passwd.txt", "/top/abs.txt", "top\\back.txt", "top/./dot.txt", "top//double.txt"]
    before = sorted(os.walk(tmp_path.parent))
    found = read(tmp_path / "x", tar_bytes([member(name, name.encode()) for name in names]))
    (tmp_path / "x").unlink()
    assert sorted(found.members) == ["abs.txt", "back.txt", "dot.txt", "double.txt", "etc/passwd.txt"]
    assert sorted(os.walk(tmp_path.parent)) == before


def test_without_a_common_top_folder_paths_stay_whole(tmp_path: Path) -> None:
    found = read(tmp_path / "x", tar_bytes([member("a/x.txt", b"1"), member("b/x.txt", b"2")]))
    assert found.members == {"a/x.txt": b"1", "b/x.txt": b"2"}


def test_links_and_devices_are_listed_and_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    found = read(
        tmp_path / "x",
        tar_bytes(
            [
                member("top/link.txt", type=tarfile.SYMTYPE, linkname=str(secret)),
                member("top/hard.txt", type=tarfile.LNKTYPE, linkname="top/a.txt"),
                member("top/device.txt", type=tarfile.CHRTYPE),
                member("top/pipe.txt", type=tarfile.FIFOTYPE),
                member("top/folder", type=tarfile.DIRTYPE),
                member("top/a.txt", b"fine"),
            ]
        ),
    )
    assert found.members == {"a.txt": b"fine"}
    assert [(name, reason) for name, reason, _ in found.skipped] == [
        ("device.txt", "special_file"),
        ("hard.txt", "link"),
        ("link.txt", "link"),
        ("pipe.txt", "special_file"),
    ]


def test_a_link_in_a_zip_is_listed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("top/link.txt")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("top/a.txt", "fine")
    found = read(tmp_path / "x.zip")
    assert found.members == {"a.txt": b"fine"}
    assert found.skipped[0][:2] == ("link.txt", "link")


def test_of_members_with_one_name_the_last_counts_and_the_first_is_listed(tmp_path: Path) -> None:
    found = read(tmp_path / "x", tar_bytes([member("top/a.txt", b"first"), member("top/./a.txt", b"last")]))
    assert found.members == {"a.txt": b"last"}
    assert found.skipped == [("a.txt", "duplicate_member", "a later member has the same name")]


def test_a_member_over_the_limit_is_listed_with_its_size(tmp_path: Path) -> None:
    files = {"a.txt": b"x" * 10_001, "b.txt": b"fine"}
    for path in (write_tar(tmp_path / "x.tar.gz", files), write_zip(tmp_path / "x.zip", files)):
        found = read(path)
        assert "a.txt" not in found.members
        assert found.members["b.txt"] == b"fine"
        assert found.skipped == [("a.txt", "too_large", "10001 bytes, limit 10000")]


def test_a_bomb_is_refused_before_it_is_held(tmp_path: Path) -> None:
    bomb = gzip.compress(tar_bytes([member("top/zeros.bin", bytes(5_000_000))]))
    assert len(bomb) < 10_000
    with pytest.raises(SourceError, match="more than 1000000 bytes"):
        read(tmp_path / "x", bomb)
    many = {f"{i}.txt": b"x" * 9_000 for i in range(200)}
    for path in (write_tar(tmp_path / "x.tar.gz", many), write_zip(tmp_path / "x.zip", many)):
        with pytest.raises(SourceError, match="more than 1000000 bytes"):
            read(path)


def test_a_sparse_member_of_a_terabyte_is_listed_not_expanded(tmp_path: Path) -> None:
    info, data = member("top/sparse.txt", b"1\n0\n1\n" + b"\0" * 506 + b"x")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "top/sparse.txt",
                        "GNU.sparse.realsize": str(10**12)}  # fmt: skip
    found = read(tmp_path / "x", tar_bytes([(info, data), member("top/a.txt", b"fine")]))
    assert found.members == {"a.txt": b"fine"}
    assert found.skipped[0][:2] == ("sparse.txt", "too_large")


@pytest.mark.parametrize("cut", [1, 5, 400, 2_000])
def test_a_truncated_archive_is_an_error_that_names_it(tmp_path: Path, cut: int) -> None:
    files = {f"{i}.txt": os.urandom(2_000).hex() for i in range(20)}
    for path in (write_tar(tmp_path / "x.tar.gz", files), write_zip(tmp_path / "x.zip", files)):
        with pytest.raises(SourceError, match=path.name):
            read(path, path.read_bytes()[:-cut])


def test_a_tar_that_ends_between_two_members_is_listed(tmp_path: Path) -> None:
    whole = tar_bytes([member("top/a.txt", b"one"), member("top/b.txt", b"two")])
    for data in (whole[:1024], gzip.compress(whole[:2048])):
        found = read(tmp_path / "x", data)
        assert "a.txt" in found.members
        assert [entry[:2] for entry in found.skipped] == [("", NO_END)]
        seen = survey(tmp_path / "x", lambda _: False, LIMITS)
        (*_, last) = members(tmp_path / "x", seen, lambda name: name == "a.txt", LIMITS)
        assert (last.path, last.refused and last.refused[0]) == ("", NO_END)
    # One block of zeros is enough, as for other programs; GNU tar pads to twenty.
    assert read(tmp_path / "x", whole[:2048] + bytes(512)).skipped == []


def test_a_damaged_header_inside_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    data = bytearray(tar_bytes([member("top/a.txt", b"one"), member("top/b.txt", b"two")]))
    data[1024 + 3] ^= 0xFF
    with tarfile.open(fileobj=io.BytesIO(bytes(data))) as archive:
        assert len(archive.getnames()) == 1, "tarfile alone drops the second member in silence"
    with pytest.raises(SourceError, match="not a whole source release"):
        read(tmp_path / "x", bytes(data))


def test_a_flipped_byte_is_noticed_by_the_checksum(tmp_path: Path) -> None:
    for path in (write_tar(tmp_path / "x.tar.gz", {"a.txt": os.urandom(4_000).hex()}),
                 write_zip(tmp_path / "x.zip", {"a.txt": os.urandom(4_000).hex()})):  # fmt: skip
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x55
        with pytest.raises(SourceError):
            read(path, bytes(data))


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", b"PK\x03\x04", b"plain text, no archive at all" * 100])
def test_what_is_no_archive_is_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SourceError, match="not a whole source release"):
        read(tmp_path / "x", data)


def test_a_missing_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="gone"):
        read(tmp_path / "gone")


@pytest.mark.parametrize("moment", [0, 315_532_800, 1_580_601_600, 1e20, -5.0])
def test_a_time_that_no_release_has_is_no_date(tmp_path: Path, moment: float) -> None:
    assert read(tmp_path / "x", tar_bytes([member("top/a.txt", b"x", mtime=moment)])).date is None


def test_the_date_is_the_newest_member_s(tmp_path: Path) -> None:
    data = tar_bytes([member("top/a.txt", b"x", mtime=1_580_601_600), member("top/b.bin", b"y", mtime=MOMENT + 0.5)])
    assert read(tmp_path / "x", data).date == datetime.fromtimestamp(MOMENT, tz=UTC)


def test_an_encrypted_zip_member_is_listed(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.txt": "one"})
    data = bytearray(path.read_bytes())
    # Bit 0 of the flags of the last central directory entry.
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    found = read(path, bytes(data))
    assert ("a.txt", "encrypted") in [(name, reason) for name, reason, _ in found.skipped]
