"""The folder for compiled kernels is this user's alone, wherever it stands, and there is one without a home."""

import grp
import os
import pwd
import time
from types import SimpleNamespace

import pytest

from tamis import launch, user_cache
from tamis.user_cache import UNUSED_DAYS, own_folder

NAME = "numba-0123456789abcdef"


@pytest.fixture(autouse=True, name="home")
def _home(tmp_path, monkeypatch):
    """A home and a folder for temporary files, both empty."""
    for name in ("home", "temporary", "xdg"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setattr(user_cache, "_temporary_homes", lambda: iter([tmp_path / "temporary" / "tamis-1"]))
    return tmp_path / "home"


@pytest.fixture(name="fallback")
def _fallback(tmp_path):
    return tmp_path / "temporary" / "tamis-1" / "tamis" / NAME


def test_the_place_is_the_one_chosen_then_the_users_cache_then_temporary(home, tmp_path, monkeypatch, fallback):
    assert own_folder(NAME) == home / ".cache" / "tamis" / NAME
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert own_folder(NAME) == tmp_path / "xdg" / "tamis" / NAME
    assert own_folder(NAME, str(tmp_path / "chosen")) == tmp_path / "chosen" / "tamis" / NAME
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert own_folder(NAME) == home / ".cache" / "tamis" / NAME
    monkeypatch.setenv("HOME", "/dev/null")
    assert own_folder(NAME) == fallback
    for folder in (home / ".cache", home / ".cache" / "tamis", fallback.parent.parent, fallback):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_user_without_a_home_has_a_folder(monkeypatch, fallback):
    def unknown(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert own_folder(NAME) == fallback


def test_a_home_that_is_not_there_is_not_made(home, monkeypatch, fallback):
    monkeypatch.setenv("HOME", str(home / "missing"))
    assert own_folder(NAME) == fallback
    assert not list(home.iterdir())


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
@pytest.mark.parametrize("which", ["tamis", f"tamis/{NAME}"])
def test_a_folder_that_others_can_write_to_is_not_used(home, fallback, mode, which):
    own_folder(NAME)
    (home / ".cache" / which).chmod(mode)
    assert own_folder(NAME) == fallback


def test_a_folder_of_another_user_is_not_used(tmp_path, home, fallback, monkeypatch, caplog):
    own_folder(NAME)
    own_folder(NAME, str(tmp_path / "chosen"))
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert own_folder(NAME, str(tmp_path / "chosen")) is None
    assert "belongs to another user" in caplog.text
    assert "NUMBA_CACHE_DIR" in caplog.text


@pytest.mark.parametrize(("mode", "used"), [(0o777, False), (0o775, False), (0o1777, True), (0o755, True)])
def test_a_folder_that_others_can_replace_is_not_used(home, fallback, monkeypatch, mode, used):
    monkeypatch.setattr(user_cache, "_is_own_group", lambda group: False)
    home.chmod(mode)
    assert own_folder(NAME) == (home / ".cache" / "tamis" / NAME if used else fallback)
    # Who can write around a folder that the user names is the user's business.
    assert own_folder(NAME, str(home)) == home / "tamis" / NAME


def test_a_home_that_the_users_own_group_can_write_to_is_used(home, fallback, monkeypatch):
    home.chmod(0o775)
    monkeypatch.setattr(pwd, "getpwuid", lambda number: SimpleNamespace(pw_name="ada", pw_dir=str(home)))
    for group, members, expected in (
        ("ada", [], home / ".cache" / "tamis" / NAME),
        ("ada", ["ada"], home / ".cache" / "tamis" / NAME),
        ("ada", ["ada", "eve"], fallback),
        ("staff", [], fallback),
    ):
        found = SimpleNamespace(gr_name=group, gr_mem=members)
        monkeypatch.setattr(grp, "getgrgid", lambda number, found=found: found)
        assert own_folder(NAME) == expected

    def unknown(number):
        raise KeyError(number)

    monkeypatch.setattr(grp, "getgrgid", unknown)
    assert own_folder(NAME) == fallback


def test_a_link_is_followed_and_what_it_leads_to_is_checked(home, tmp_path, fallback):
    elsewhere = tmp_path / "scratch"
    elsewhere.mkdir(mode=0o700)
    (home / ".cache").symlink_to(elsewhere)
    assert own_folder(NAME) == elsewhere / "tamis" / NAME
    (elsewhere / "tamis" / NAME).chmod(0o777)
    assert own_folder(NAME) == fallback


def test_where_the_chosen_folder_cannot_be_used_the_log_says_what_is(home, caplog):
    assert own_folder(NAME, "/dev/null") == home / ".cache" / "tamis" / NAME
    assert "instead of /dev/null" in caplog.text


def test_a_link_to_itself_is_not_used(home, fallback):
    (home / ".cache").mkdir()
    (home / ".cache" / "tamis").symlink_to("tamis")
    assert own_folder(NAME) == fallback


def test_kernels_of_other_versions_go_when_nobody_uses_them(home):
    place = home / ".cache" / "tamis"
    old, recent, new = (f"numba-{digit * 16}" for digit in "012")
    for name in (old, recent):
        (own_folder(name) / "kernel.nbc").write_bytes(b"code")
    (place / "other").mkdir()
    (place / "numba-link").symlink_to(place / "other")
    past = time.time() - (UNUSED_DAYS + 1) * 24 * 3600
    for name in (old, recent, "other"):
        os.utime(place / name, (past, past))
    os.utime(place / "numba-link", (past, past), follow_symlinks=False)
    # To be used is to be kept.
    own_folder(recent)
    assert (place / old).exists()
    own_folder(new)
    assert sorted(path.name for path in place.iterdir() if not path.is_symlink()) == [recent, new, "other"]


def test_a_run_is_given_a_cache_where_the_user_has_none(home, tmp_path, monkeypatch):
    assert launch.environment().get("XDG_CACHE_HOME") is None
    assert launch.environment()["TORCHINDUCTOR_CACHE_DIR"] == str(home / ".cache" / "torchinductor")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/chosen")
    assert launch.environment()["TORCHINDUCTOR_CACHE_DIR"] == "/chosen"
    monkeypatch.setenv("HOME", "/dev/null")
    given = tmp_path / "temporary" / "tamis-1"
    assert launch.environment()["XDG_CACHE_HOME"] == str(given)
    given.chmod(0o777)
    assert "XDG_CACHE_HOME" not in launch.environment()


def test_models_in_a_cache_that_is_read_only_are_still_found(home, tmp_path, monkeypatch):
    models = home / ".cache" / "huggingface"
    models.mkdir(parents=True)
    assert "HF_HOME" not in launch.environment()
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != home / ".cache" and may(path, mode))
    assert launch.environment()["HF_HOME"] == str(models)
    assert launch.environment()["XDG_CACHE_HOME"] == str(tmp_path / "temporary" / "tamis-1")
    monkeypatch.setenv("HF_HOME", "/chosen")
    assert launch.environment()["HF_HOME"] == "/chosen"
