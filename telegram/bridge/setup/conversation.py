"""The setup: from a bot's token to a configuration that lets one person command.

Who that is, is shown by one-time codes: whoever sends the code to the bot owns the chat and runs
this program. The token is asked for without an echo and shown nowhere.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Protocol

from daemonkit.clock import Clock
from daemonkit.errors import ConfigurationError, UnavailableError
from telegram.bridge.access import TOKEN_NAME
from telegram.bridge.bot_api.state import Arrival
from telegram.bridge.messenger import Inbound, Me, MessengerError, Place, Trouble
from telegram.bridge.setup.person import Person, says_yes

TEST_TEXT = "Tradebridge can write here. /help lists what it can do."
PATIENCE_S = 600.0
_POLL_S = 10.0
_PAUSE_S = 1.0
_LATER = (Trouble.DOWN, Trouble.UNCLEAR, Trouble.WAIT, Trouble.CONFLICT)


class SetupLine(Protocol):
    """Make the calls of the setup; each raises MessengerError and nothing else."""

    async def who_am_i(self) -> Me:
        """Return who the bot is."""
        ...

    async def prepare(self) -> None:
        """Take a webhook away."""
        ...

    async def poll(self, offset: int, wait_s: float) -> Sequence[Arrival]:
        """Return the updates from `offset` on."""
        ...

    async def send_text(self, place: Place, text: str, *, html: bool, silent: bool = False) -> int:
        """Send a message."""
        ...


@dataclass(frozen=True, slots=True)
class Findings:
    """Hold who commands, and in which chats besides their own."""

    user_id: int
    chats: tuple[Place, ...] = ()


class Setup:
    """Lead one person through it."""

    def __init__(
        self,
        line: SetupLine,
        person: Person,
        clock: Clock,
        rng: Random,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._line = line
        self._person = person
        self._clock = clock
        self._rng = rng
        self._patience_s = patience_s
        self._offset = 0
        self._is_conflict_told = False

    async def run(self) -> Findings:
        """Find the person and the chats, and send a test message to each."""
        me = await self._introduce()
        await self._check_polling()
        user_id = await self._find_person(me)
        chats = []
        while says_yes(self._person, "Shall the bot also work in a group or a topic?"):
            chats.append(await self._find_chat(me, user_id))
        await self._confirm()
        self._person.tell(
            "When it is in all its groups, send /setjoingroups to @BotFather and choose Disable."
        )
        return Findings(user_id, tuple(dict.fromkeys(chats)))

    async def _introduce(self) -> Me:
        try:
            me = await self._line.who_am_i()
        except MessengerError as error:
            if error.trouble is Trouble.TOKEN_REFUSED:
                raise ConfigurationError(
                    "Telegram",
                    TOKEN_NAME,
                    found="a token that it does not accept",
                    allowed="the one that @BotFather has shown last; /token shows it again",
                ) from None
            raise UnavailableError(f"Telegram cannot be reached: {error}") from None
        self._person.tell(f"This is the bot @{me.user_name}.")
        return me

    async def _check_polling(self) -> None:
        """Find out whether messages come here, and take a webhook away that keeps them out."""
        try:
            await self._line.poll(0, 0.0)
        except MessengerError as error:
            if error.trouble is not Trouble.CONFLICT:
                raise UnavailableError(f"Telegram cannot be asked for messages: {error}") from None
            if "webhook" not in str(error).lower():
                self._tell_conflict()
                return
            question = "Its messages go to a webhook of another program. Take that away?"
            if not says_yes(self._person, question):
                raise UnavailableError(
                    "a bot with a webhook gets no messages here; make another bot with /newbot"
                ) from None
            await self._line.prepare()

    async def _find_person(self, me: Me) -> int:
        code = self._make_code()
        self._person.tell(
            f"Open this on your phone and press START:\n"
            f"  https://t.me/{me.user_name}?start={code}\n"
            f"or send the bot this message: /start {code}"
        )
        found = await self._wait_for(lambda said: said.is_private and _says(said, "/start", code))
        assert found.user_id is not None, "only a person is let through"
        self._person.tell(f"That was {found.user_name or 'you'}, number {found.user_id}.")
        await self._test(Place(found.user_id))
        return found.user_id

    async def _find_chat(self, me: Me, user_id: int) -> Place:
        code = self._make_code()
        self._person.tell(
            f"Add @{me.user_name} to the group, then write there (in the topic, if it is one):\n"
            f"  /here@{me.user_name} {code}"
        )
        if me.can_read_groups:
            self._person.tell(
                "Its privacy mode is off, so it reads everything that is written in its groups; "
                "it needs commands and answers only: /setprivacy at @BotFather, then Enable."
            )
        else:
            self._person.tell(
                "Its privacy mode is on, which is right: in a group it sees commands and replies, "
                "so answer its questions with the buttons, or by a reply."
            )
        found = await self._wait_for(
            lambda said: (
                not said.is_private and said.user_id == user_id and _says(said, "/here", code)
            )
        )
        await self._test(found.place)
        return found.place

    async def _wait_for(self, is_wanted: Callable[[Inbound], bool]) -> Inbound:
        give_up_at = self._clock.monotonic() + self._patience_s
        while (left_s := give_up_at - self._clock.monotonic()) > 0:
            for arrival in await self._poll(min(_POLL_S, left_s)):
                self._offset = arrival.update_id + 1
                said = arrival.inbound
                if said is not None and is_wanted(said):
                    return said
        raise UnavailableError(f"nobody has sent the code within {self._patience_s:g} s")

    async def _poll(self, wait_s: float) -> Sequence[Arrival]:
        try:
            return await self._line.poll(self._offset, wait_s)
        except MessengerError as error:
            if error.trouble not in _LATER:
                raise UnavailableError(f"Telegram: {error}") from None
            if error.trouble is Trouble.CONFLICT:
                self._tell_conflict()
            await asyncio.sleep(max(_PAUSE_S, error.wait_s))
            return ()

    async def _confirm(self) -> None:
        """Say that the last code was taken, which the bridge would read as a command else."""
        with suppress(MessengerError):
            await self._line.poll(self._offset, 0.0)

    def _tell_conflict(self) -> None:
        if not self._is_conflict_told:
            self._is_conflict_told = True
            self._person.tell(
                "Another program asks for this bot's messages and may take the code away. If it "
                "is a bridge of yours, stop it; if not, send /revoke to @BotFather and start anew."
            )

    async def _test(self, place: Place) -> None:
        try:
            await self._line.send_text(place, TEST_TEXT, html=False)
        except MessengerError as error:
            self._person.tell(f"The test message did not arrive: {error}")
        else:
            self._person.tell("A test message is there.")

    def _make_code(self) -> str:
        return f"{self._rng.getrandbits(60):015x}"


def _says(said: Inbound, command: str, code: str) -> bool:
    """Tell whether a person has written a command with a code, as themselves."""
    words = said.text.split()
    is_own = not (said.is_edited or said.is_forwarded or said.is_anonymous)
    is_command = len(words) == 2 and words[0].partition("@")[0] == command and words[1] == code
    return is_own and is_command and said.user_id is not None
