"""Markets that are not there: which one is offered instead, and when none is."""

import pytest

from tcpproto.misspelt import nearest_market, unknown_market

KNOWN = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "ETH/BTC"]


@pytest.mark.parametrize(
    ("symbol", "meant"),
    [
        ("BTX/USDT", "BTC/USDT"),
        ("BTC", "BTC/USDT"),
        ("ETH", "ETH/BTC"),
        ("ETH/USD", "ETH/USDT"),
        ("SOLL/USDT", "SOL/USDT"),
        ("DOGE/USDT", None),
        ("USDT/USDT", None),
        ("X", None),
        ("", None),
        ("Q" * 64, None),
    ],
)
def test_the_nearest_market_has_a_name_like_it(symbol: str, meant: str | None) -> None:
    assert nearest_market(symbol, KNOWN) == meant


def test_where_none_is_near_some_are_listed() -> None:
    assert unknown_market("XRP", KNOWN) == f"no market XRP; there is {', '.join(KNOWN)}"
    many = [f"A{number}/USDT" for number in range(40)]
    assert unknown_market("XRP", many).endswith(", A9/USDT and 30 more")
    assert unknown_market("BTX", KNOWN) == "no market BTX; did you mean BTC/USDT?"
    assert nearest_market("BTC", []) is None
