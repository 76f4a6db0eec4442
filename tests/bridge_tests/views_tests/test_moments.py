"""Times in the reader's zone, and who has set one."""

from pathlib import Path

import pytest

from daemonkit.clock import ManualClock
from telegram.bridge.store.database import Database
from telegram.bridge.store.preferences import PreferenceTable
from telegram.bridge.views.moments import clock_text, find_zone, localize
from telegram.bridge.views.preferences import Preferences

BERLIN = find_zone("Europe/Berlin")
NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("at 2026-11-20 23:30:07Z: x", "at 2026-11-21 00:30:07 CET: x"),
        (" 26-07-01 10:00Z, 04:05:06", " 26-07-01 12:00 CEST, 04:05:06"),
        ("2026-11-20T14:03:07.123Z INFO", "2026-11-20T15:03:07.123 CET INFO"),
        ("2026-13-40 25:00Z", "2026-13-40 25:00Z"),
        ("9999-12-31 23:59Z", "9999-12-31 23:59Z"),
        ("BTC-26-11-20 10:00Z", "BTC-26-11-20 10:00Z"),
        ("2026-11-20 10:00", "2026-11-20 10:00"),
    ],
)
def test_only_what_is_marked_as_utc_is_put_into_local_time(text: str, local: str) -> None:
    assert localize(text, BERLIN) == local
    assert localize(text, None) == text


def test_a_clock_names_its_zone() -> None:
    assert clock_text(NOW, None) == "14:13:20 UTC"
    assert clock_text(NOW, BERLIN) == "16:13:20 CEST"
    assert find_zone("Mars/Olympus") is None
    assert find_zone("../../etc/passwd") is None


def test_wishes_are_kept_over_a_restart_and_a_group_stays_in_utc(tmp_path: Path) -> None:
    clock = ManualClock(wall=NOW, monotonic=0.0)
    database = Database(tmp_path / "bridge.db")
    assert BERLIN is not None
    before = Preferences(PreferenceTable(database), clock)
    before.set_zone("tg:1", "tg:-5", BERLIN)
    before.set_zone("tg:2", "tg:2", BERLIN)
    before.mute("tg:2", NOW + 60)
    after = Preferences(PreferenceTable(database), clock)
    assert after.zone_of("tg:1") == after.zone_of("tg:2") == BERLIN
    assert after.zone_of("tg:-5") is None
    wishes = after.wishes_of("tg:2")
    assert wishes.localize("2026-11-20 10:00Z") == "2026-11-20 11:00 CET"
    assert wishes.is_silent("warning")
    assert not wishes.is_silent("critical")
    clock.advance(61)
    assert not wishes.is_silent("warning")
    after.mute("tg:2", None)
    assert after.muted_until("tg:2") is None
    database.close()
