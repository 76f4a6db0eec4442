"""A bridge that goes silent is found, whatever waits to be sent to it."""

import socket

from tcpproto import Reply, ReplyState
from tests.fakes.link_parties import PATIENCE_S, QUICK, Links
from tests.tcpproto_tests.frames_of import json_frame
from tests.waiting import wait_until


def test_a_bridge_that_reads_nothing_is_given_up_even_when_no_more_replies_fit(
    links: Links,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bot = links.join(listener.getsockname()[1], limits=QUICK)
        sock, _address = listener.accept()
        with sock:
            welcome = {"version": "1.0", "last_seq": 0, "software": "silent"}
            sock.sendall(json_frame(tag="welcome", message=welcome, timestamp=1))
            bot.wait_connected()
            reply = Reply("c", ReplyState.APPLIED, "x" * 2_000).to_message(1.0)
            while bot.client.send(reply):
                assert bot.state.phase == "connected"
            wait_until(lambda: bot.state.phase != "connected", PATIENCE_S, "it is given up")
            assert "nothing heard" in bot.states[1].detail
