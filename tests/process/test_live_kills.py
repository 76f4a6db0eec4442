"""Kill -9 of a bot with a real account, at random moments of trading, with an exchange in trouble.

After each kill it is started again, and book and exchange must agree to the last digit.
"""

import pytest

from tests.process.installation import Installation, assert_no_traceback
from tests.process.live_life import living

LONG = (pytest.mark.long, pytest.mark.timeout(600))
# At Kraken it takes 14 s until an order without an answer is known not to come.
_KILLS = {"kraken-margin": 4, "krakenfutures-swap": 4, "binance": 7, "coinbase": 7}


@pytest.mark.parametrize(
    ("exchange", "seed", "kills"),
    [
        pytest.param("kraken", 1, 1, id="a single key"),
        pytest.param("kraken", 338, 1, id="an answer on the wire"),
        *(pytest.param("kraken", seed, 10, id=f"ten, {seed}", marks=LONG) for seed in range(3, 8)),
        *(
            pytest.param(exchange, seed, kills, id=f"{kills} kills, {exchange}, {seed}", marks=LONG)
            for exchange, kills in _KILLS.items()
            for seed in (1, 2)
        ),
    ],
)
def test_a_live_bot_killed_while_it_trades_loses_nothing_and_does_nothing_twice(
    here: Installation, exchange: str, seed: int, kills: int
) -> None:
    with living(here, exchange, seed) as life:
        bot = life.start()
        for _ in range(kills):
            life.enter()
            for _ in range(life.rng.randint(0, 2)):
                life.trouble()
            life.die(bot)
            bot = life.start()
            try:
                life.check()
            except AssertionError as error:
                raise AssertionError("\n".join([*life.deeds, str(error), bot.describe()])) from None
        life.check_told()
        assert bot.stop() == 0, bot.describe()
        assert_no_traceback(*life.starts)
    life.desk.venue.exchange.check()
