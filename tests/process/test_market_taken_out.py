"""A market taken out of the configuration while something is open in it."""

import signal

from tests.process.installation import PATIENCE_S, Installation
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.trading_books import read_books
from tests.waiting import wait_until

REFUSED = "no BTC/USDT in account main, where a position is open"


def test_neither_a_reload_nor_a_start_leaves_a_position_without_its_market(
    here: Installation,
) -> None:
    here.configure_bot("trading: {pairs: [BTC/USDT, ETH/USDT]}\nstatus_interval_s: 0.05\n")
    with ScriptedBridge() as bridge:
        first = here.start_trading(**bridge.environment)
        bridge.wait_connected()
        bridge.buy("BTC/USDT", "0.01")
        wait_until(lambda: read_books(here.state_db).positions, PATIENCE_S, "a position")
        here.configure_bot("trading: {pairs: [ETH/USDT]}\nstatus_interval_s: 0.05\n")
        first.send_signal(signal.SIGHUP)
        first.wait_for(f"the new configuration is refused, the old one stays: .*{REFUSED}")
        wait_until(
            lambda: any(REFUSED in event.text for event in bridge.events), PATIENCE_S, "an alert"
        )
        assert first.stop() == 0
        second = here.launch_trading(**bridge.environment)
        assert second.wait() == 78
        assert REFUSED in second.stderr.splitlines()[-1]
        assert "put it back, /flatten, then take it out" in second.stderr
        assert read_books(here.state_db).positions
