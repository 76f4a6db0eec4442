"""A key of another account than the one whose positions are stored trades nothing."""

import pytest

from daemonkit.errors import ExitCode
from trading.account_identity import AccountIdentity
from trading.brokers.venue import KeyRights
from trading.errors import WrongOwnerError


class Desk:
    """An identity, and what it had kept and ended."""

    def __init__(self, known: str = "") -> None:
        self.kept: list[str] = []
        self.ended: list[Exception] = []
        self.identity = AccountIdentity("main", known, keep=self.kept.append, end=self.ended.append)


def test_the_first_name_that_is_told_is_kept_and_holds() -> None:
    desk = Desk()
    assert desk.identity.check_trading_key(KeyRights()) == ""
    assert desk.kept == []
    assert desk.identity.check_trading_key(KeyRights(account_id="AA12")) == ""
    assert desk.identity.check_trading_key(KeyRights(account_id="AA12")) == ""
    # Whoever stops telling it is not another account.
    assert desk.identity.check_trading_key(KeyRights()) == ""
    assert (desk.kept, desk.ended) == (["AA12"], [])
    with pytest.raises(WrongOwnerError):
        desk.identity.check_trading_key(KeyRights(account_id="AA13"))


def test_another_account_ends_the_process_in_words() -> None:
    for is_read in (False, True):
        desk = Desk(known="AA12")
        identity = desk.identity
        check = identity.check_reading_key if is_read else identity.check_trading_key
        with pytest.raises(WrongOwnerError) as caught:
            check(KeyRights(account_id="AA13"))
        assert caught.value.exit_code is ExitCode.CONFIGURATION
        assert desk.ended == [caught.value]
        assert "found a key of account AA13 at the exchange, allowed one of AA12" in str(
            caught.value
        )


def test_the_key_for_reads_names_no_account_and_may_be_unable_to_trade() -> None:
    desk = Desk()
    rights = KeyRights(can_trade=False, can_withdraw=False, account_id="AA12")
    assert desk.identity.check_reading_key(rights) == ""
    assert desk.kept == []
    assert "may not trade" in desk.identity.check_trading_key(rights)


def test_no_key_may_withdraw() -> None:
    desk = Desk()
    assert "can withdraw" in desk.identity.check_trading_key(KeyRights(can_withdraw=True))
    assert "can withdraw" in desk.identity.check_reading_key(KeyRights(can_withdraw=True))
