"""In which form texts reach a phone: dressed, in pieces, as files, pinned, as one stream."""

from html import escape

from telegram.bridge.chat import RichChat
from telegram.bridge.chat_outbox.posts import Attachment
from telegram.bridge.messenger import Place
from tests.bridge_tests.chat_outbox_tests.conftest import MakeDesk
from tests.bridge_tests.chat_outbox_tests.desk import Desk, arrived
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import PNG


def test_bad_html_is_shown_as_text(desk: Desk, phone: Phone) -> None:
    desk.api.expect_refusal("can't parse")
    desk.chat.post("<b>1 &lt; 2</b> <wrong>x</wrong>", is_html=True)
    desk.run(5)
    assert phone.texts == ["1 < 2 x"]


def test_a_long_text_comes_in_pieces_and_a_very_long_one_as_a_file(
    desk: Desk, phone: Phone
) -> None:
    text = "\n".join(f"line {number}" for number in range(600))
    desk.chat.send(text)
    desk.run(20)
    assert "\n".join(phone.texts) == text
    long = "\n".join(f"line {number}" for number in range(6_000))
    desk.chat.send(f"{long}\n[applied] /logs")
    desk.run(20)
    assert phone.texts[-2] == "[applied] /logs"
    assert phone.last.document == f"{long}\n[applied] /logs".encode()


def test_an_event_that_is_too_long_comes_as_a_file(desk: Desk, phone: Phone) -> None:
    desk.raise_events(["one", "x" * 3_990, "three"])
    desk.run(20)
    assert arrived(phone) == [1, 2, 3]


def test_pictures_and_files_are_sent(desk: Desk, phone: Phone) -> None:
    desk.chat.post("trades", attachment=Attachment(b"a,b\n", "trades.csv"))
    desk.run(3)
    assert phone.last.document == b"a,b\n"
    assert phone.last.text == "trades"


def test_a_status_is_one_pinned_message_that_is_edited_now_and_then(
    desk: Desk, phone: Phone
) -> None:
    for second in range(60):
        desk.chat.show_status("live", f"as of {second}", is_pinned=True)
        desk.run(1)
    desk.run(20)
    assert phone.texts == ["as of 59"]
    assert phone.pinned == [phone.last]
    assert 5 <= len(desk.api.requests("editMessageText")) <= 8
    desk.restart()
    desk.chat.show_status("live", "as of tomorrow", is_pinned=True)
    desk.run(20)
    assert phone.texts == ["as of tomorrow"]
    phone.delete(phone.last)
    desk.api.expect_refusal("message to edit not found")
    desk.chat.show_status("live", "anew", is_pinned=True)
    desk.run(20)
    assert phone.texts == ["anew"]


def test_texts_are_dressed_where_that_fits(
    make_desk: MakeDesk, phone: Phone, api: FakeBotApi
) -> None:
    desk = make_desk(Place(phone.chat.id))
    desk.restart(dress=lambda text: f"<pre>{escape(text)}</pre>")
    desk.chat.send("1 < 2")
    desk.raise_event("BOUGHT & held")
    desk.run(5)
    assert [message.entities[0]["type"] for message in phone.bot_messages] == ["pre", "pre"]
    assert phone.texts == ["1 < 2", "#1 paper notice: BOUGHT & held"]
    desk.restart(dress=lambda text: f"<wrong>{text}")
    desk.chat.send("plain")
    desk.run(5)
    assert phone.texts[-1] == "plain"


class _Calm:
    """Wish for silence but for what is critical, and for another zone."""

    def localize(self, text: str, /) -> str:
        return text.replace("12:00 UTC", "14:00 CEST")

    def is_silent(self, severity: str, /) -> bool:
        return severity != "critical"


def test_events_and_answers_come_as_their_readers_wish(desk: Desk, phone: Phone) -> None:
    desk.chat.obey(_Calm())
    desk.raise_event("SOLD at 12:00 UTC")
    desk.run(5)
    desk.chat.send("it is 12:00 UTC")
    desk.run(5)
    desk.raise_event("limit", "limit_tripped", "critical")
    desk.run(5)
    assert [message.is_silent for message in phone.bot_messages] == [True, False, False]
    assert phone.texts[0].endswith("SOLD at 14:00 CEST")
    assert phone.texts[1] == "it is 14:00 CEST"


def test_a_chat_is_rich(desk: Desk, phone: Phone) -> None:
    assert isinstance(desk.chat, RichChat)
    desk.chat.send_picture(PNG, "BTC/USDT")
    desk.chat.send_document(b"1", "log.txt", "the log")
    desk.chat.show_live("as of now")
    desk.run(20)
    assert [bool(message.photo) for message in phone.bot_messages] == [True, False, False]
    assert phone.pinned[0].text == "as of now"


def test_a_stream_is_one_silent_message(desk: Desk, phone: Phone) -> None:
    number = desk.chat.show_stream(None, "line 0")
    desk.run(1)
    for line in range(1, 50):
        desk.chat.show_stream(number, f"line {line}")
        desk.run(0.1)
    desk.run(10)
    assert phone.texts == ["line 49"]
    assert phone.last.is_silent
    assert len(desk.api.requests("editMessageText")) <= 8
