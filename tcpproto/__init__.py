"""The link between the trading processes and the bridge: length-prefixed JSON over TCP."""

from tcpproto.client import LinkClient
from tcpproto.client_callbacks import ClientCallbacks, ClientSettings, Identity, LinkState
from tcpproto.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from tcpproto.greetings import is_bot_name
from tcpproto.messages import PROTOCOL_VERSION, Message
from tcpproto.outbox import OutboxReader, OutboxRow
from tcpproto.payloads import (
    Ack,
    Command,
    Event,
    Log,
    Reply,
    ReplyState,
    Status,
    Text,
    encode_event,
)
from tcpproto.server import LinkServer
from tcpproto.server_callbacks import ServerCallbacks, ServerSettings
from tcpproto.server_peer import PeerInfo
from tcpproto.timing import Clock, Limits

__all__ = [
    "PROTOCOL_VERSION",
    "Ack",
    "ClientCallbacks",
    "ClientSettings",
    "Clock",
    "Command",
    "Event",
    "Identity",
    "Limits",
    "LinkClient",
    "LinkServer",
    "LinkState",
    "LocalProtocolError",
    "Log",
    "Message",
    "OutboxReader",
    "OutboxRow",
    "PeerInfo",
    "ProtocolError",
    "RemoteProtocolError",
    "Reply",
    "ReplyState",
    "ServerCallbacks",
    "ServerSettings",
    "Status",
    "Text",
    "encode_event",
    "is_bot_name",
]
