"""What is shown of the money of an account that keeps positions apart from it."""

from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from trading.model.account import MarketType
from trading.model.venue_news import AccountSeen, MarginSeen


def seen(venue: Venue, margin: MarginSeen | None) -> None:
    """Show the account as it is, with or without what its venue says of its margin."""
    at = venue.floor.now
    venue.floor.tell(AccountSeen("main", 0, [], {"USDT": D(10_000)}, [], at, margin))


def words(text: str) -> str:
    return " ".join(text.split())


def test_on_margin_the_money_is_the_collateral_and_what_the_venue_says_of_it() -> None:
    venue = Venue(MarketType.SWAP, leverage="3")
    venue.bought()
    venue.floor.tick(110.0)
    seen(venue, MarginSeen(equity=D("10009.75"), free=D("9970.5")))
    shown = words(venue.floor.do("balance").text)
    assert "cash" not in shown
    assert "collateral 10,000.00" in shown, "buying a contract takes no money away"
    assert "equity 10,010.00" in shown
    assert "equity there 10,009.75" in shown
    assert "free margin 9,970.50" in shown


def test_one_of_the_two_is_shown_where_the_venue_says_no_more() -> None:
    venue = Venue(MarketType.SWAP, leverage="3")
    seen(venue, MarginSeen(equity=None, free=D("9970.5")))
    shown = words(venue.floor.do("balance").text)
    assert "free margin 9,970.50" in shown
    assert "there" not in shown


def test_what_the_venue_does_not_say_is_not_shown() -> None:
    venue = Venue(MarketType.MARGIN, leverage="3")
    venue.bought()
    seen(venue, None)
    shown = words(venue.floor.do("balance").text)
    assert "collateral 10,000.00" in shown
    assert "there" not in shown
    assert "free margin" not in shown


def test_the_status_shows_the_collateral_as_balance() -> None:
    venue = Venue(MarketType.SWAP, leverage="3")
    venue.bought()
    assert "balance 10,000.00" in words(venue.floor.do("getstatus").text)


def test_on_spot_it_is_the_cash() -> None:
    venue = Venue()
    venue.bought()
    shown = words(venue.floor.do("balance").text)
    assert "cash 9,900.00" in shown
    assert "collateral" not in shown


def test_what_was_said_of_the_margin_is_forgotten_with_the_next_look() -> None:
    venue = Venue(MarketType.SWAP, leverage="3")
    seen(venue, MarginSeen(equity=D(10_000), free=D(9_000)))
    seen(venue, None)
    assert "free margin" not in words(venue.floor.do("balance").text)
