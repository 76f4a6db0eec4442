"""The private feeds of the fake Kraken Futures: who is told of an account, and what."""

import base64
import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_futures_private import FeedScript
from tests.fakes.exchange.kraken_futures_shapes import market_id
from tests.fakes.exchange.kraken_futures_socket import FuturesSession
from tests.fakes.exchange.terms import OrderKind, Rights, Side, Wish
from tests.fakes.exchange.venues import KEY, KRAKEN_SECRET, usual_engine, usual_swaps

D = Decimal
NOW = 1_760_000_000.0
OTHER = "key-of-another"
SYMBOL = "BTC/USD:USD"
REFUSED = {"event": "alert", "message": "Failed to subscribe to authenticated feed"}


class _Client:
    """One connection without a network, on a clock that is moved by hand."""

    def __init__(self, engine: Engine | None = None, script: FeedScript | None = None) -> None:
        self.engine = engine or usual_engine(usual_swaps(), clock=ManualClock(NOW))[0]
        self.complaints: list[str] = []
        self.sent: list[Any] = []
        markets = {market_id(each): each for each in self.engine.markets.values()}
        self.session = FuturesSession(
            self.engine, markets, self.complaints, self.sent.append, script or FeedScript()
        )
        self.engine.listen(self.session.take)

    def say(self, **message: Any) -> None:
        self.session.receive(json.dumps(message))

    def challenge(self) -> str:
        self.say(event="challenge", api_key=KEY)
        return str(self.sent[-1]["message"])

    def subscribe(
        self, feed: str, challenge: str, secret: str = KRAKEN_SECRET, key: str = KEY
    ) -> None:
        signed = sign(challenge, secret)
        message = {"original_challenge": challenge, "signed_challenge": signed, "api_key": key}
        self.say(event="subscribe", feed=feed, **message)

    def buy(self, name: str = "main", price: int = 60_000) -> None:
        wish = Wish(
            symbol=SYMBOL,
            side=Side.BUY,
            kind=OrderKind.LIMIT,
            quantity=D("0.01"),
            price=D(price),
            client_id=f"tb-{price}",
        )
        self.engine.submit(self.engine.account(name), wish)

    def told(self) -> list[tuple[str, str]]:
        """Return the feeds that were told, each with its reason."""
        return [(each["feed"], each.get("reason", "")) for each in self.sent if "event" not in each]


def sign(challenge: str, secret: str) -> str:
    inner = hashlib.sha256(challenge.encode()).digest()
    return base64.b64encode(
        hmac.new(base64.b64decode(secret), inner, hashlib.sha512).digest()
    ).decode()


def test_who_has_signed_is_told_of_the_orders_and_fills_of_that_account_alone() -> None:
    client = _Client()
    other = client.engine.add_account("other")
    client.engine.deposit(other, "USD", D(100_000))
    challenge = client.challenge()
    client.subscribe("open_orders", challenge)
    client.subscribe("fills", challenge)
    acks = [each for each in client.sent if each.get("event") == "subscribed"]
    assert [each["feed"] for each in acks] == ["open_orders", "fills"]
    assert all(each["signed_challenge"] == sign(challenge, KRAKEN_SECRET) for each in acks)
    client.buy("other", 61_000)
    client.buy()
    client.engine.price(SYMBOL, D(60_500))
    client.engine.price(SYMBOL, D(60_000))
    assert client.told() == [
        ("open_orders_snapshot", ""),
        ("fills_snapshot", ""),
        ("open_orders", "new_placed_order_by_user"),
        ("fills", ""),
        ("open_orders", "full_fill"),
    ]
    (fill,) = next(each["fills"] for each in client.sent[-2:] if each["feed"] == "fills")
    assert (fill["cli_ord_id"], fill["remaining_order_qty"]) == ("tb-60000", 0.0)
    assert client.complaints == []


def test_a_challenge_is_good_for_its_own_connection_alone() -> None:
    first = _Client()
    second = _Client(first.engine)
    challenge = first.challenge()
    assert second.challenge() != challenge
    second.subscribe("fills", challenge)
    assert second.sent[-1] == REFUSED
    first.subscribe("fills", challenge)
    assert first.sent[-1]["feed"] == "fills_snapshot"


@pytest.mark.parametrize(
    ("secret", "key"),
    [(base64.b64encode(b"another secret").decode(), KEY), (KRAKEN_SECRET, "no-such-key")],
)
def test_who_signs_wrongly_is_refused_and_told_nothing(secret: str, key: str) -> None:
    client = _Client()
    client.subscribe("open_orders", client.challenge(), secret, key)
    assert client.sent[-1] == REFUSED
    client.buy()
    assert client.told() == []


def test_without_a_challenge_nothing_is_right() -> None:
    client = _Client()
    client.subscribe("fills", "")
    assert client.sent[-1] == REFUSED


def test_a_key_that_may_not_read_is_refused() -> None:
    client = _Client()
    main = client.engine.account("main")
    client.engine.add_key(main, OTHER, KRAKEN_SECRET, Rights(query=False))
    client.subscribe("fills", client.challenge(), key=OTHER)
    assert client.sent[-1] == REFUSED


def test_a_subscription_that_is_not_signed_is_refused_and_complained_of() -> None:
    client = _Client()
    client.say(event="subscribe", feed="fills")
    assert client.sent[-1] == REFUSED
    assert client.complaints == [
        "WebSocket: fills without api_key, original_challenge, signed_challenge"
    ]


def test_a_heartbeat_comes_every_ten_seconds_to_who_has_asked_for_it() -> None:
    client = _Client()
    client.say(event="subscribe", feed="heartbeat")
    for _ in range(25):
        client.session.beat()
    assert client.told() == [("heartbeat", "")] * 2
