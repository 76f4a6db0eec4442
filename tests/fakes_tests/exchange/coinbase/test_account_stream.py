"""The user channel of the fake Coinbase: who is told of an account, and what."""

import json
from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.coinbase_streams import CoinbaseStreams
from tests.fakes.exchange.coinbase_token import new_secret
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import MarketKind, OrderKind, Rights, Side, Wish
from tests.fakes.exchange.venues import KEY, coinbase_secret, usual_engine, usual_markets

D = Decimal
NOON = 1_767_614_400  # 2026-01-05 12:00 UTC
OTHER = "key-of-another"


class _Client:
    """One connection without a network, on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock(float(NOON))
        self.engine: Engine = usual_engine(
            usual_markets("USD", MarketKind.SPOT), clock=self.clock, secret=coinbase_secret()
        )[0]
        self.complaints: list[str] = []
        self.sent: list[Any] = []
        self.streams = CoinbaseStreams(self.engine, self.complaints, self.sent.append)
        self.engine.listen(self.streams.take)

    def subscribe(self, token: str, channel: str = "user") -> None:
        message = {"type": "subscribe", "channel": channel, "jwt": token}
        self.streams.receive(json.dumps(message))

    def buy(self, name: str = "main", price: int = 60_000) -> None:
        wish = Wish(
            symbol="BTC/USD",
            side=Side.BUY,
            kind=OrderKind.LIMIT,
            quantity=D("0.01"),
            price=D(price),
            client_id=f"tb-{price}",
        )
        self.engine.submit(self.engine.account(name), wish)

    def told(self) -> list[list[tuple[str, str]]]:
        """Return the state and the executed quantity of the orders of each message."""
        events = [each["events"][0] for each in self.sent if each.get("channel") == "user"]
        return [
            [(row["status"], row["cumulative_quantity"]) for row in event["orders"]]
            for event in events
        ]


def token(key: str = KEY, secret: str = "", at: int = NOON) -> str:
    library = ccxt.coinbase({"apiKey": key, "secret": secret or coinbase_secret()})
    return str(library.create_auth_token(at))


def test_who_has_signed_is_told_of_the_orders_of_that_account_alone() -> None:
    client = _Client()
    other = client.engine.add_account("other")
    client.engine.deposit(other, "USD", D(100_000))
    client.subscribe(token())
    client.buy("other", 61_000)
    client.buy()
    client.engine.price("BTC/USD", D(60_500))
    client.engine.price("BTC/USD", D(60_000))
    assert client.told() == [[], [("OPEN", "0")], [("FILLED", "0.01")]]
    assert client.complaints == []


def test_open_orders_come_in_batches_of_fifty_the_last_of_which_is_short() -> None:
    client = _Client()
    for number in range(50):
        client.buy(price=40_000 + number)
    client.subscribe(token())
    assert [len(rows) for rows in client.told()] == [50, 0]


@pytest.mark.parametrize(
    "made",
    [
        token(secret=new_secret()),
        token(key="no-such-key"),
        token(at=NOON - 121),
        token(at=NOON + 60),
        "no token",
    ],
)
def test_who_signs_wrongly_is_refused_and_told_nothing(made: str) -> None:
    client = _Client()
    client.subscribe(made)
    assert client.sent == [{"type": "error", "message": "authentication failure"}]
    client.buy()
    assert client.told() == []


def test_a_token_is_good_for_one_message() -> None:
    client = _Client()
    made = token()
    client.subscribe(made, "heartbeats")
    client.subscribe(made)
    assert client.sent[-1] == {"type": "error", "message": "authentication failure"}
    assert "a token of its own" in client.complaints[0]


def test_a_key_that_may_not_read_is_refused() -> None:
    client = _Client()
    main = client.engine.account("main")
    client.engine.add_key(main, OTHER, coinbase_secret(), Rights(query=False))
    client.subscribe(token(key=OTHER))
    assert client.sent == [{"type": "error", "message": "authentication failure"}]
