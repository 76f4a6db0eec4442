"""The command /reconcile: look at the venues now, show what differs, answer a difference."""

from trading.engine.command_call import Answer, Call, NotPossibleError, applied, rejected, shown
from trading.engine.command_places import Places
from trading.engine.trader import Trader
from trading.model.difference import Choice, OpenDifference
from trading.reports.difference_view import LookView, difference_view, differences_view


class Reconciling:
    """Answer /reconcile."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader
        self._places = Places(trader.desks)

    def reconcile(self, call: Call) -> Answer:
        """Look and list, show one difference, or carry out what a person says about it."""
        number, answer = call.named.get("number"), call.named.get("answer")
        if number is None:
            return self._list(call)
        one = self._find(call, int(number))
        differences = self._trader.reconciliation.differences
        if answer is None:
            differences.note_shown([one.number], _viewers(call), call.at)
            return shown(difference_view(one))
        written_at = call.at - call.age_s
        if one.at > written_at:
            return rejected(f"difference {number} has changed since that was written: look again")
        shown_to = one.shown_to(_viewers(call), written_at)
        answers = self._trader.reconciliation.answers
        return applied(answers.answer(one.number, Choice(answer), call.author, shown_to))

    def _list(self, call: Call) -> Answer:
        desks = self._places.desks(call)
        differences = self._trader.reconciliation.differences
        looks = []
        for desk in desks:
            looked_at = differences.looked_at(desk.name)
            age_s = None if looked_at is None else max(0.0, call.at - looked_at)
            looks.append(LookView(desk.name, desk.venue is None, age_s))
            differences.ask(desk.name)
        names = {desk.name for desk in desks}
        open_ones = [one for one in differences.open if one.account in names]
        differences.note_shown((one.number for one in open_ones), _viewers(call), call.at)
        return shown(differences_view(looks, open_ones))

    def _find(self, call: Call, number: int) -> OpenDifference:
        names = {desk.name for desk in self._places.desks(call)}
        found = next(
            (one for one in self._trader.reconciliation.differences.open if one.number == number),
            None,
        )
        if found is None or found.account not in names:
            raise NotPossibleError(
                f"no difference {number} is open; /reconcile shows those that are"
            )
        return found


def _viewers(call: Call) -> list[str]:
    """Return who sees an answer: whoever asked, and all others in their chat."""
    names = {"person": call.author, "chat": call.chat}
    return [f"{kind} {name}" for kind, name in names.items() if name]
