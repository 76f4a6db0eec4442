"""What is told of a strategy's error: its kind, its words, and the line of the file to mend."""

from pathlib import Path

from tests.trading_tests.strategies.desk import FakeDesk, make_context
from trading.model.market import Tick
from trading.strategies.calls import CallInterrupted, UnguardedCalls
from trading.strategies.failures import TEXT_LEN_MAX, describe_failure
from trading.strategies.loader import load_strategy

MINE = """\
from trading.strategies.base import Strategy

class Mine(Strategy):
    def on_tick(self, tick):
        self.think()

    def think(self):
        self.context.place_order("hold")
"""


def test_an_error_is_told_with_the_last_line_of_the_strategys_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE, encoding="utf-8")
    strategy = load_strategy(file).cls(make_context(FakeDesk()), {})
    error = UnguardedCalls().run(1, strategy.on_tick, Tick("BTC/USDT", 1.0, 1.0, 1.0))
    assert error is not None
    said = describe_failure(error)
    assert said.startswith("StrategyError: side: found 'hold'")
    assert said.endswith(", at mine.py:8 in think")


def test_an_error_without_words_is_told_by_its_name() -> None:
    assert describe_failure(MemoryError()) == "MemoryError"
    assert describe_failure(ValueError("no  luck")) == "ValueError: no luck"


def test_an_error_that_is_endless_is_cut() -> None:
    assert len(describe_failure(ValueError("x" * 100_000))) <= TEXT_LEN_MAX


def test_an_interruption_is_told_in_its_own_words() -> None:
    assert describe_failure(CallInterrupted("it took too long")) == "it took too long"
    assert describe_failure(CallInterrupted()) == "a call took too long and was interrupted"
