"""Commands that switch: trading, buying, selling, pause, kill latch; and what lifts a limit.

Each says what it changed, or that nothing had to be changed. Nothing here sends an order but the
cancelling of open entries.
"""

from collections.abc import Sequence

from trading.engine.announcements import announce_trading_switched
from trading.engine.command_call import Answer, Call, applied, rejected
from trading.engine.command_places import Places
from trading.engine.orders import open_entries
from trading.engine.states import TradingIntent
from trading.engine.trader import Trader
from trading.model.account import MarketKey
from trading.reports import alerts
from trading.reports.numbers import counted
from trading.risk.kill_latch import LatchReset


class Switches:
    """Carry out the commands that change the operator's intent."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader
        self._places = Places(trader.desks)

    def start_trading(self, call: Call) -> Answer:
        """Let strategies trade."""
        conditions = self._trader.conditions
        if others := self._others_than(call):
            return rejected(f"trading is switched on for {others}; nothing was changed")
        if not conditions.is_allowed:
            return rejected("the configuration says `trading: off`; nothing was changed")
        if conditions.flags.trading is TradingIntent.ON:
            return applied(f"trading is on already{self._but()}")
        conditions.flags.trading = TradingIntent.ON
        self._switched("started", call)
        return applied(f"trading is on{self._but()}")

    def stop_trading(self, call: Call) -> Answer:
        """Keep strategies from trading; what is open stays watched."""
        conditions = self._trader.conditions
        held = sum(len(desk.book.positions) for desk in self._trader.desks.values())
        stays = "stays open, watched and with its stop"
        stay = stays if held == 1 else "stay open, watched and with their stops"
        watched = f"; {counted(held, 'position')} {stay}"
        if conditions.flags.trading is TradingIntent.OFF:
            return applied(f"trading is off already{watched if held else ''}")
        conditions.flags.trading = TradingIntent.OFF
        cancelled = self._cancel_entries()
        self._switched("stopped", call)
        where = self._on_all(call)
        return applied(f"trading is off{where}{cancelled}{watched if held else ''}")

    def pause(self, call: Call) -> Answer:
        """Make no new entries."""
        conditions = self._trader.conditions
        if conditions.flags.paused:
            return applied(f"paused already ({conditions.flags.paused}); /resume ends that")
        conditions.flags.paused = f"paused by {call.author}"
        cancelled = self._cancel_entries()
        conditions.keep()
        where = self._on_all(call)
        return applied(
            f"paused{where}{cancelled}: no new entries until /resume; exits and stops go on"
        )

    def resume(self, call: Call) -> Answer:
        """End a pause, and reset the kill latch if a person confirmed that."""
        trader, conditions = self._trader, self._trader.conditions
        if others := self._others_than(call):
            return rejected(f"/resume is for {others}; nothing was changed")
        reset = conditions.latch.reset(call.author, call.at, call.confirmed)
        if reset is LatchReset.NEEDS_CONFIRMATION:
            return rejected(f"{conditions.latch.why}; resetting it needs a yes")
        was_paused = conditions.flags.paused
        conditions.flags.paused = ""
        conditions.keep()
        if reset is LatchReset.RESET:
            trader.announcer.tell(alerts.kill_reset(call.author, call.at))
            return applied(f"the kill latch is reset; entries are possible again{self._but()}")
        if not was_paused:
            return applied(f"nothing was paused{self._but()}")
        return applied(f"resumed{self._but()}")

    def emergency(self, call: Call) -> Answer:
        """Halt everything that raises risk."""
        trader, conditions = self._trader, self._trader.conditions
        is_new = conditions.latch.set("/emergency", call.author, call.at)
        entries = open_entries(trader.orders.open_orders())
        for order in entries:
            trader.dealer.cancel(order)
        conditions.keep()
        trader.dealer.cancel_entries()
        cancelled = f"{counted(len(entries), 'entry', 'entries')} cancelled"
        done = f"{cancelled}{self._on_all(call)}; exits and stops go on"
        if not is_new:
            return applied(f"{conditions.latch.why}; {done}")
        trader.announcer.tell(alerts.kill_set("/emergency", call.author, call.at))
        return applied(f"kill latch set, no new risk until /resume; {done}")

    def start_buying(self, call: Call) -> Answer:
        """Let strategies buy, and lift the limits that bar it."""
        keys = self._places.keys(call)
        limits = self._trader.conditions.limits
        places: list[MarketKey | str] = [*keys]
        if call.is_for_all:
            places += sorted({key.account for key in keys})
        if not call.confirmed:
            needing = [one for one in limits.tripped_at(places) if one.limit.needs_confirmation]
            if needing:
                return rejected(f"{needing[0].text}; lifting it needs a yes, nothing was changed")
        lifted = [one for place in places for one in limits.lift(place, call.confirmed).lifted]
        changed = self._trader.conditions.flags.set_buying(keys, "")
        self._trader.conditions.keep()
        for one in lifted:
            self._trader.announcer.lifted(one, call.author)
        said = _switched_text("buying", "on", keys, changed)
        return applied("; ".join([said, *(f"{one.limit} lifted" for one in lifted)]) + self._but())

    def stop_buying(self, call: Call) -> Answer:
        """Keep strategies from buying."""
        keys = self._places.keys(call)
        changed = self._trader.conditions.flags.set_buying(keys, f"/stopbuying by {call.author}")
        cancelled = self._cancel_entries(keys)
        self._trader.conditions.keep()
        return applied(_switched_text("buying", "off", keys, changed) + cancelled)

    def start_selling(self, call: Call) -> Answer:
        """Let strategies sell."""
        keys = self._places.keys(call)
        changed = self._trader.conditions.flags.set_selling(keys, "")
        self._trader.conditions.keep()
        return applied(_switched_text("selling", "on", keys, changed))

    def stop_selling(self, call: Call) -> Answer:
        """Keep strategies from selling; protective stops stay armed."""
        keys = self._places.keys(call)
        changed = self._trader.conditions.flags.set_selling(keys, f"/stopselling by {call.author}")
        self._trader.conditions.keep()
        said = _switched_text("selling", "off", keys, changed)
        return applied(f"{said}; stops and targets stay armed")

    def _cancel_entries(self, keys: Sequence[MarketKey] | None = None) -> str:
        """Cancel what strategies still want to enter; say how much that was."""
        cancelled = self._trader.dealer.cancel_entries(keys)
        return f", {counted(cancelled, 'entry', 'entries')} cancelled" if cancelled else ""

    def _switched(self, what: str, call: Call) -> None:
        self._trader.conditions.keep()
        self._trader.announcer.tell(announce_trading_switched(what, call.author))

    def _others_than(self, call: Call) -> str:
        """Say whom a command that names one account would switch on besides, or nothing."""
        self._places.desks(call)
        several = call.account and len(self._trader.desks) > 1
        return f"all accounts at once, not for {call.account} alone" if several else ""

    def _on_all(self, call: Call) -> str:
        """Say that more was switched off than the account that was named: that is no risk."""
        several = call.account and len(self._trader.desks) > 1
        return f" on all accounts, not only {call.account}" if several else ""

    def _but(self) -> str:
        """Say what still keeps strategies from buying."""
        conditions = self._trader.conditions
        bars = [
            *([] if conditions.flags.trading is TradingIntent.ON else ["trading is off"]),
            *(["entries are paused"] if conditions.flags.paused else []),
            *([conditions.latch.why] if conditions.latch.why else []),
            *([conditions.trouble] if conditions.trouble else []),
            *(one.text for one in conditions.limits.tripped[:3]),
        ]
        return f"; but {'; '.join(bars)}" if bars else ""


def _switched_text(
    what: str, state: str, keys: Sequence[MarketKey], changed: Sequence[MarketKey]
) -> str:
    where = keys[0].symbol if len(keys) == 1 else f"{len(keys)} markets"
    return f"{what} is {state} for {where}" + ("" if changed else ", as it was")
