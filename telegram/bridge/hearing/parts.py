"""Builds the ears of the bridge on the messenger: the thread `poll` and what it hands things to.

hearing = build_hearing(world, bridge.parts, access)
hearing.thread.run(sender.run, "sender")
hearing.start()
…
hearing.stop(timeout_s)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from daemonkit.secrets import Secret
from telegram.bridge.assembly import World
from telegram.bridge.bot_api.state import BotCallbacks, BotState, Standing
from telegram.bridge.forward import Parts
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.hearing.gate import GateLimits
from telegram.bridge.hearing.intake import TelegramIntake
from telegram.bridge.hearing.intake_parts import IntakeParts
from telegram.bridge.hearing.journal import InboundJournal
from telegram.bridge.housekeeping import DAY_S
from telegram.bridge.messenger import Inbound, Me, Place
from telegram.bridge.poll_thread import TelegramThread
from telegram.bridge.records import CommandRecord
from telegram.bridge.store.commands import CommandTable
from telegram.bridge.store.inbound import InboundTable, MessengerNotes

# Telegram keeps an update for a day; a number that is older than this never comes again.
_KEEP_DAYS_MIN: Final = 7.0


@dataclass(slots=True)
class Hearing:
    """Hold the thread and the intake; `home_of` finds the place of a group that has moved."""

    thread: TelegramThread
    intake: TelegramIntake

    def start(self) -> None:
        """Say what was interrupted, then hear what is new; `forward` runs already."""
        self.intake.take_up()
        self.thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Hear no more, and write down what has ended; False when that took too long."""
        is_over = self.thread.stop(timeout_s)
        self.intake.close()
        return is_over


class _Ears:
    """Be what the thread tells, which is there before the intake."""

    def __init__(self, on_polling: Callable[[], object]) -> None:
        self.intake: TelegramIntake | None = None
        self._on_polling = on_polling

    @property
    def callbacks(self) -> BotCallbacks:
        return BotCallbacks(
            on_inbound=self._hear,
            on_lost=self._note_lost,
            on_conflict=self._note_conflict,
            on_ready=self._note_ready,
            on_state=self._note_state,
        )

    def _hear(self, inbound: Inbound) -> None:
        self._there.on_inbound(inbound)

    def _note_lost(self, inbound: Inbound) -> None:
        self._there.on_lost(inbound)

    def _note_conflict(self, is_shared: bool) -> None:
        self._there.on_conflict(is_shared)

    def _note_ready(self, me: Me) -> None:
        self._there.on_ready(me)

    def _note_state(self, state: BotState) -> None:
        if state.standing is Standing.POLLING:
            self._on_polling()

    @property
    def _there(self) -> TelegramIntake:
        assert self.intake is not None, "the thread starts after it is built"
        return self.intake


def _nothing(*_what: object) -> None:
    return None


def build_hearing(
    world: World,
    parts: Parts,
    access: TelegramAccess,
    token: Secret,
    *,
    home_of: Callable[[Place], Place] = lambda place: place,
    number_of: Callable[[Place, int], int | None] = lambda _place, _message_id: None,
    on_heard: Callable[[Place], object] = _nothing,
    on_polling: Callable[[], object] = _nothing,
) -> Hearing:
    """Build thread and intake; nothing runs yet.

    `on_heard` is told in which place somebody wrote, `on_polling` that questions for news are
    answered (again); both on a thread beside the loop. `number_of` returns our own number of a
    message in a place.
    """
    table = CommandTable(world.database)

    def find_at(place: Place, message_id: int) -> CommandRecord | None:
        number = number_of(place, message_id)
        return None if number is None else table.read_at(place.name, number)

    def tell(place: Place, text: str, on_shown: Callable[[], None] = _nothing, /) -> None:
        parts.chats.tell(place.name, text, on_shown)

    def show_again(command_id: str) -> None:
        parts.intake.call(lambda: parts.outbound.show_again(command_id))

    settings, ears = world.config.settings, _Ears(on_polling)
    thread = TelegramThread(settings.telegram.bot_settings(token), ears.callbacks, world.clock)
    keep_days = max(_KEEP_DAYS_MIN, settings.keep.command_days)
    journal = InboundJournal(InboundTable(world.database), world.clock, keep_s=keep_days * DAY_S)
    ears.intake = TelegramIntake(
        IntakeParts(
            journal=journal,
            notes=MessengerNotes(world.database),
            questions=parts.questions,
            messenger=thread.messenger,
            hear=parts.intake.add_input,
            offer=parts.intake.add_unnoted,
            say=lambda place, text: parts.chats.send(place.name, text),
            tell=tell,
            run=thread.call,
            find=table.read_one,
            find_at=find_at,
            show_again=show_again,
            home_of=home_of,
            on_heard=on_heard,
        ),
        access,
        world.clock,
        bot_id=thread.messenger.bot_id,
        limits=GateLimits(settings.telegram.future_max_s, settings.telegram.answer_max_age_s),
        stranger_log_s=settings.telegram.stranger_log_s,
    )
    return Hearing(thread, ears.intake)
