"""The tables and counts behind what is sent: speed, order, bounds, retries, digests."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telegram.bridge.chat_outbox.digest import LogDigest, LogLine, template_of
from telegram.bridge.chat_outbox.lanes import EVICTION, LANES, Lane, lane_of, rank
from telegram.bridge.chat_outbox.pacing import ChatMeter, Meter, Pace, PaceLimits
from telegram.bridge.chat_outbox.posts import Attachment, Bounds, Post, Posts
from telegram.bridge.chat_outbox.retries import Action, Form, Patience, decide, weaker
from telegram.bridge.messenger import Trouble
from tests.architecture_tests.source_tree import imports, is_below, modules
from tests.architecture_tests.test_architecture import OUTSIDE_WORLD
from tests.fakes.bot_api.flood import FloodGuard, FloodLimits


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 2, -1, -2]), st.floats(0, 3), st.booleans(), st.floats(0, 2)),
        max_size=120,
    )
)
def test_no_chat_is_ever_spoken_to_faster_than_telegram_allows(
    turns: list[tuple[int, float, bool, float]],
) -> None:
    guard, limits = FloodGuard(), PaceLimits()
    guard.limits = FloodLimits()
    overall = Meter(limits.overall)
    chats = {one: ChatMeter(limits, is_group=one < 0) for one in (1, 2, -1, -2)}
    now = 1_000.0
    for chat, pause, is_log, takes_s in turns:
        now += pause
        meter = chats[chat]
        now += max(meter.wait_s(now, is_bulk=is_log), overall.wait_s(now))
        meter.take(now, is_bulk=is_log)
        overall.take(now)
        now += takes_s
        # It may have arrived at any moment until its answer came.
        guard.check("sendMessage", chat, now)
        meter.settle(now)


def test_a_chat_gets_a_burst_and_then_its_speed() -> None:
    meter, now, times = Meter(Pace(3, 3.0, 3)), 0.0, []
    for _ in range(9):
        now += meter.wait_s(now)
        meter.take(now)
        times.append(now)
    assert times[:3] == [0, 0, 0]
    assert times[-1] == pytest.approx(6, abs=0.1)


def test_a_group_gets_less_than_twenty_in_any_minute() -> None:
    meter, now, times = Meter(PaceLimits().group), 0.0, []
    for _ in range(100):
        now += meter.wait_s(now)
        meter.take(now)
        times.append(now)
    assert all(later - first > 60 for first, later in zip(times, times[18:], strict=False))


def test_log_lines_leave_half_of_a_chat_to_what_matters() -> None:
    meter, now, count = ChatMeter(PaceLimits(), is_group=False), 0.0, 0
    while now < 60:
        now += meter.wait_s(now, is_bulk=True)
        meter.take(now, is_bulk=True)
        count += 1
        assert meter.wait_s(now, is_bulk=False) == 0
    assert count <= 31


@pytest.mark.parametrize(
    ("kind", "severity", "lane"),
    [
        ("bought", "notice", Lane.ALERT),
        ("order_rejected", "notice", Lane.ALERT),
        ("limit_tripped", "critical", Lane.ALERT),
        ("engine_started", "notice", Lane.ALERT),
        ("what_nobody_knows", "info", Lane.ALERT),
        ("order_placed", "info", Lane.NOTICE),
        ("status_report", "info", Lane.NOTICE),
        ("order_placed", "critical", Lane.ALERT),
    ],
)
def test_events_have_their_lane(kind: str, severity: str, lane: Lane) -> None:
    assert lane_of(kind, severity) is lane


def test_what_has_waited_long_moves_up() -> None:
    assert rank(Lane.NOTICE, 119) > rank(Lane.TEXT, 0)
    assert rank(Lane.NOTICE, 121) == rank(Lane.TEXT, 0)
    assert rank(Lane.TEXT, 9) > rank(Lane.ALERT, 0)
    assert rank(Lane.TEXT, 11) == rank(Lane.ALERT, 0)
    assert rank(Lane.LOG, 10_000) == Lane.LOG


def test_every_failure_leads_somewhere() -> None:
    for trouble, lane, is_edit in itertools.product(Trouble, Lane, (True, False)):
        assert isinstance(decide(trouble, lane, is_edit=is_edit), Action)
    for form, trouble in itertools.product(Form, Trouble):
        following = weaker(form, trouble)
        assert following is None or following > form


def test_what_perhaps_went_through_is_repeated_only_where_it_matters() -> None:
    repeated = [
        lane for lane in Lane if decide(Trouble.UNCLEAR, lane, is_edit=False) is Action.REPEAT
    ]
    assert repeated == [Lane.ALERT, Lane.TEXT, Lane.NOTICE, Lane.STATUS]
    assert decide(Trouble.UNCLEAR, Lane.REPLY, is_edit=True) is Action.RETRY


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_pauses_grow_up_to_a_minute(tries: int, chance: float) -> None:
    patience = Patience()
    assert 0.8 <= patience.pause_s(tries, chance) <= 60
    assert patience.pause_s(tries, 0.5) <= patience.pause_s(tries + 1, 0.5)


def _post(number: int, lane: Lane, text: str = "x", at: float = 0.0) -> Post:
    return Post(number, lane, text, at)


def test_too_much_gives_way_in_order() -> None:
    posts = Posts(Bounds(rows_max=6))
    for number, lane in enumerate(reversed(EVICTION)):
        posts.put(_post(number, lane))
    gone = []
    for number in range(10, 15):
        posts.put(_post(number, Lane.ALERT))
        gone.append(next(lane for lane in EVICTION if posts.dropped[lane] and lane not in gone))
    assert gone == list(EVICTION[:5])
    posts.put(_post(99, Lane.ALERT))
    assert posts.dropped[Lane.ALERT] == 1
    assert posts.find(99)


def test_bytes_are_bounded_too() -> None:
    posts = Posts(Bounds(bytes_max=10_000))
    for number in range(20):
        posts.put(Post(number, Lane.REPLY, "", 0.0, attachment=Attachment(b"x" * 3_000)))
    assert posts.count(Lane.REPLY) == 3


@given(
    st.lists(st.tuples(st.sampled_from(Lane), st.integers(0, 8), st.text(max_size=50)), max_size=80)
)
def test_bounds_hold_whatever_comes(puts: list[tuple[Lane, int, str]]) -> None:
    posts = Posts(Bounds(rows_max=7, bytes_max=1_800))
    for lane, number, text in puts:
        posts.put(_post(number, lane, text))
        waiting = [one for lane in Lane for one in posts.waiting(lane, 0.0)]
        assert len(waiting) <= 7
        assert sum(one.size for one in waiting) <= 1_800


def test_a_later_edit_keeps_its_place_in_line() -> None:
    posts = Posts(Bounds())
    for number in (1, 2):
        posts.put(_post(number, Lane.REPLY))
    posts.put(_post(1, Lane.REPLY, "new"))
    assert [post.text for post in posts.waiting(Lane.REPLY, 1.0)] == ["new", "x"]
    assert LANES[Lane.REPLY].lifetime_s == 60
    assert posts.waiting(Lane.REPLY, 61.0) == []


def test_lines_alike_are_counted() -> None:
    digest = LogDigest()
    digest.add([LogLine("ERROR", f"order {number} took {number} ms") for number in range(9)], 0.0)
    assert digest.due_at(0.0) == 2.0
    assert digest.take(2.0) == "order 0 took 0 ms ×9"
    assert digest.due_at(2.0) is None


def test_lines_that_come_too_fast_are_summed_up_once_a_minute() -> None:
    digest, texts, now = LogDigest(), [], 0.0
    for second in range(300):
        now = float(second)
        digest.add([LogLine("WARN", f"{chr(97 + n)} slow") for n in range(20)], now)
        due_at = digest.due_at(now)
        if due_at is not None and due_at <= now:
            texts.append(digest.take(now))
    assert len(texts) <= 7
    assert texts[-1].startswith("1,200 log lines: 1,200 WARN")
    assert texts[-1].endswith("more: /logs")


def test_nothing_grows_with_the_number_of_lines() -> None:
    digest = LogDigest()
    for number in range(5_000):
        text = "".join(chr(97 + int(digit)) for digit in str(number))
        digest.add([LogLine("INFO", text + "z" * 1_000)], 0.0)
    assert digest.waiting == 5_000
    assert len(digest._alike) == 200
    assert len(digest.take(60.0)) < 3_500


def test_a_template_has_no_numbers() -> None:
    assert template_of("order 12 at 0xdeadbeef: deadbee7 3.5") == "order # at #: # #.#"


_CORE = (
    *("lanes", "pacing", "splitting", "packing", "digest", "retries", "posts", "catch_up"),
    *("calls", "gate", "counters"),
)
_SHELL = {*OUTSIDE_WORLD, "sqlalchemy", "random"}


def test_the_core_has_no_clock_and_no_io() -> None:
    found = [
        f"{module.name} imports {name}"
        for module in modules("telegram/bridge/chat_outbox")
        if module.path.stem in _CORE
        for name in imports(module)
        if name.split(".")[0] in _SHELL
        or any(is_below(name, one) for one in ("daemonkit.clock", "telegram.bridge.store"))
    ]
    assert not found
