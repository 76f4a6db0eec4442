"""Whether a key is of the account whose orders and positions a database holds.

The exchange's own name of the account is kept when it is first told; a key of another one must
never trade here, whatever a person confirmed.
"""

from collections.abc import Callable
from typing import Final

from trading.brokers.live.connecting import refuse_unsafe_key
from trading.brokers.venue import KeyRights
from trading.errors import WrongOwnerError

ACCOUNT_ID_KEY: Final = "venue_account."


class AccountIdentity:
    """Judge the keys of one account by what the exchange tells of them.

    `keep` has a name kept for the next start; `end` ends the process with an error.
    """

    def __init__(
        self,
        account: str,
        known: str,
        *,
        keep: Callable[[str], None],
        end: Callable[[Exception], None],
    ) -> None:
        self._account = account
        self._known = known
        self._keep = keep
        self._end = end

    def check_trading_key(self, rights: KeyRights) -> str:
        """Return why nothing is risked with a key, or nothing; raise for another account's."""
        self._check_account(rights, may_be_first=True)
        return refuse_unsafe_key(rights)

    def check_reading_key(self, rights: KeyRights) -> str:
        """Return why nothing is read with a key, or nothing; raise for another account's."""
        self._check_account(rights, may_be_first=False)
        if rights.can_withdraw:
            return "the key for reads can withdraw money: make one that cannot"
        return ""

    def _check_account(self, rights: KeyRights, *, may_be_first: bool) -> None:
        found = rights.account_id
        if not found or found == self._known:
            return
        if not self._known:
            if may_be_first:
                self._known = found
                self._keep(found)
            return
        error = WrongOwnerError(
            f"account {self._account}: found a key of account {found} at the exchange, allowed one "
            f"of {self._known}, whose orders and positions are in the database; give the other "
            "account another name, or use another VAR_DIR"
        )
        self._end(error)
        raise error
