"""The commands with which people set what they are shown: /tz and /mute."""

import difflib
from collections.abc import Mapping
from zoneinfo import available_timezones

from daemonkit.clock import Clock
from tcpproto.arguments import read_duration_s
from tcpproto.vocabulary import name_arguments
from telegram.bridge.commands.request import Answer, LocalVerb, Request
from telegram.bridge.errors import RefusalError
from telegram.bridge.render import age_text
from telegram.bridge.views.moments import clock_text, find_zone
from telegram.bridge.views.preferences import Preferences

MUTE_DEFAULT_S = 3_600.0


class PreferenceVerbs:
    """Answer /tz and /mute."""

    def __init__(self, clock: Clock, preferences: Preferences) -> None:
        self._clock = clock
        self._preferences = preferences
        self.verbs: Mapping[str, LocalVerb] = {"tz": self._tz, "mute": self._mute}

    def _tz(self, request: Request) -> Answer:
        named = name_arguments(request.command.verb, request.command.args).get("zone")
        if named is None:
            zone = self._preferences.zone_of(request.author.id)
            name = "UTC" if zone is None else zone.key
            now = clock_text(self._clock.wall(), zone)
            return Answer(f"{name}, now {now}; /tz Europe/Berlin would be another")
        # Names are written in one way only, and files are looked up by them.
        known = {name.lower(): name for name in available_timezones()}
        zone = find_zone(known.get(named.lower(), ""))
        if zone is None:
            close = difflib.get_close_matches(named.lower(), known, n=1)
            hint = f"did you mean {known[close[0]]}?" if close else "such as Europe/Berlin"
            raise RefusalError(f"no time zone {named}; {hint}")
        self._preferences.set_zone(request.author.id, request.chat, zone)
        return Answer(f"{zone.key}, now {clock_text(self._clock.wall(), zone)}")

    def _mute(self, request: Request) -> Answer:
        named = name_arguments(request.command.verb, request.command.args).get("duration")
        if named == "off":
            was = self._preferences.muted_until(request.chat)
            self._preferences.mute(request.chat, None)
            return Answer("it was off already" if was is None else "notifications sound again")
        duration_s = MUTE_DEFAULT_S if named is None else read_duration_s(named)
        self._preferences.mute(request.chat, self._clock.wall() + duration_s)
        return Answer(f"silent for {age_text(duration_s)}; what is critical still sounds")
