"""Strategy files: found by name, loaded whatever is in them, or refused in one line."""

import hashlib
import os
import signal
import sys
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.trading_tests.strategies.desk import FakeDesk, make_bar, make_context
from trading.model.market import Tick
from trading.strategies.base import Strategy
from trading.strategies.errors import StrategyLoadError
from trading.strategies.loader import (
    PRODUCTION,
    find_strategy,
    list_strategies,
    load_strategy,
)
from trading.strategies.wishes import LogWish

# The class of the concept paper, to the letter.
CONCEPT = """\
class Strategy:
    CONFIG_SCHEMA = {}

    def __init__(self, context, config):
        self.context = context
        self.config = config
        self.state = self.init()

    def init(self):
        return {}

    def on_tick(self, tick):
        pass

    def render(self):
        return {"widgets": []}
"""

MINE = """\
from trading.strategies.base import Strategy

class Mine(Strategy):
    CONFIG_SCHEMA = {"window": {"type": "int", "default": 20}}

    def init(self):
        return {"bars": 0}

    def on_bar(self, bar):
        self.state["bars"] += 1
        self.context.log(f"{self.config['window']} {bar.close}")
"""


@pytest.fixture
def production(tmp_path: Path) -> Path:
    folder = tmp_path / "production"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.py"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(file: Path) -> str:
    with pytest.raises(StrategyLoadError) as caught:
        load_strategy(file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_class_of_the_concept_paper_loads_and_runs(production: Path) -> None:
    write(production, "concept", CONCEPT)
    found = find_strategy("concept", production=production)
    assert issubclass(found.cls, Strategy)
    assert found.handles_ticks
    assert not found.handles_bars
    config = found.schema.validate({})
    strategy = found.cls(make_context(FakeDesk()), config)
    strategy.on_tick(Tick("BTC/USDT", 1.0, 1.0, 1.0))
    strategy.on_bar(make_bar(0))
    assert strategy.state == {}
    assert strategy.config == {}
    assert strategy.render() == {"widgets": []}


def test_the_class_of_the_concept_paper_may_have_only_one_method(production: Path) -> None:
    write(
        production, "tiny", "class Strategy:\n    def on_bar(self, bar):\n        self.seen = bar"
    )
    found = find_strategy("tiny", production=production)
    assert (found.handles_ticks, found.handles_bars) == (False, True)
    strategy = found.cls(make_context(FakeDesk()), MappingProxyType({}))
    strategy.on_bar(make_bar(0))
    assert vars(strategy)["seen"] == make_bar(0)


def test_a_subclass_loads_and_runs(production: Path) -> None:
    file = write(production, "mine", MINE)
    found = find_strategy("mine", production=production)
    assert (found.name, found.file, found.cls.__name__) == ("mine", file, "Mine")
    assert found.fingerprint == hashlib.sha256(MINE.encode()).hexdigest()
    assert (found.handles_ticks, found.handles_bars) == (False, True)
    context = make_context(FakeDesk())
    strategy = found.cls(context, found.schema.validate({"window": 5}))
    strategy.on_bar(make_bar(0, 7.0))
    assert strategy.state == {"bars": 1}
    assert context.take_wishes() == [LogWish("5 7.0")]


def test_a_file_may_hold_parts_and_use_what_needs_its_module(production: Path) -> None:
    text = (
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from trading.strategies.base import Strategy\n"
        "@dataclass\nclass Seen:\n    bars: int = 0\n"
        "class Base(Strategy):\n    def init(self):\n        return Seen()\n"
        "class Whole(Base):\n    def on_tick(self, tick):\n        self.state.bars += 1\n"
    )
    found = load_strategy(write(production, "parts", text))
    assert found.cls.__name__ == "Whole"
    assert (found.handles_ticks, found.handles_bars) == (True, False)


@pytest.mark.parametrize("caught", ["Exception", "BaseException"])
def test_a_file_that_never_comes_to_its_end_is_refused(production: Path, caught: str) -> None:
    text = (
        f"turns = 0\nwhile turns < 3:\n    try:\n        while True: pass\n"
        f"    except {caught}:\n        turns += 1\nwhile True: pass\n"
    )
    file = write(production, "stuck", text)
    before = signal.getsignal(signal.SIGALRM)
    left_s, _ = signal.getitimer(signal.ITIMER_REAL)
    with pytest.raises(StrategyLoadError, match=r"takes longer than 0\.2 s to load"):
        load_strategy(file, limit_s=0.2)
    assert signal.getsignal(signal.SIGALRM) is before
    # The limit of this very test is still there.
    assert signal.getitimer(signal.ITIMER_REAL) == pytest.approx((left_s, 0.0), abs=5.0)
    assert bool(left_s) is bool(signal.getitimer(signal.ITIMER_REAL)[0])


def test_the_shipped_strategies_load() -> None:
    for name in ("ema_trend", "sma_crossover"):
        found = find_strategy(name)
        assert found.handles_bars
        assert not found.handles_ticks
        assert found.schema.validate({})


def test_the_example_in_the_development_folder_loads_but_is_not_found_by_name() -> None:
    development = PRODUCTION.parent / "development"
    for file in development.glob("*.py"):
        assert load_strategy(file).handles_bars
        with pytest.raises(StrategyLoadError, match="of which there is no file"):
            find_strategy(file.stem)


def test_what_can_be_loaded_is_listed(production: Path) -> None:
    write(production, "mine", MINE)
    write(production, "Not-A-Name", MINE)
    write(production, "__init__", "")
    (production / "folder.py").mkdir()
    assert list_strategies(production=production) == ["ema_trend", "mine", "sma_crossover"]
    with pytest.raises(StrategyLoadError, match="allowed ema_trend, mine, sma_crossover"):
        find_strategy("other", production=production)


def test_a_shipped_name_is_refused_for_a_file_of_ones_own(production: Path) -> None:
    write(production, "sma_crossover", MINE)
    with pytest.raises(StrategyLoadError) as caught:
        find_strategy("sma_crossover", production=production)
    assert "found also in the shipped library, allowed a name of its own" in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["", "../mine", "a/b", "a.b", "Mine", "mine\n", "x" * 65, "__init__", "mine\x00", "ä", "a-b"],
)
def test_a_name_that_is_no_plain_name_is_refused(production: Path, name: str) -> None:
    write(production, "mine", MINE)
    with pytest.raises(StrategyLoadError, match="strategy: found"):
        find_strategy(name, production=production)


