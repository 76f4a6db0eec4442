"""Which accounts and markets a command means, and what is said when it means none of them."""

from collections.abc import Mapping

from tcpproto.misspelt import unknown_market
from trading.engine.command_call import Call, NotPossibleError
from trading.engine.desks import AccountDesk
from trading.model.account import MarketKey


class Places:
    """Find the accounts and markets that commands name."""

    def __init__(self, desks: Mapping[str, AccountDesk]) -> None:
        self._desks = desks

    def desks(self, call: Call) -> list[AccountDesk]:
        """Return the account that a command names, or all."""
        if not call.account:
            return list(self._desks.values())
        desk = self._desks.get(call.account)
        if desk is None:
            known = ", ".join(self._desks)
            raise NotPossibleError(f"no account {call.account}; there is {known}")
        return [desk]

    def keys(self, call: Call) -> list[MarketKey]:
        """Return every market of every account that a command means."""
        desks = self.desks(call)
        if call.symbol is None:
            return [key for desk in desks for key in desk.markets.values()]
        keys = [desk.markets[call.symbol] for desk in desks if call.symbol in desk.markets]
        if not keys:
            raise NotPossibleError(self._unknown(call.symbol, desks))
        return keys

    def one_account_keys(self, call: Call) -> list[MarketKey]:
        """Return the markets of the one account meant; which one must not be guessed."""
        keys = self.keys(call)
        accounts = sorted({key.account for key in keys})
        if len(accounts) > 1:
            names = " or ".join(f"@:{name}" for name in accounts)
            raise NotPossibleError(f"in which account? add {names}")
        return keys

    @staticmethod
    def _unknown(symbol: str, desks: list[AccountDesk]) -> str:
        known = sorted({name for desk in desks for name in desk.markets})
        return unknown_market(symbol, known)
