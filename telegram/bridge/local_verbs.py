"""The commands that the bridge answers itself: one method for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from daemonkit.clock import Clock
from daemonkit.version import VERSION
from tcpproto.arguments import read_duration_s
from tcpproto.vocabulary import VOCABULARY, Risk, Verb, name_arguments
from telegram.bridge.commands.choices import Choices
from telegram.bridge.commands.request import Answer, LocalVerb, Request, Response, WhichBot
from telegram.bridge.errors import RefusalError
from telegram.bridge.health import Health
from telegram.bridge.help_text import explanation, greeting, overview
from telegram.bridge.logs.follow import Follow
from telegram.bridge.logs.search import Wanted, find_lines
from telegram.bridge.records import FollowSetting
from telegram.bridge.render import age_text, plural
from telegram.bridge.routing import Ask, Refuse, find_route, unknown_bot
from telegram.bridge.sessions import Sessions
from telegram.bridge.store.settings import FollowTable
from telegram.bridge.views.streams import Streams

LOG_LINES_DEFAULT = 20
FOLLOW_LEVEL_DEFAULT = "warning"


class LogPaths(Protocol):
    """Know where the log lines of a bot are kept."""

    def path_of(self, bot: str) -> Path:
        """Return the file."""
        ...


@dataclass(frozen=True, slots=True)
class Following:
    """Hold what /follow switches: the lines, what is kept of it, and how a phone shows them."""

    follow: Follow
    table: FollowTable
    streams: Streams


class LocalVerbs:
    """Answer the bridge's own commands."""

    def __init__(
        self,
        *,
        clock: Clock,
        sessions: Sessions,
        choices: Choices,
        health: Health,
        following: Following,
        log_paths: LogPaths,
        vocabulary: Mapping[str, Verb] = VOCABULARY,
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._choices = choices
        self._health = health
        self._follow = following.follow
        self._follow_table = following.table
        self._log_paths = log_paths
        self._streams = following.streams
        self._streams.on_stop = self._stop_follow
        self._vocabulary = vocabulary
        self.verbs: Mapping[str, LocalVerb] = {
            "ping": self._ping,
            "help": self._help,
            "start": self._start,
            "version": self._version,
            "health": self._show_health,
            "bots": self._bots,
            "use": self._use,
            "logs": self._logs,
            "follow": self._set_follow,
        }

    def _ping(self, _request: Request) -> Answer:
        return Answer(f"pong; {plural(len(self._sessions.connected()), 'bot')} connected")

    def _start(self, request: Request) -> Answer:
        return Answer("ready when you are", greeting(request.author.role))

    def _help(self, request: Request) -> Answer:
        command = _arguments(request).get("command")
        if command is None:
            return Answer("commands begin with /", overview(self._vocabulary))
        return Answer(f"about /{command}", explanation(self._vocabulary[command]))

    def _version(self, _request: Request) -> Answer:
        return Answer(f"tradebridge {VERSION}", self._health.versions())

    def _show_health(self, _request: Request) -> Answer:
        return Answer(self._health.summary, self._health.report())

    def _bots(self, request: Request) -> Answer:
        known, connected = self._sessions.known(), self._sessions.connected()
        if not known:
            return Answer("no bot has connected yet")
        body = self._health.bots(self._choices.get(request))
        return Answer(f"{len(connected)} of {plural(len(known), 'bot')} connected", body)

    def _use(self, request: Request) -> Response:
        named = _arguments(request).get("bot")
        if named is not None:
            return self._select(request, named)
        known = self._sessions.known()
        if not known:
            raise RefusalError("no bot has connected yet")
        return WhichBot(
            tuple(known), "which bot shall commands go to?", lambda bot: self._select(request, bot)
        )

    def _select(self, request: Request, bot: str) -> Answer:
        if self._sessions.get(bot) is None:
            raise RefusalError(unknown_bot(bot, self._sessions.known()))
        self._choices.select(request, bot)
        away = "" if self._sessions.is_connected(bot) else ", which is away"
        return Answer(f"commands go to {self._sessions.label(bot)}{away}")

    def _logs(self, request: Request) -> Response:
        scene = self._choices.scene(request)
        route = find_route(request.command.bot, Risk.READING, scene)
        if isinstance(route, Refuse):
            raise RefusalError("no bot is connected" if scene.known else "no bot is known yet")
        if isinstance(route, Ask):
            return WhichBot(route.bots, "logs of which bot?", lambda bot: self._show(request, bot))
        return self._show(request, route.bots[0])

    def _show(self, request: Request, bot: str) -> Answer:
        named = _arguments(request)
        wanted = Wanted(
            count=int(named.get("count", LOG_LINES_DEFAULT)),
            level=named.get("level", "debug"),
            text=named.get("text", ""),
        )
        found = find_lines(self._log_paths.path_of(bot), wanted)
        count = plural(len(found), "line") if found else "no line fits, or none has come yet"
        return Answer(f"{bot}: {count}", "\n".join(found), f"{bot}-log.txt")

    def _set_follow(self, request: Request) -> Answer:
        named, bot = _arguments(request), request.command.bot
        if bot is not None and self._sessions.get(bot) is None:
            raise RefusalError(unknown_bot(bot, self._sessions.known()))
        level = named.get("level", FOLLOW_LEVEL_DEFAULT)
        if level == "off":
            was_on = self._stop_follow(request.chat)
            self._streams.end(request.chat)
            return Answer("no more lines come" if was_on else "it was off already")
        asked_s = read_duration_s(named["duration"]) if "duration" in named else None
        duration_s = self._streams.begin(request.chat, request.author.id, asked_s)
        until = None if duration_s is None else self._clock.wall() + duration_s
        setting = FollowSetting(request.chat, level, bot, until)
        self._follow_table.save(setting)
        self._follow.start(setting)
        whose = "all bots" if bot is None else bot
        how_long = "until /follow off" if duration_s is None else f"for {age_text(duration_s)}"
        return Answer(f"lines of {whose} from {level} up, {how_long}")

    def _stop_follow(self, chat: str) -> bool:
        self._follow_table.delete(chat)
        return self._follow.stop(chat)


def _arguments(request: Request) -> dict[str, str]:
    return name_arguments(request.command.verb, request.command.args)
