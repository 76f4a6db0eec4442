"""What a phone is shown beyond answers: a live status, followed lines in one message, pictures."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tcpproto import Log, Status
from tcpproto.vocabulary import Risk, Role
from telegram.bridge.chat import Buttons, RichChat, Wishes
from telegram.bridge.chat_outbox.digest import LogLine
from telegram.bridge.chat_outbox.posts import do_nothing
from telegram.bridge.receipts import State
from telegram.bridge.records import CommandRecord
from telegram.bridge.sessions import Session
from telegram.bridge.views.live_status import IDLE_GAP_S, Board, LiveGaps, LiveMessage, draw_board
from telegram.bridge.views.moments import find_zone
from tests.bridge_tests.harness import ADMIN, CHAT, NOW, Harness, RecordingChat, Shown
from tests.bridge_tests.scripted_bot import ScriptedBot, ThreeFieldPeer
from tests.waiting import wait_until

PRIVATE_GAP_S = LiveGaps().private_s


class Phone(RecordingChat):
    """A chat that can show what only a phone can."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []
        self.files: list[tuple[str, bytes]] = []
        self.pictures: list[bytes] = []
        self.log: list[str] = []
        self.wishes: Wishes | None = None

    @property
    def shows_events(self) -> bool:
        return True

    def tell(self, text: str, on_shown: Callable[[], None] = do_nothing) -> int:
        on_shown()
        return self.send(text)

    def settle(self, message_id: int | None, text: str, on_shown: Callable[[], None]) -> int:
        if message_id is None:
            message_id = self.send(text)
        else:
            self.edit(message_id, text)
        on_shown()
        return message_id

    def has_shown(self, message_id: int) -> bool:
        return message_id in self.messages

    def pass_on(self, text: str, *, is_urgent: bool) -> None:
        self.send(f"!{text}" if is_urgent else text)

    def add_log(self, lines: Sequence[LogLine]) -> None:
        self.log += [line.text for line in lines]

    def send_picture(self, png: bytes, caption: str, *, command_id: str | None = None) -> int:
        self.pictures.append(png)
        return self.send(caption, command_id=command_id)

    def send_document(
        self, data: bytes, file_name: str, caption: str, *, command_id: str | None = None
    ) -> int:
        self.files.append((file_name, data))
        return self.send(caption, command_id=command_id)

    def show_live(self, text: str) -> None:
        self.live.append(text)

    def show_stream(self, message_id: int | None, text: str, buttons: Buttons = ()) -> int:
        if message_id is None:
            return self.send(text, buttons)
        self.edit(message_id, text, buttons)
        return message_id

    def obey(self, wishes: Wishes) -> None:
        self.wishes = wishes


def test_the_phone_of_these_stories_is_one() -> None:
    assert isinstance(Phone(), RichChat)
    assert not isinstance(RecordingChat(), RichChat)


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def harness(tmp_path: Path, phone: Phone) -> Iterator[Harness]:
    harness = Harness(tmp_path, chat=phone)
    yield harness
    harness.close()


def test_the_live_status_is_edited_only_so_often_and_only_for_news() -> None:
    message = LiveMessage(PRIVATE_GAP_S)
    board = Board("paper main PAPER:\n  trading on", 1_790_000_000.0)
    assert message.next_text(board, None, 0.0) == f"{board.body}\nas of 14:13:20 UTC"
    later = Board("paper main PAPER:\n  trading off", 1_790_000_001.0)
    assert message.next_text(later, None, PRIVATE_GAP_S - 0.1) is None
    berlin = find_zone("Europe/Berlin")
    text = message.next_text(later, berlin, PRIVATE_GAP_S)
    assert text is not None
    assert text.endswith("trading off\nas of 16:13:21 CEST")
    only_time = Board(later.body, 1_790_000_030.0)
    assert message.next_text(only_time, None, PRIVATE_GAP_S * 3) is None
    assert message.next_text(only_time, None, PRIVATE_GAP_S + IDLE_GAP_S) is not None
    assert message.next_text(only_time, None, PRIVATE_GAP_S + 2 * IDLE_GAP_S) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"positions_open": 20, "positions": [{}] * 8}, [" held 20 positions at last"]),
        ({"positions": [{}]}, [" held 1 position at last"]),
        ({"positions": []}, []),
        ({"positions": "odd"}, []),
    ],
)
def test_a_board_says_of_a_bot_that_is_away_what_it_held(
    fields: dict[str, object], said: list[str]
) -> None:
    away = Session("a", seen_at=0.0, status_fields=fields)
    assert draw_board([away], 200.0).body.split("\n") == ["a:", " AWAY for 3m 00s", *said]


