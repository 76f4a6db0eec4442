"""Fixtures: bots for the bridge that runs in a test's folder, and a terminal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.bridge_tests.program_tests.programs import Screen, port_of
from tests.bridge_tests.scripted_bot import MemoryOutbox, ScriptedBot
from tests.processes import Processes


@pytest.fixture
def connect(processes: Processes) -> Iterator[Callable[..., ScriptedBot]]:
    """Connect bots to the bridge that runs in this test's folder."""
    with ExitStack() as stack:

        def make(name: str = "paper", outbox: MemoryOutbox | None = None) -> ScriptedBot:
            secret = (processes.var_dir / "link.secret").read_text().strip()
            bot = ScriptedBot(port_of(processes), name, secret=secret, outbox=outbox)
            stack.callback(bot.stop)
            bot.wait_connected()
            return bot

        yield make


@pytest.fixture
def screen(processes: Processes) -> Iterator[Screen]:
    made = Screen(processes.var_dir)
    yield made
    made.close()
