"""The tables of states are total: each pair is listed, or raises and changes nothing."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto.connection import Closed, Connection
from tcpproto.errors import LocalProtocolError
from tcpproto.greetings import Bye
from tcpproto.messages import TAGS_BOTH, TAGS_DOWN, TAGS_UP
from tcpproto.states import CLIENT_TABLE, SERVER_TABLE, State, Table, Trigger, next_state
from tcpproto.timing import read_clock
from tests.tcpproto_tests import json_values
from tests.tcpproto_tests.connection_pair import ConnectionPair
from tests.tcpproto_tests.frames_of import json_frame

TABLES = {"client": CLIENT_TABLE, "server": SERVER_TABLE}
PAIRS = list(itertools.product(State, Trigger))
TAGS = [*sorted(TAGS_UP | TAGS_DOWN | TAGS_BOTH), "unknown"]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(("state", "trigger"), PAIRS, ids=lambda value: value.name.lower())
def test_each_pair_is_listed_or_raises(table: Table, state: State, trigger: Trigger) -> None:
    if (state, trigger) in table:
        assert next_state(table, state, trigger) is table[state, trigger]
    else:
        with pytest.raises(LocalProtocolError, match=f"{trigger.name}.*{state.name}"):
            next_state(table, state, trigger)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_conversation_can_be_closed_and_nothing_follows(table: Table) -> None:
    reachable = {State.NEW} | set(table.values())
    for state in reachable - {State.CLOSED}:
        assert table[state, Trigger.CLOSE] is State.CLOSED
    assert not [pair for pair in table if pair[0] is State.CLOSED]


def test_only_a_server_knows_three_field_peers() -> None:
    assert State.LEGACY not in CLIENT_TABLE.values()
    assert State.LEGACY in SERVER_TABLE.values()


@pytest.mark.parametrize("secret", [None, "secret"])
def test_welcoming_a_peer_that_has_not_greeted_raises_and_changes_nothing(
    secret: str | None,
) -> None:
    pair = ConnectionPair(server_secret=secret)
    with pytest.raises(LocalProtocolError):
        pair.server.accept(0, "", read_clock(pair.clock))
    assert pair.server.state is State.NEW
    assert pair.server.data_to_send() == b""


@pytest.mark.parametrize("end", ["client", "server"])
def test_a_closed_conversation_hears_and_says_nothing_more(end: str) -> None:
    pair = ConnectionPair().settle()
    connection: Connection = getattr(pair, end)
    now = read_clock(pair.clock)
    assert connection.close(Bye("stopping", "enough"), now).is_clean
    assert connection.data_to_send()

    assert connection.receive_data(json_frame(tag="ping", message={}, timestamp=1), now) == []
    assert connection.receive_data(b"\xff" * 100, now) == []
    assert connection.receive_end() == []
    assert connection.poll(now) == []
    connection.close(Bye("stopping", "again"), now)
    connection.fail("code", "text", now)
    assert connection.data_to_send() == b""
    assert connection.is_closed


frames = st.lists(
    st.builds(
        lambda tag, body, extra: json_frame(tag=tag, message=body, timestamp=1.0, **extra),
        st.sampled_from(TAGS),
        st.one_of(
            json_values.values,
            st.fixed_dictionaries(
                {
                    "kind": st.sampled_from(["hello", "challenge", "proof"]),
                    "version": st.sampled_from(["1.0", "1.9", "2.0"]),
                    "bot": st.sampled_from(["paper", "telegram"]),
                    "instance": st.just("i"),
                    "epoch": st.just("e"),
                    "last_seq": st.integers(min_value=0, max_value=5),
                },
                optional={
                    "nonce": st.just("n"),
                    "proof": st.just("p"),
                    "notice": json_values.values,
                    "code": st.just("stopping"),
                    "text": st.just("t"),
                },
            ),
        ),
        st.fixed_dictionaries(
            {}, optional={"id": st.just("1"), "seq": st.just(1), "reply_to": st.just("1")}
        ),
    ),
    max_size=12,
)


@given(
    st.sampled_from(["client", "server"]),
    st.sampled_from([None, "secret"]),
    frames,
    st.integers(min_value=0, max_value=2**32),
)
def test_any_frames_in_any_order_raise_nothing_and_end_at_most_once(
    end: str, secret: str | None, sent: list[bytes], seed: int
) -> None:
    pair = ConnectionPair(server_secret=secret)
    rng = random.Random(seed)
    wire = pair.up if end == "server" else pair.down
    deliver = pair.deliver_up if end == "server" else pair.deliver_down
    wire.drop()
    for data in sent:
        wire.put(data)
        while deliver(rng.randint(1, len(data))):
            pair.clock.advance(rng.random())
            events = getattr(pair, f"{end}_events")
            events += getattr(pair, end).poll(read_clock(pair.clock))
    heard = pair.heard_by_server(Closed) if end == "server" else pair.heard_by_client(Closed)
    assert len(heard) == (1 if getattr(pair, end).is_closed else 0)
