"""A bridge with simulated people on a messenger: they write and press, and see what is shown.

What comes in takes the way it takes in the process, from the messenger's values on.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from itertools import count
from typing import Any

from tcpproto.vocabulary import Role
from telegram.bridge.chat import Buttons
from telegram.bridge.chat_outbox.posts import do_nothing
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.hearing.intake import TelegramIntake
from telegram.bridge.hearing.intake_parts import IntakeParts
from telegram.bridge.hearing.journal import InboundJournal
from telegram.bridge.joint_note import Unnoted
from telegram.bridge.messenger import CommandName, Inbound, Me, MessengerError, Place, Trouble
from telegram.bridge.store.commands import CommandTable
from telegram.bridge.store.inbound import InboundTable, MessengerNotes
from telegram.bridge.telegram_config import ChatEntry
from tests.bridge_tests.harness import Harness, RecordingChat, Shown

ANN, BOB, CAT, EVE = 7, 8, 9, 666
BOT_ID = 1
OFFER_MAX_S = 0.05
GROUP, FORUM, TOPIC = -1_001, -1_002, 3
ACCESS = TelegramAccess(
    {ANN: Role.ADMIN, BOB: Role.TRADER, CAT: Role.VIEWER},
    (ChatEntry(id=GROUP), ChatEntry(id=FORUM, thread=TOPIC)),
)
_updates = count(1)


class RecordingMessenger:
    """Remember what was asked of the messenger; `trouble` makes every call fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.trouble: Trouble | None = None

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.trouble is not None:
            raise MessengerError(self.trouble, "")

    async def who_am_i(self) -> Me:
        return Me(BOT_ID, "desk_bot", can_read_groups=False)

    async def send_text(
        self, place: Place, text: str, *, html: bool, buttons: Buttons = (), silent: bool = False
    ) -> int:
        self._note("send", place, text, buttons, html, silent)
        return len(self.calls)

    async def edit_text(
        self, place: Place, message_id: int, text: str, *, html: bool, buttons: Buttons = ()
    ) -> None:
        self._note("edit", place, message_id, text, buttons, html)

    async def drop_buttons(self, place: Place, message_id: int) -> None:
        self._note("drop buttons", place, message_id)

    async def send_photo(
        self, place: Place, data: bytes, caption: str, *, silent: bool = False
    ) -> int:
        self._note("photo", place, data, caption, silent)
        return len(self.calls)

    async def send_document(
        self, place: Place, data: bytes, file_name: str, caption: str, *, silent: bool = False
    ) -> int:
        self._note("document", place, data, file_name, caption, silent)
        return len(self.calls)

    async def delete(self, place: Place, message_id: int) -> None:
        self._note("delete", place, message_id)

    async def pin(self, place: Place, message_id: int) -> None:
        self._note("pin", place, message_id)

    async def answer_press(self, press_id: str, text: str = "") -> None:
        self._note("answer", press_id, text)

    async def set_commands(self, commands: Sequence[CommandName], user_id: int | None) -> None:
        self._note("menu", user_id, [one.name for one in commands])

    async def leave(self, chat_id: int) -> None:
        self._note("leave", chat_id)


