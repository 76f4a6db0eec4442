"""Who may do what: people with their roles, and the person at the console.

Telegram users are numbers listed in the environment or the configuration; whoever is not listed
does not exist. The console belongs to the user who started the process, who could edit the
files as well, and so is an admin.
"""

import os
import pwd
import re
from collections.abc import Mapping

from daemonkit.errors import ConfigurationError
from daemonkit.printable import one_line
from daemonkit.secrets import Secret
from tcpproto.vocabulary import Role, Verb, role_allows
from telegram.bridge.chat import Author

TOKEN_NAME = "TELEGRAM_BOT_TOKEN"  # noqa: S105 - a name, not a token
TOKEN_SHAPE = re.compile(r"[0-9]{6,}:[A-Za-z0-9_-]{30,}")
BOT_FATHER_STEPS = """\
The bridge needs the token of a Telegram bot of your own:
  1. In Telegram, open a chat with @BotFather and send /newbot.
  2. Choose a name and a user name that ends with "bot".
  3. BotFather answers with a token such as 123456789:AAE…; keep it secret.
  4. ./run_telegram.sh setup asks for it, finds you and your chats, and writes telegram.yaml.
  5. Start the bridge as its last line says, such as TELEGRAM_BOT_TOKEN=… ./run_telegram.sh
To use the bridge without Telegram: ./run_telegram.sh --console
"""

_ENVIRONMENT = "environment"
# Telegram's numbers have at most 16 digits, the database's 18.
_CHAT_ID = re.compile(r"-?[0-9]{1,18}")
_USER_ID = re.compile(r"[1-9][0-9]{0,17}")


def console_author() -> Author:
    """Return who sits at the console: the user of the operating system."""
    user_id = os.getuid()
    try:
        name = pwd.getpwuid(user_id).pw_name
    except KeyError:
        name = str(user_id)
    return Author(f"os:{one_line(name, 64)}", Role.ADMIN)


def why_not_allowed(author: Author, verb: Verb) -> str:
    """Return why a person may not give a command, or nothing when they may."""
    if role_allows(author.role, verb.role):
        return ""
    return f"this needs the role {verb.role}; yours is {author.role}"


def check_token(token: Secret | None) -> Secret:
    """Return a token of the right shape or raise ConfigurationError."""
    if token is None:
        raise ConfigurationError(
            _ENVIRONMENT, TOKEN_NAME, found="nothing", allowed="a bot token from @BotFather"
        )
    if TOKEN_SHAPE.fullmatch(token.reveal()) is None:
        raise ConfigurationError(
            _ENVIRONMENT,
            TOKEN_NAME,
            found="something else",
            allowed="a bot token such as 123456789:AAE… (digits, a colon, 30 or more characters)",
        )
    return token


def read_chat_id(environ: Mapping[str, str]) -> int | None:
    """Return the chat that the environment names, if it names one."""
    chat = environ.get("TELEGRAM_CHAT_ID", "").strip()
    if chat and not (_CHAT_ID.fullmatch(chat) and int(chat)):
        raise ConfigurationError(
            _ENVIRONMENT, "TELEGRAM_CHAT_ID", found=repr(chat), allowed="a number such as 123456789"
        )
    return int(chat) if chat else None


def read_user_ids(environ: Mapping[str, str]) -> tuple[int, ...]:
    """Return the people that the environment lists."""
    listed = environ.get("TELEGRAM_USER_IDS", "").replace(",", " ").split()
    wrong = next((one for one in listed if not _USER_ID.fullmatch(one)), None)
    if wrong is not None:
        raise ConfigurationError(
            _ENVIRONMENT,
            "TELEGRAM_USER_IDS",
            found=repr(wrong),
            allowed="numbers above 0, separated by commas",
        )
    return tuple(dict.fromkeys(int(one) for one in listed))
