"""The table from verb to handler, for all commands that the engine carries out."""

from collections.abc import Mapping

from trading.engine.command_call import Handler
from trading.engine.deals import Deals
from trading.engine.readings import Readings
from trading.engine.reconciling import Reconciling
from trading.engine.switches import Switches
from trading.engine.trader import Trader


def build_handlers(trader: Trader, version: str) -> Mapping[str, Handler]:
    """Return what carries out each verb."""
    readings, switches, deals = Readings(trader, version), Switches(trader), Deals(trader)
    return {
        "getstatus": readings.status,
        "getstats": readings.stats,
        "positions": readings.positions,
        "orders": readings.orders,
        "trades": readings.trades,
        "profit": readings.profit,
        "daily": readings.daily,
        "chart": readings.chart,
        "balance": readings.balance,
        "why": readings.why,
        "starttrading": switches.start_trading,
        "stoptrading": switches.stop_trading,
        "pause": switches.pause,
        "resume": switches.resume,
        "emergency": switches.emergency,
        "startbuying": switches.start_buying,
        "stopbuying": switches.stop_buying,
        "startselling": switches.start_selling,
        "stopselling": switches.stop_selling,
        "buy": deals.buy,
        "sell": deals.sell,
        "flatten": deals.flatten,
        "reconcile": Reconciling(trader).reconcile,
    }