def test_a_link_out_of_the_production_folder_is_refused(production: Path) -> None:
    file = write(production.parent, "draft", MINE)
    (production / "draft.py").symlink_to(file)
    with pytest.raises(StrategyLoadError, match="found a link to another folder"):
        find_strategy("draft", production=production)


def test_a_syntax_error_is_told_with_its_line(production: Path) -> None:
    file = write(production, "broken", "x = 1\ndef (:\n")
    assert refusal(file).startswith(f"{file}:2: SyntaxError: ")


def test_an_import_that_fails_is_told_with_its_line(production: Path) -> None:
    file = write(production, "broken", "\n\nimport no_such_module\n")
    assert refusal(file) == f"{file}:3: ModuleNotFoundError: No module named 'no_such_module'"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
    ],
)
def test_whatever_fails_while_loading_is_told_with_its_line(
    production: Path, line: str, words: str
) -> None:
    before = set(sys.modules)
    file = write(production, "broken", f"def run():\n    {line}\nrun()\n")
    assert refusal(file) == f"{file}:2: {words}"
    assert set(sys.modules) == before


def test_bytes_that_are_no_text_are_refused(production: Path) -> None:
    file = production / "broken.py"
    file.write_bytes(b"x = '\xff\xfe'\n\x00")
    assert refusal(file).startswith(str(file))


def test_a_file_without_a_strategy_is_refused(production: Path) -> None:
    file = write(production, "empty", "from trading.strategies.base import Strategy\nx = 1\n")
    assert refusal(file).startswith(f"{file}: found no strategy, allowed one class")


def test_a_file_with_several_strategies_is_refused(production: Path) -> None:
    file = write(production, "two", f"{MINE}\nclass Other(Strategy):\n    pass\n")
    assert refusal(file).startswith(f"{file}: found Mine and Other, allowed one class")


def test_a_schema_that_cannot_be_understood_is_told_with_file_and_class(production: Path) -> None:
    file = write(production, "mine", MINE.replace('"int"', '"integer"'))
    assert refusal(file).startswith(f"{file}: Mine: CONFIG_SCHEMA.window.type: found integer")


def test_a_file_that_is_too_big_is_not_run(production: Path) -> None:
    file = write(production, "big", f"{MINE}\n#{'x' * 1_048_576}\n")
    assert refusal(file) == f"{file}: found more than 1 MiB, allowed a strategy of at most that"


def test_what_is_no_file_is_refused(production: Path) -> None:
    assert refusal(production / "absent.py").endswith("cannot be read: No such file or directory")
    assert "found no regular file" in refusal(production)
    pipe = production / "pipe.py"
    os.mkfifo(pipe)
    assert "found no regular file" in refusal(pipe)


def test_another_text_of_the_same_name_is_another_strategy(production: Path) -> None:
    first = load_strategy(write(production, "mine", MINE))
    second = load_strategy(write(production, "mine", f"{MINE}\n# changed\n"))
    assert first.fingerprint != second.fingerprint
    assert first.cls is not second.cls
    assert first.cls.__module__ != second.cls.__module__