def test_a_board_says_who_is_away_and_who_is_silent_and_is_bounded() -> None:
    here = Session("b", peer=object(), status_at=100.0, status_text="ticks    9\n" + "x\n" * 100)  # type: ignore[arg-type]
    away = Session("a", seen_at=0.0)
    board = draw_board([away, here], 200.0)
    lines = board.body.split("\n")
    assert lines[0] == "b:"
    assert lines[1:3] == [" SILENT for 1m 00s", " x"]
    assert lines[-2:] == ["a:", " AWAY for 3m 00s"]
    assert (len(lines) <= 40, board.at) == (True, 100.0)
    assert draw_board([], 0.0) == Board("no bot has connected yet", None)


def test_a_chat_with_nothing_known_keeps_what_is_pinned(harness: Harness, phone: Phone) -> None:
    harness.turn()
    assert phone.live == []


def follow_lines(harness: Harness, *texts: str) -> None:
    lines = [Log(level="WARNING", logger="engine", text=text, at=1.0) for text in texts]
    harness.bridge.parts.follow.offer("paper", lines)
    harness.clock.advance(5.0)
    harness.turn()


def test_followed_lines_come_in_one_message_with_a_button_that_stops_them(
    harness: Harness, phone: Phone
) -> None:
    answer = harness.say("/follow warning")
    assert answer.last_line.endswith("for 1h 00m")
    count = len(phone.messages)
    for number in range(30):
        follow_lines(harness, f"line {number}")
    assert len(phone.messages) == count + 1
    stream: Shown = phone.last
    assert len(stream.text.splitlines()) == 20
    assert stream.text.splitlines()[-1] == "paper WARNING engine: line 29"
    assert stream.buttons == ["Stop"]
    # Nothing about it is barred while another program uses the token, or the disk is full.
    look = harness.bridge.parts.questions.look(CHAT, ADMIN.id, stream.data[0])
    assert (look.refusal, look.risk) == ("", Risk.READING)
    harness.say("", pressed=stream.data[0])
    assert (stream.buttons, stream.text.splitlines()[-1]) == ([], "(ended)")
    follow_lines(harness, "too late")
    assert "too late" not in "".join(phone.texts)
    assert harness.say("/follow off").last_line.endswith("it was off already")


def test_long_logs_come_as_a_file(harness: Harness, phone: Phone) -> None:
    folder = harness.config.logs
    lines = [f"2026-11-20T14:03:07.123Z INFO engine line {n} {'x' * 60}" for n in range(100)]
    (folder / "paper.log").write_text("\n".join(lines) + "\n")
    harness.bridge.parts.sessions.update("paper", Status(kind="status", text="", fields={}))
    harness.say("/tz europe/berlin")
    shown = harness.say("/logs 100 @paper")
    assert shown.text == "[applied] /logs 100 — paper: 100 lines"
    ((name, data),) = phone.files
    assert name == "paper-log.txt"
    assert data.count(b"15:03:07.123 CET") == 100
    assert "line 99" in harness.say("/logs 3 @paper").text


def test_what_a_bot_says_is_urgent_but_not_all_that_a_three_field_peer_says(
    harness: Harness, phone: Phone
) -> None:
    bot, peer = ScriptedBot(harness.port, "paper"), ThreeFieldPeer(harness.port)
    bot.wait_connected()
    bot.text("state.db is not written")
    peer.send("price 75,000")
    harness.turn_until(lambda: len(phone.texts) == 2, "both texts")
    assert sorted(phone.texts) == ["!paper: state.db is not written", "legacy-1: price 75,000"]
    peer.close()
    bot.stop()


@pytest.mark.parametrize(
    ("level", "shown"),
    [(None, []), ("error", ["paper ERROR engine: line 2"])],
)
def test_log_lines_are_shown_unasked_only_from_the_level_that_is_configured(
    tmp_path: Path, phone: Phone, level: str | None, shown: list[str]
) -> None:
    harness = Harness(tmp_path, chat=phone, settings={"phone": {"log_level": level}})
    bot = ScriptedBot(harness.port, "paper")
    bot.wait_connected()
    for number, name in enumerate(("INFO", "WARNING", "ERROR")):
        line = Log(name, "engine", NOW, f"line {number}")
        bot.client.offer(line.to_message(0.0), 1.0)
    bot.text("done")
    harness.turn_until(lambda: phone.texts, "the last word")
    harness.turn_until(lambda: phone.log == shown, f"{shown}; there is {phone.log}")
    bot.stop()
    harness.close()


