"""What speaks with Telegram: a chat for each place, the sender, and the ears.

Its chats come first, because they are the bridge's; the rest is joined to the bridge before
anything runs.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from daemonkit.secrets import Secret
from telegram.bridge.assembly import Bridge, World
from telegram.bridge.bot_api.state import Standing
from telegram.bridge.chat_outbox.sender import Sender, open_chat
from telegram.bridge.chat_outbox.telegram_chat import TelegramChat
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.hearing.parts import Hearing, build_hearing
from telegram.bridge.messenger import Place, read_place
from telegram.bridge.poll_thread import TelegramThread
from telegram.bridge.render import age_text
from telegram.bridge.views.pages import to_html

log = logging.getLogger(__name__)

# What waits at a stop, such as the last outcome, gets this part of its time.
_DRAIN_PART: Final = 0.3
# So many chats that are closed are named in one line.
_CLOSED_NAMED_MAX: Final = 3


class TelegramParts:
    """Hold what speaks with Telegram."""

    def __init__(self, world: World, access: TelegramAccess, token: Secret) -> None:
        self._world = world
        self._access = access
        self._token = token
        self._hearing: Hearing | None = None
        self._sender: Sender | None = None
        bounds, shown = world.config.settings.outbox.bounds, set(access.event_places)
        opened = [
            open_chat(place, world.database, world.clock, bounds, shows_events=place in shown)
            for place in access.places
        ]
        self.chats: Mapping[str, TelegramChat] = {chat.name: chat for chat in opened}

    def join(self, bridge: Bridge) -> None:
        """Build what hears and what sends, for this bridge; before anything runs."""
        world = self._world
        hearing = build_hearing(
            world,
            bridge.parts,
            self._access,
            self._token,
            home_of=self._home_of,
            number_of=self._number_of,
            on_heard=self._open,
            on_polling=self._hear_back,
        )
        settings = world.config.settings
        sender = Sender(
            hearing.thread.messenger,
            list(self.chats.values()),
            world.database,
            clock=world.clock,
            rng=world.rng,
            limits=replace(
                settings.outbox.limits,
                status_private_s=settings.phone.live_private_s,
                status_group_s=settings.phone.live_group_s,
            ),
            patience=settings.outbox.patience(settings.telegram.polling.token_check_s),
            dress=to_html,
        )
        # Who only asks is no operator who could do something about a chat that is closed.
        told = {place.name for place in (*self._access.event_places, *self._access.admins)}
        sender.is_told_of_others = told.__contains__
        hearing.thread.run(sender.run, "sender")
        self._hearing, self._sender = hearing, sender
        bridge.health.messenger_lines = self.health_lines
        bridge.health.messenger_problems = self.health_problems

    @property
    def thread(self) -> TelegramThread:
        """Return the thread that talks with Telegram."""
        return self._joined[0].thread

    def reload(self, access: TelegramAccess) -> None:
        """Take over who may speak: who is not listed any more is a stranger, and told nothing.

        A chat that is new is served, and heard, after a restart.
        """
        listed = {place.name: place for place in access.places}
        for chat in self.chats.values():
            chat.shut(is_shut=chat.name not in listed)
        new = {name: place for name, place in listed.items() if name not in self.chats}
        if new:
            log.warning("new chats are served after a restart: %s", ", ".join(new))
        access = replace(access, unserved=frozenset(new.values()))
        self._joined[0].intake.take_over(access)

    def start(self) -> None:
        """Say what an earlier process left open, then talk; Telegram may be there or not."""
        self._joined[0].start()

    def stop_hearing(self) -> None:
        """Take nothing more in: a command that came while all ends would be lost."""
        self.thread.stop_hearing()

    def stop(self, timeout_s: float) -> bool:
        """Send what still waits, for a while, then end; False when that took too long."""
        hearing, sender = self._joined
        drain_s = timeout_s * _DRAIN_PART
        try:
            hearing.thread.call(sender.drain(drain_s)).result(drain_s + 1.0)
        except Exception as error:  # noqa: BLE001 - whatever it is, the rest has to be stopped
            log.info("not everything was sent before the stop: %s", error)
        return hearing.stop(timeout_s - drain_s)

    def health_lines(self, now: float) -> list[str]:
        """Return what /health says of Telegram."""
        hearing, sender = self._joined
        state = hearing.thread.state
        head = f"telegram {state.standing}"
        lines = [f"{head}: {state.detail}" if state.detail else head]
        if (at := hearing.thread.last_poll_at) is not None:
            lines.append(f"  answered {age_text(self._world.clock.monotonic() - at)} ago")
        return lines + [line for one in sender.counters() for line in one.lines(now)]

    def health_problems(self) -> list[str]:
        """Return what is wrong with Telegram, in a few words each."""
        hearing, sender = self._joined
        standing = hearing.thread.state.standing
        problems = [] if standing is Standing.POLLING else [f"Telegram: {standing}"]
        closed = [one.name for one in sender.counters() if one.blocked_because]
        return problems + [f"{name} cannot be written to" for name in closed[:_CLOSED_NAMED_MAX]]

    @property
    def _joined(self) -> tuple[Hearing, Sender]:
        assert self._hearing is not None, "joined to a bridge before it is started"
        assert self._sender is not None, "built together with the ears"
        return self._hearing, self._sender

    def _open(self, place: Place) -> None:
        """Have a chat tried again that was closed to the bot: all topics of a group, or one."""
        hearing, sender = self._joined
        for chat in self.chats.values():
            is_closed = chat.place.chat_id == place.chat_id and chat.notes.disabled_because
            if is_closed or (chat.name == place.name and chat.notes.has_left_thread):
                hearing.thread.call(sender.open(chat.name))

    def _hear_back(self) -> None:
        """Have what waits for Telegram sent at once."""
        hearing, sender = self._joined
        hearing.thread.call(sender.hear_back())

    def _number_of(self, place: Place, message_id: int) -> int | None:
        chat = self.chats.get(place.name)
        return None if chat is None else chat.notes.number_of(message_id)

    def _home_of(self, place: Place) -> Place:
        """Return the place by which a group that has a new number is known here."""
        for chat in self.chats.values():
            if chat.place == place:
                return read_place(chat.name) or place
        return place
