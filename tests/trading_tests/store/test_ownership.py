"""Whom a database belongs to: its accounts may become more, and never change sides."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from daemonkit.errors import ExitCode, StateError
from trading.errors import WrongOwnerError
from trading.store.database import open_state_database
from trading.store.ownership import AccountOwner, Owner

PAPER = AccountOwner("kraken", "paper")
LIVE = AccountOwner("kraken", "live")
SANDBOX = AccountOwner("kraken", "sandbox")


def owner(**accounts: AccountOwner) -> Owner:
    return Owner("mine", "kraken", "paper", tuple(accounts.items()))


def open_and_close(folder: Path, wanted: Owner) -> None:
    open_state_database(folder / "state.db", wanted, epoch="e", restore_hint="").close()


def test_an_account_may_be_added_and_left_out_later(tmp_path: Path) -> None:
    open_and_close(tmp_path, owner(main=PAPER))
    open_and_close(tmp_path, owner(main=PAPER, real=LIVE))
    open_and_close(tmp_path, owner(main=PAPER))
    # What it was once it stays, also while it was not in the configuration.
    with pytest.raises(WrongOwnerError, match="account real: found real positions"):
        open_and_close(tmp_path, owner(main=PAPER, real=PAPER))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (PAPER, LIVE, "found positions and trades on paper, allowed live"),
        (LIVE, PAPER, "found real positions and trades, allowed paper"),
        (PAPER, SANDBOX, "found positions and trades on paper, allowed sandbox"),
        (SANDBOX, LIVE, "found positions and trades at a test venue, allowed live"),
        (LIVE, SANDBOX, "found real positions and trades, allowed sandbox"),
        (PAPER, AccountOwner("coinbase", "paper"), "found exchange kraken, allowed coinbase"),
    ],
)
def test_an_account_never_changes_sides(
    tmp_path: Path, before: AccountOwner, after: AccountOwner, words: str
) -> None:
    open_and_close(tmp_path, owner(main=before))
    with pytest.raises(WrongOwnerError) as caught:
        open_and_close(tmp_path, owner(main=after, more=PAPER))
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert f"account main: {words}" in str(caught.value)
    assert "another VAR_DIR" in str(caught.value)
    # Refused means untouched: the new account is not noted either.
    open_and_close(tmp_path, owner(main=before, more=LIVE))


SPOT = AccountOwner("kraken", "live", "spot")
MARGIN = AccountOwner("kraken", "live", "margin")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (SPOT, MARGIN, "found a spot account, allowed margin"),
        (MARGIN, SPOT, "found a margin account, allowed spot"),
        (
            AccountOwner("kraken", "sandbox", "swap"),
            AccountOwner("kraken", "sandbox", "spot"),
            "found a swap account, allowed spot",
        ),
    ],
)
def test_what_is_held_for_real_stays_of_its_kind(
    tmp_path: Path, before: AccountOwner, after: AccountOwner, words: str
) -> None:
    open_and_close(tmp_path, owner(main=before))
    with pytest.raises(WrongOwnerError) as caught:
        open_and_close(tmp_path, owner(main=after))
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert f"account main: {words}" in str(caught.value)
    assert f"market_type: {before.market_type}" in str(caught.value)
    open_and_close(tmp_path, owner(main=before))


def test_on_paper_the_kind_of_an_account_may_change(tmp_path: Path) -> None:
    for kind in ("spot", "margin", "spot"):
        open_and_close(tmp_path, owner(main=AccountOwner("kraken", "paper", kind)))


def test_a_database_from_before_kinds_were_kept_takes_the_first_one(tmp_path: Path) -> None:
    open_and_close(tmp_path, owner(main=LIVE))
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute(
            "UPDATE owner SET value = ? WHERE key = 'accounts'", ('{"main": ["kraken", "live"]}',)
        )
        connection.commit()
    open_and_close(tmp_path, owner(main=SPOT))
    # Whoever does not say it takes nothing back.
    open_and_close(tmp_path, owner(main=LIVE))
    with pytest.raises(WrongOwnerError, match="found a spot account"):
        open_and_close(tmp_path, owner(main=MARGIN))


def test_a_database_from_before_there_were_accounts_has_one_named_main(tmp_path: Path) -> None:
    open_and_close(tmp_path, Owner("mine", "kraken", "paper"))
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("DELETE FROM owner WHERE key = 'accounts'")
        connection.commit()
    with pytest.raises(WrongOwnerError, match="account main"):
        open_and_close(tmp_path, owner(main=LIVE))
    open_and_close(tmp_path, owner(main=PAPER, second=LIVE))
    with pytest.raises(WrongOwnerError, match="account second"):
        open_and_close(tmp_path, owner(main=PAPER, second=PAPER))


def test_the_bot_must_be_the_same(tmp_path: Path) -> None:
    open_and_close(tmp_path, owner(main=PAPER))
    with pytest.raises(WrongOwnerError, match="bot: found mine, allowed yours"):
        open_and_close(tmp_path, Owner("yours", "kraken", "paper", (("main", PAPER),)))


@pytest.mark.parametrize("text", ["x", "[]", '{"main": 1}', '{"main": ["kraken"]}'])
def test_an_owner_that_cannot_be_read_ends_the_start(tmp_path: Path, text: str) -> None:
    open_and_close(tmp_path, owner(main=PAPER))
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("UPDATE owner SET value = ? WHERE key = 'accounts'", (text,))
        connection.commit()
    with pytest.raises(StateError, match="owner accounts: found"):
        open_and_close(tmp_path, owner(main=PAPER))
