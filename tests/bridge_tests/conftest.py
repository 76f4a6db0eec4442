"""Fixtures: bridges and bots that are closed after the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.bridge_tests.harness import NOW, Harness
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.small_filesystem import mounted


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """Close everything that is pushed here, the last first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def clock() -> ManualClock:
    """Tell a time that only the test moves."""
    return ManualClock(wall=NOW, monotonic=1_000.0)


@pytest.fixture
def make_bridge(tmp_path: Path, closing: ExitStack) -> Callable[..., Harness]:
    """Build bridges on one folder."""

    def make(**arguments: Any) -> Harness:
        harness = Harness(arguments.pop("folder", tmp_path), **arguments)
        closing.callback(harness.close)
        return harness

    return make


@pytest.fixture
def bridge(make_bridge: Callable[..., Harness]) -> Harness:
    """Build one bridge with default settings."""
    return make_bridge()


@pytest.fixture
def make_bot(closing: ExitStack) -> Callable[..., ScriptedBot]:
    """Connect bots to a bridge, and have the bridge know them."""

    def make(harness: Harness, name: str = "paper", **arguments: Any) -> ScriptedBot:
        bot = ScriptedBot(harness.port, name, **arguments)
        closing.callback(bot.stop)
        bot.wait_connected()
        harness.connected(name)
        if arguments.get("mode", "PAPER") is not None:
            session = harness.bridge.parts.sessions.get(name)
            harness.turn_until(
                lambda: session is not None and session.status_at is not None, "a status"
            )
        return bot

    return make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a test a real disk of 2 MiB."""
    with mounted(tmp_path / "small") as folder:
        yield folder
