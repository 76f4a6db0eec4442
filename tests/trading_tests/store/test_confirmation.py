"""A live account trades only with the key that a person has confirmed for it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from daemonkit.errors import ExitCode, StateError
from trading.errors import NotConfirmedError, WrongOwnerError
from trading.store.confirmation import Confirmed, check_confirmed, confirm_keys, read_confirmed
from trading.store.database import open_state_database
from trading.store.ownership import AccountOwner, Owner

LIVE = AccountOwner("kraken", "live")
OWNER = Owner("mine", "kraken", "live", (("main", LIVE), ("second", LIVE)))
COMMAND = "python -m trading confirm bots/mine"


def check(path: Path, keys: dict[str, str], owner: Owner = OWNER) -> None:
    check_confirmed(path, owner, keys, command=COMMAND)


def test_an_account_that_nobody_confirmed_ends_the_start_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with pytest.raises(NotConfirmedError) as caught:
        check(path, {"main": "aaaa"})
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    said = str(caught.value)
    assert "account main: found no confirmation" in said
    assert "at kraken with key aaaa" in said
    assert said.endswith(COMMAND)
    assert not path.exists()
    check(path, {})


def test_what_was_confirmed_holds_for_that_key_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    confirm_keys(path, OWNER, {"main": Confirmed("aaaa", 1.5)}, "")
    check(path, {"main": "aaaa"})
    with pytest.raises(NotConfirmedError, match="account second: found no confirmation"):
        check(path, {"main": "aaaa", "second": "bbbb"})
    with pytest.raises(NotConfirmedError, match="found key cccc, confirmed was aaaa") as caught:
        check(path, {"main": "cccc"})
    assert COMMAND in str(caught.value)
    confirm_keys(path, OWNER, {"second": Confirmed("bbbb", 2), "main": Confirmed("cccc", 3)}, "")
    check(path, {"main": "cccc", "second": "bbbb"})
    assert read_confirmed(path, OWNER)["main"] == Confirmed("cccc", 3.0)
    # The bot opens it as before.
    open_state_database(path, OWNER, epoch="e", restore_hint="").close()
    check(path, {"main": "cccc"})


@pytest.mark.parametrize("mode", ["paper", "sandbox"])
def test_a_database_of_other_money_cannot_be_confirmed(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "state.db"
    other = Owner("mine", "kraken", mode, (("main", AccountOwner("kraken", mode)),))
    open_state_database(path, other, epoch="e", restore_hint="").close()
    with pytest.raises(WrongOwnerError, match="account main"):
        check(path, {"main": "aaaa"})
    with pytest.raises(WrongOwnerError, match="account main"):
        confirm_keys(path, OWNER, {"main": Confirmed("aaaa", 1)}, "")
    assert read_confirmed(path, other) == {}


@pytest.mark.parametrize(
    "text", ["x", "[]", '{"main": 1}', '{"main": ["a"]}', '{"main": [1, "x"]}']
)
def test_a_confirmation_that_cannot_be_read_ends_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.db"
    confirm_keys(path, OWNER, {"main": Confirmed("aaaa", 1)}, "")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE owner SET value = ? WHERE key = 'confirmed'", (text,))
        connection.commit()
    with pytest.raises(StateError, match="owner confirmed: found"):
        check(path, {"main": "aaaa"})