class Desk:
    """A bridge and its people; `let_poll` runs what the loop `poll` was handed.

    `is_busy` says that `forward` has something else to do when a message comes in; with
    `is_stuck` it seemed to rest, but does not come to it.
    """

    def __init__(
        self, harness: Harness, access: TelegramAccess = ACCESS, bot_id: int = BOT_ID
    ) -> None:
        self.harness = harness
        self.messenger = RecordingMessenger()
        self.table = InboundTable(harness.database)
        self.notes = MessengerNotes(harness.database)
        self.journal = InboundJournal(self.table, harness.clock, keep_s=86_400.0)
        self.is_busy = self.is_stuck = False
        self._is_closed = False
        self._works: list[tuple[Coroutine[Any, Any, None], Future[None]]] = []
        parts = IntakeParts(
            journal=self.journal,
            notes=self.notes,
            questions=harness.bridge.parts.questions,
            messenger=self.messenger,
            hear=harness.bridge.parts.intake.add_input,
            offer=self._offer,
            say=lambda place, text: self.chat(place).send(text),
            tell=self._tell,
            run=self._run,
            find=CommandTable(harness.database).read_one,
            # Here the messenger counts messages as the bridge does.
            find_at=lambda place, number: CommandTable(harness.database).read_at(
                place.name, number
            ),
            show_again=harness.bridge.parts.outbound.show_again,
        )
        self.intake = TelegramIntake(
            parts, access, harness.clock, bot_id=bot_id, offer_max_s=OFFER_MAX_S
        )
        self.intake.bot_name = "desk_bot"

    def chat(self, place: Place) -> RecordingChat:
        """Return what stands in a place."""
        chats: Any = self.harness.bridge.parts.chats._chats
        found: RecordingChat = chats.setdefault(place.name, RecordingChat())
        return found

    def write(self, text: str, user: int | None = ANN, **fields: Any) -> Inbound:
        """Write a message; return it, so that it can come a second time."""
        place = fields.pop("place", None) or Place(user or ANN)
        age_s = fields.pop("age_s", 0.0)
        self.chat(place)
        number = next(_updates)
        inbound = Inbound(
            update_id=number,
            place=place,
            message_id=number + 500,
            user_id=user,
            user_name="",
            text=text,
            written_at=self.harness.clock.wall() - age_s,
            is_private=not place.is_group,
            **fields,
        )
        self.give(inbound)
        return inbound

    def press(
        self, shown: Shown, label: str, user: int = ANN, place: Place | None = None, times: int = 1
    ) -> None:
        """Press a button, fast if `times`."""
        # The button that confirms says after its Yes what will be done.
        labels = [one if one == label else one.partition(":")[0] for one in shown.buttons]
        data = shown.data[labels.index(label)]
        self.press_data(data, user, place, times)

    def press_data(
        self,
        data: str,
        user: int = ANN,
        place: Place | None = None,
        times: int = 1,
        message_id: int = 400,
    ) -> None:
        """Send a press, also of a button that is not there."""
        for _ in range(times):
            number = next(_updates)
            self.intake.on_inbound(
                Inbound(
                    update_id=number,
                    place=place or Place(user),
                    message_id=message_id,
                    user_id=user,
                    user_name="",
                    text="",
                    written_at=self.harness.clock.wall(),
                    press_data=data,
                    press_id=f"press {number}",
                )
            )
        self.harness.turn()

    def give(self, inbound: Inbound) -> None:
        """Let an update come in, and the bridge act on it."""
        self.intake.on_inbound(inbound)
        self.harness.turn()

    def last(self, place: Place | None = None) -> Shown:
        """Return the newest message of a chat."""
        return self.chat(place or Place(ANN)).last

    def texts(self, place: Place | None = None) -> list[str]:
        """Return what stands in a chat."""
        return self.chat(place or Place(ANN)).texts

    def states(self) -> list[tuple[str, str]]:
        """Return what stands in the journal, in order: what was said, and its state."""
        with self.harness.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT text, state FROM inbound ORDER BY update_id")
            return [(row[0], row[1]) for row in rows]

    def let_poll(self) -> None:
        """Run what the loop was handed, until nothing is left."""
        while self._works:
            works, self._works = self._works, []
            asyncio.run(self._finish(works))

    def close(self) -> None:
        """Forget what the loop was handed, and take no more."""
        self._is_closed = True
        for work, future in self._works:
            work.close()
            future.cancel()

    def _offer(self, unnoted: Unnoted) -> bool:
        """Have `forward` act at once, as the thread that offers waits for it."""
        if self.is_busy:
            return False
        parts = self.harness.bridge.parts
        parts.intake.call(lambda: parts.commands.hear_unnoted(unnoted))
        if not self.is_stuck:
            self.harness.turn()
        return True

    def _tell(self, place: Place, text: str, on_shown: Callable[[], None] = do_nothing, /) -> None:
        self.chat(place).send(text)
        on_shown()

    def _run(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        future: Future[None] = Future()
        if self._is_closed:
            work.close()
            future.cancel()
            return future
        self._works.append((work, future))
        return future

    async def _finish(self, works: list[tuple[Coroutine[Any, Any, None], Future[None]]]) -> None:
        for work, future in works:
            try:
                await work
            except MessengerError as error:
                future.set_exception(error)
            else:
                future.set_result(None)