def test_zones_are_set_by_name_and_misspelt_ones_are_helped(harness: Harness) -> None:
    assert "UTC, now 14:13:20 UTC" in harness.say("/tz").text
    assert "did you mean Europe/Berlin?" in harness.say("/tz Europe/Berlni").text
    assert "Europe/Berlin, now 16:13:20 CEST" in harness.say("/tz europe/berlin").text
    assert "Europe/Berlin" in harness.say("/tz").text


def test_silence_is_for_a_while(harness: Harness, phone: Phone) -> None:
    assert phone.wishes is not None
    assert harness.say("/mute 2h").text.endswith("silent for 2h 00m; what is critical still sounds")
    assert phone.wishes.is_silent("warning")
    harness.say("/mute off")
    assert not phone.wishes.is_silent("warning")
    assert harness.say("/mute off").text.endswith("it was off already")
    assert "1h 00m" in harness.say("/mute").text


def answer(verb: str, fields: dict[str, object], *, command_id: str = "c1") -> CommandRecord:
    return CommandRecord(
        id=command_id,
        bot="paper",
        verb=verb,
        args=(),
        author="os:tester",
        role=Role.ADMIN,
        chat=CHAT,
        issued_at=NOW,
        expires_at=NOW,
        state=State.APPLIED,
        text="100 candles",
        fields=fields,
    )


CANDLES = [[NOW + n * 60, 100.0, 102.0, 99.0, 101.0, 1.0] for n in range(30)]
FIGURES = {"symbol": "BTC/USDT", "interval_s": 60, "candles": CANDLES}


def test_a_phone_is_sent_the_text_at_once_and_the_picture_after_it_once(
    harness: Harness, phone: Phone
) -> None:
    record = answer("chart", {"chart": FIGURES})
    harness.bridge.receipts.show(record)
    assert phone.last.last_line.startswith("[applied] /chart")
    wait_until(lambda: phone.pictures, 30.0, "the picture")
    assert phone.pictures[0].startswith(b"\x89PNG")
    assert phone.last.text == "paper /chart"
    harness.bridge.receipts.show(record)
    points = {"currency": "USDT", "points": [[NOW, 0.0, 0.0], [NOW + 60, 5.0, 0.0]]}
    harness.bridge.receipts.show(answer("profit", {"curve": points}, command_id="c2"))
    wait_until(lambda: len(phone.pictures) == 2, 30.0, "the curve")
    harness.bridge.parts.views.close()
    assert len(phone.pictures) == 2


def test_a_picture_names_whose_money_it_shows_and_what_its_marks_mean(
    harness: Harness, phone: Phone
) -> None:
    accounts = {"accounts": [{"account": "main", "mode": "PAPER"}]}
    harness.bridge.parts.sessions.update("paper", Status("engine", "all well", accounts))
    position = {"side": "long", "entry_price": "100", "opened_at": NOW}
    harness.bridge.receipts.show(answer("chart", {"chart": {**FIGURES, "positions": [position]}}))
    wait_until(lambda: phone.pictures, 30.0, "the picture")
    assert phone.last.text.split("\n") == [
        "paper main PAPER /chart",
        "▲ bought, ▼ sold; filled: entry, hollow: exit",
    ]
    harness.bridge.parts.views.close()


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("chart", {}),
        ("chart", {"chart": {"candles": []}}),
        ("chart", {"chart": [1]}),
        ("profit", {"curve": {"points": [[0, 0, 0], [1, 0, 0]]}}),
        ("trades", {"chart": FIGURES}),
    ],
)
def test_where_there_is_nothing_to_draw_the_text_has_to_do(
    harness: Harness, phone: Phone, verb: str, fields: dict[str, object]
) -> None:
    harness.bridge.receipts.show(answer(verb, fields))
    harness.bridge.parts.views.close()
    assert len(phone.messages) == 1


def test_a_console_is_told_where_the_picture_is(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.bridge.receipts.show(answer("chart", {"chart": FIGURES}))
    wait_until(lambda: len(harness.chat.messages) == 2, 30.0, "the file")
    said, _, path = harness.chat.last.text.partition(": ")
    assert said == "picture of /chart"
    assert Path(path).read_bytes().startswith(b"\x89PNG")
    harness.bridge.parts.views.close()
    harness.close()


def test_a_board_says_once_whose_it_is() -> None:
    text = "PAPER paper (paper)\nengine   RUNNING\nlink     connected 00:01:58"
    fields = {"accounts": [{"name": "main", "mode": "PAPER"}]}
    session = Session("paper", peer=object(), status_at=100.0, status_text=text)  # type: ignore[arg-type]
    session.status_fields = fields
    assert draw_board([session], 100.0).body == "paper main PAPER:\nengine   RUNNING"
    session.status_fields = {}
    assert draw_board([session], 100.0).body.splitlines()[1] == "PAPER paper (paper)"
