"""The locks say what pyproject.toml asks for: exact, hashed, the same versions everywhere."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.processes import ROOT

# The extras that each lock serves, besides what both processes need.
LOCKS = {
    "trading": {"trading"},
    "telegram": {"telegram"},
    "run": {"trading", "telegram"},
    "test": {"trading", "telegram", "research", "test"},
    "research": {"research"},
    "rithmic": {"rithmic"},
    "postgres": {"postgres"},
}
_PINNED = re.compile(r"^(?P<name>[a-z0-9.-]+)==(?P<version>\S+)(?: ; (?P<marker>.+))?$")
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _lock_path(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.txt"


def _entries(name: str) -> list[list[str]]:
    """Split a lock into its entries: each a requirement followed by its hashes."""
    text = _lock_path(name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if not line.startswith("#")]
    return [re.split(r"\s+(?=--hash=)", line) for line in lines]


def _versions(name: str) -> dict[str, str]:
    found = (_PINNED.match(entry[0]) for entry in _entries(name))
    return {match["name"]: match["version"] for match in found if match}


def test_every_lock_in_the_folder_is_known_here() -> None:
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(LOCKS)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_pinned_and_hashed(lock: str) -> None:
    for requirement, *hashes in _entries(lock):
        assert _PINNED.match(requirement), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", value) for value in hashes)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_direct_dependency_is_locked_at_a_version_it_allows(lock: str) -> None:
    versions = _versions(lock)
    wanted = [Requirement(text) for text in _PROJECT["dependencies"]]
    for extra in LOCKS[lock]:
        wanted += map(Requirement, _PROJECT["optional-dependencies"][extra])
    for requirement in wanted:
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not locked: run scripts/lock"
        assert requirement.specifier.contains(version), f"{requirement}: {version} is locked"


def test_all_locks_hold_the_same_versions() -> None:
    seen: dict[str, str] = {}
    for lock in LOCKS:
        for name, version in _versions(lock).items():
            assert seen.setdefault(name, version) == version, f"{name} differs in {lock}"


def test_the_run_lock_is_part_of_the_test_lock() -> None:
    assert _versions("run").items() <= _versions("test").items()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_fetch_from(lock: str) -> None:
    text = _lock_path(lock).read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|(^|\s)/", text)


def test_each_process_can_be_installed_without_the_other() -> None:
    assert "ccxt" not in _versions("telegram")
    assert "python-telegram-bot" not in _versions("trading")
