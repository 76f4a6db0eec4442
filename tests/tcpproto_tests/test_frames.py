"""Frames come out whole, however the network cut and merged them."""

import itertools
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from tcpproto.frames import FRAME_LEN_MAX, FrameDecoder, encode_frame
from tests.tcpproto_tests.frames_of import OVERSIZE, frame
from tests.tcpproto_tests.refusals import read_or_refusal

payloads = st.lists(st.binary(min_size=1, max_size=300), max_size=20)


def cut_up(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut a stream at places that may coincide or lie outside."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(payloads, st.lists(st.integers(min_value=0, max_value=10_000), max_size=40))
def test_frames_split_and_merged_anywhere_come_out_whole(
    sent: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(encode_frame(payload) for payload in sent)
    decoder = FrameDecoder()

    heard = [payload for piece in cut_up(stream, cuts) for payload in decoder.feed(piece)]

    assert heard == sent
    assert decoder.is_between_frames


@given(payloads)
def test_frames_that_trickle_byte_by_byte_come_out_whole(sent: list[bytes]) -> None:
    decoder = FrameDecoder()
    stream = b"".join(frame(payload) for payload in sent)

    heard = [payload for byte in stream for payload in decoder.feed(bytes([byte]))]

    assert heard == sent


@given(st.binary(min_size=1, max_size=50))
def test_a_frame_comes_out_with_its_last_byte_and_not_before(payload: bytes) -> None:
    decoder = FrameDecoder()
    stream = frame(payload)

    for byte in stream[:-1]:
        assert decoder.feed(bytes([byte])) == []
        assert not decoder.is_between_frames
    assert decoder.feed(stream[-1:]) == [payload]
    assert decoder.is_between_frames


@given(payloads)
def test_the_encoder_writes_what_a_stranger_would_write(sent: list[bytes]) -> None:
    assert [encode_frame(payload) for payload in sent] == [frame(payload) for payload in sent]


@given(st.lists(st.binary(max_size=64), max_size=30))
def test_garbage_is_waited_on_or_refused_and_raises_nothing_else(pieces: list[bytes]) -> None:
    decoder = FrameDecoder(frame_len_max=40)
    for piece in pieces:
        heard = read_or_refusal(partial(decoder.feed, piece))
        if isinstance(heard, RemoteProtocolError):
            assert heard.code == "frame_length"
            return
        assert all(0 < len(payload) <= 40 for payload in heard)


@pytest.mark.parametrize("header", [OVERSIZE, b"\x00\x10\x00\x01", b"\x00\x00\x00\x00"])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_length_that_is_not_allowed_is_refused_with_its_fourth_byte(
    header: bytes, size: int
) -> None:
    decoder = FrameDecoder()
    pieces = [header[start : start + size] for start in range(0, 4, size)]
    for piece in pieces[:-1]:
        assert decoder.feed(piece) == []

    with pytest.raises(RemoteProtocolError, match="allowed 1 to 1048576") as refusal:
        decoder.feed(pieces[-1])

    assert refusal.value.code == "frame_length"


def test_a_bad_length_after_good_frames_is_refused_too() -> None:
    with pytest.raises(RemoteProtocolError):
        FrameDecoder().feed(frame(b"good") + frame(b"also good") + OVERSIZE)


def test_the_longest_frame_goes_through_in_small_pieces() -> None:
    payload = bytes(range(256)) * (FRAME_LEN_MAX // 256)
    stream = encode_frame(payload) + encode_frame(b"next")
    decoder = FrameDecoder()

    heard: list[bytes] = []
    for start in range(0, len(stream), 7):
        heard += decoder.feed(stream[start : start + 7])

    assert heard == [payload, b"next"]


@pytest.mark.parametrize("payload", [b"", b"x" * 11])
def test_a_payload_that_no_peer_would_take_is_not_encoded(payload: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="allowed 1 to 10"):
        encode_frame(payload, frame_len_max=10)


def test_only_the_leaves_of_the_errors_can_be_raised() -> None:
    with pytest.raises(TypeError, match="LocalProtocolError or RemoteProtocolError"):
        ProtocolError("code", "text")
