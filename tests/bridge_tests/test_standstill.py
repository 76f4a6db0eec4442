"""When the main thread takes the loop `forward` for stuck, and when only the machine slept."""

from contextlib import ExitStack
from pathlib import Path
from random import Random
from threading import Event

import pytest

from daemonkit.clock import ManualClock
from daemonkit.endpoint import Endpoint
from daemonkit.errors import UnavailableError
from daemonkit.notify import Notifier
from telegram.bridge.app import FORWARD_STUCK_S, Process
from telegram.bridge.assembly import World
from telegram.bridge.config import BridgeConfig, BridgeSettings
from telegram.bridge.control import Control
from telegram.bridge.forward import Forward
from telegram.bridge.options import Options
from telegram.bridge.store.database import Database
from tests.waiting import wait_until


@pytest.fixture
def process(tmp_path: Path, clock: ManualClock, closing: ExitStack) -> Process:
    config = BridgeConfig(BridgeSettings(reserve_bytes=0), None, tmp_path)
    config.logs.mkdir(parents=True)
    database = Database(config.database)
    closing.callback(database.close)
    port_file = config.folder / "link.port"
    endpoint = Endpoint(
        host="127.0.0.1", port=0, secret=None, tls=None, port_file=port_file, is_loopback=True
    )
    world = World(config, endpoint, database, clock, Random(1))
    made = Process(world, Options(), {}, Control(), Notifier({}, clock), None)
    server, forward = made._bridge.server, made._bridge.forward
    server.start()
    closing.callback(server.stop, "the test ends", 1.0)
    forward.start()
    closing.callback(forward.stop, 5.0)
    return made


def test_a_process_that_was_frozen_as_a_whole_goes_on(process: Process, clock: ManualClock) -> None:
    forward = process._bridge.forward
    process._check_forward()
    # The main thread may be the first that runs again.
    clock.advance(2 * FORWARD_STUCK_S)
    process._check_forward()
    _turned(forward, clock)
    process._check_forward()


def test_a_loop_that_stands_still_ends_the_process(process: Process, clock: ManualClock) -> None:
    began, over = Event(), Event()

    def stand_still() -> None:
        began.set()
        over.wait(10)

    process._bridge.parts.intake.call(stand_still)
    assert began.wait(10)
    try:
        clock.advance(2 * FORWARD_STUCK_S)
        process._check_forward()
        with pytest.raises(UnavailableError, match="has stood still"):
            process._check_forward()
    finally:
        over.set()


def _turned(forward: Forward, clock: ManualClock) -> None:
    wait_until(lambda: forward.turned_at == clock.monotonic(), 10.0, "a turn of the loop")
