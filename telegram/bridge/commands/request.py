"""One command of a person while the bridge works on it, and what a bridge command answers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tcpproto.vocabulary import ParsedCommand, Verb
from telegram.bridge.chat import Author


@dataclass(frozen=True, slots=True)
class Request:
    """Hold a command that was understood and allowed.

    `message_id` is the message that asked about it, which its receipt replaces; `doubt` is why
    its author has to say once more that it is wanted.
    """

    id: str
    chat: str
    author: Author
    command: ParsedCommand
    verb: Verb
    settled: Callable[[], None]
    message_id: int | None = None
    doubt: str = ""

    @property
    def line(self) -> str:
        """Return the command as a person writes it, without naming a bot."""
        return ParsedCommand(self.command.verb, self.command.args).line


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a command of the bridge itself has to say."""

    text: str
    body: str = ""
    # Where a long body is to be a file, its name.
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class WhichBot:
    """Say that a command of the bridge needs a bot, which the person is asked for."""

    bots: tuple[str, ...]
    prompt: str
    then: Callable[[str], Answer] = field(repr=False)


Response = Answer | WhichBot
LocalVerb = Callable[[Request], Response]
