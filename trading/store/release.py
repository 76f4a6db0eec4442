"""What leaves after a commit, and what leaves without one while the store is in trouble.

Orders that reduce risk and cancellations go out although they cannot be committed; orders that
raise it are withheld for good, because by the all-clear they would be stale. Each exactly once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from tcpproto import Reply
from trading.engine.effects import CancelOrder, CommittedEffect, SubmitOrder
from trading.risk.approval import ApprovedOrder
from trading.store.batch import BrokerEffect


class LinkOutlet(Protocol):
    """Take what goes to the bridge; must not wait."""

    def answer(self, reply: Reply) -> None:
        """Send a reply."""
        ...

    def wake_outbox(self) -> None:
        """Say that the outbox has new committed rows."""
        ...


class BrokerOutlet(Protocol):
    """Take what goes to a broker's worker; must not wait."""

    def prepare(self, approved: ApprovedOrder) -> None:
        """Make an order ready that is being committed: it must not leave before `submit`."""
        ...

    def submit(self, approved: ApprovedOrder) -> None:
        """Send an order."""
        ...

    def cancel(self, account: str, order_id: str) -> None:
        """Ask for a cancellation."""
        ...

    def withhold(self, approved: ApprovedOrder, reason: str) -> None:
        """Say that an order was not sent and never will be."""
        ...


class Released(LinkOutlet, BrokerOutlet, Protocol):
    """Take what may leave; called on the store thread, must not wait."""


class ReleaseRouter:
    """Give the link what is the link's, and each account's broker what is its own."""

    def __init__(self, link: LinkOutlet, brokers: Mapping[str, BrokerOutlet]) -> None:
        self.answer = link.answer
        self.wake_outbox = link.wake_outbox
        self._brokers = brokers

    def prepare(self, approved: ApprovedOrder) -> None:
        """Have an account's broker make an order ready."""
        self._brokers[approved.order.account].prepare(approved)

    def submit(self, approved: ApprovedOrder) -> None:
        """Send an order by its account's broker."""
        self._brokers[approved.order.account].submit(approved)

    def cancel(self, account: str, order_id: str) -> None:
        """Ask the account's broker for a cancellation."""
        self._brokers[account].cancel(account, order_id)

    def withhold(self, approved: ApprovedOrder, reason: str) -> None:
        """Tell the account's broker what will not come."""
        self._brokers[approved.order.account].withhold(approved, reason)


def release_in_trouble(
    effects: Iterable[BrokerEffect], released: BrokerOutlet, reason: str
) -> None:
    """Let out what reduces risk, in order, and withhold the rest."""
    for effect in effects:
        if isinstance(effect, CancelOrder):
            released.cancel(effect.account, effect.order_id)
        elif effect.approved.order.reduce_only:
            released.submit(effect.approved)
        else:
            released.withhold(effect.approved, reason)


def split_unit(
    unit: Sequence[CommittedEffect],
) -> tuple[Sequence[CommittedEffect], list[BrokerEffect]]:
    """Return a unit without what is for brokers, and that."""
    for_brokers = [one for one in unit if isinstance(one, SubmitOrder | CancelOrder)]
    if not for_brokers:
        return unit, for_brokers
    return [one for one in unit if not isinstance(one, SubmitOrder | CancelOrder)], for_brokers
