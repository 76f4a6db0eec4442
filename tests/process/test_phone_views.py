"""What only a phone can show, through both real programs: pictures, files, one message that is
edited, a status that is pinned, times of the reader's zone, silence.
"""

import re
import signal

import pytest

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.pictures import photo_size
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import Installation
from tests.process.phone_desk import QUICK, start_bridge, table_lines, wait_for_prices
from tests.processes import RunningProcess
from tests.waiting import wait_until

BUY, SELL = "/buy BTC/USDT 0.01", "/sell BTC/USDT"


def test_a_phone_is_shown_pictures_a_pinned_status_its_own_times_and_no_needless_sound(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(QUICK)
    start_bridge(here, api)
    here.start_trading()
    wait_for_prices(ann)
    check_pinned(api, ann)
    check_pictures(ann)
    check_times(ann)
    check_sounds(ann)
    assert len(ann.pinned) == 1
    assert not any(one.service for one in ann.messages)


def check_pinned(api: FakeBotApi, ann: Phone) -> None:
    """See one silent message that is kept current, without a line that it was pinned."""
    status = ann.wait_until(lambda one: ann.pinned == [one], "a pinned message")
    assert status.is_silent
    api.wait(lambda: not any(one.service for one in ann.messages), "the line of the pin to go")
    assert status.text.splitlines()[:2] == ["paper main PAPER:", "engine   RUNNING"]
    assert re.search(r"^as of \d\d:\d\d:\d\d UTC$", status.text, re.MULTILINE)
    ann.ask("/starttrading", "trading is on")
    ann.wait_until(lambda one: one is status and "trading  on" in one.text, "the news")
    assert [row for row in table_lines(status) if len(row) > 34] == []


def check_pictures(ann: Phone) -> None:
    """See pictures below the answers that have something to draw."""
    for _ in range(2):
        asked = ann.ask(BUY, "are you sure")
        ann.press("Yes", asked)
        ann.wait_for("BOUGHT BTC/USDT", after=asked)
        sold = ann.ask(SELL, r"^\[applied\] /sell BTC/USDT")
        ann.wait_for("SOLD BTC/USDT", after=sold)
    for line in ("/chart BTC/USDT 1m", "/profit"):
        said = ann.say(line)
        picture = ann.wait_until(lambda one: one.photo is not None, "a picture", after=said)
        assert picture.text.startswith(f"paper main PAPER {line}")
        assert picture.photo is not None
        width, height = photo_size(picture.photo)
        assert width > height >= 400
        below = [one for one in ann.bot_messages if one.message_id > said.message_id]
        assert sum(f"[applied] {line}" in one.text for one in below) == 1


def check_times(ann: Phone) -> None:
    """See times change with the zone, in answers and in the status."""
    ann.ask("/getstatus", r"^market +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$")
    ann.ask("/tz Asia/Tokyo", r"Asia/Tokyo, now \d\d:\d\d:\d\d JST$")
    ann.ask("/getstatus", r"^market +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d JST$")
    ann.wait_for(r"^as of \d\d:\d\d:\d\d JST$")


def check_sounds(ann: Phone) -> None:
    """Hear nothing while it is muted but what is critical."""
    ann.ask("/mute 1h", "silent for 1h 00m")
    ann.ask("/pause", "paused")
    said = ann.ask("/stoptrading", "trading is off")
    assert ann.wait_for("trading stopped by", after=said).is_silent
    ann.ask("/emergency", "kill latch set")
    assert not ann.wait_for("KILL LATCH SET").is_silent
    ann.ask("/mute off", "sound again")
    said = ann.ask("/starttrading", "trading is on")
    assert not ann.wait_for("trading started by", after=said).is_silent


@pytest.mark.long
def test_the_live_status_stays_one_message_over_restarts(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(QUICK)
    bridge = start_bridge(here, api)
    bot = here.start_trading()
    wait_for_prices(ann)
    status = ann.wait_until(lambda one: ann.pinned == [one], "a pinned message")
    bot.kill()
    ann.wait_for(r"^ AWAY$")
    assert bridge.stop() == 0
    # What it said before the restart the bridge does not know any more.
    api.expect_refusal("message is not modified")
    start_bridge(here, api)
    here.start_trading()
    ann.wait_for(r"^market +2026")
    assert ann.pinned == [status]


def test_lines_are_followed_in_one_message_and_long_logs_come_as_a_file(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(QUICK.replace("phone: {", "phone: {follow_s: 0.2, "))
    start_bridge(here, api)
    bot = here.start_trading()
    wait_for_prices(ann)
    ann.ask("/follow 1h", "lines of all bots from warning up, for 1h 00m")
    refuse_reload(here, bot)
    stream = ann.wait_until(lambda one: one.button_texts == ["Stop"], "the followed lines")
    assert stream.is_silent
    refuse_reload(here, bot)
    ann.wait_until(lambda one: len(one.text.splitlines()) >= 2 and one is stream, "one more line")
    tap = ann.press("Stop", stream)[0]
    ann.wait_for(r"^\(ended\)$")
    assert ann.wait_answer(tap) == ""
    assert stream.button_texts == []
    ann.ask("/follow off", "it was off already")
    ann.ask("/follow warning 1s", "for 1s")
    refuse_reload(here, bot)
    short = ann.wait_until(lambda one: one.button_texts == ["Stop"], "the next followed lines")
    ann.wait_until(lambda one: one is short and one.text.endswith("(ended)"), "its end by itself")
    assert short.button_texts == []
    few = ann.ask("/logs 2 warning", r"^\[applied\] /logs 2 warning — paper: 2 lines$")
    assert (len(table_lines(few)), few.document) == (2, None)
    with here.forwarded_log.open("a", encoding="utf-8") as file:
        file.writelines(f"2026-01-05T00:00:00.000Z INFO     feed: line {n}\n" for n in range(400))
    said = ann.say("/logs 400 info line")
    long = ann.wait_until(lambda one: one.document is not None, "a file", after=said)
    assert (long.file_name, long.text) == ("paper-log.txt", "/logs 400 info line")
    assert long.document is not None
    assert long.document.count(b"\n") == 400
    ann.wait_for(r"^\[applied\] /logs 400 info line — paper: 400 lines$", after=said)


def refuse_reload(here: Installation, bot: RunningProcess) -> None:
    """Make the bot log an error."""
    good = here.bot_file.read_text(encoding="utf-8")
    seen = bot.stderr.count(" ERROR ")
    here.bot_file.write_text(f"{good}nonsense: 1\n", encoding="utf-8")
    bot.send_signal(signal.SIGHUP)
    wait_until(lambda: bot.stderr.count(" ERROR ") > seen, 10.0, "a refused reload")
    here.bot_file.write_text(good, encoding="utf-8")
