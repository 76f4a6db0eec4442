"""Builds the bridge from its parts; here alone they are wired to each other."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from random import Random

from daemonkit.clock import Clock
from daemonkit.endpoint import Endpoint
from daemonkit.reserve import ReserveFile
from daemonkit.version import VERSION
from tcpproto import LinkServer, ServerSettings
from tcpproto.tls import build_server_context
from tcpproto.vocabulary import QUEUED_MAX_AGE_S, VOCABULARY, Verb
from telegram.bridge.chat import Chat
from telegram.bridge.chats import Chats, ReceiptDesk
from telegram.bridge.commands.choices import Choices
from telegram.bridge.commands.dialogs import Dialogs
from telegram.bridge.commands.engine import EngineCommands
from telegram.bridge.commands.journal import CommandJournal
from telegram.bridge.commands.outbound import Outbound
from telegram.bridge.commands.owed_receipts import OwedReceipts
from telegram.bridge.commands.questions import Questions
from telegram.bridge.commands.reading import CommandDesk, Commands, leave_chat
from telegram.bridge.config import BridgeConfig
from telegram.bridge.disk import DiskState
from telegram.bridge.event_keeper import EventKeeper
from telegram.bridge.forward import Forward, Parts
from telegram.bridge.health import Counters, Health, Vitals
from telegram.bridge.housekeeping import Housekeeping
from telegram.bridge.intake import Intake
from telegram.bridge.link_ears import LinkEars
from telegram.bridge.local_verbs import Following, LocalVerbs
from telegram.bridge.logs.files import LogFiles
from telegram.bridge.logs.follow import Follow
from telegram.bridge.logs.search import Wanted, find_lines
from telegram.bridge.obituary.text import ObituaryWords
from telegram.bridge.obituary.watch import Obituaries
from telegram.bridge.pictures.artist import Artist
from telegram.bridge.receipts import OPEN, State
from telegram.bridge.sessions import Sessions
from telegram.bridge.store.commands import CommandTable
from telegram.bridge.store.database import Database
from telegram.bridge.store.events import EventTable
from telegram.bridge.store.preferences import PreferenceTable
from telegram.bridge.store.presence import PresenceTable
from telegram.bridge.store.settings import BotTable, ChoiceTable, FollowTable
from telegram.bridge.views.log_feed import LogFeed
from telegram.bridge.views.picture_desk import PictureDesk
from telegram.bridge.views.preference_verbs import PreferenceVerbs
from telegram.bridge.views.preferences import Preferences
from telegram.bridge.views.streams import Streams
from telegram.bridge.views.views import LiveDesk, Views


@dataclass(frozen=True, slots=True)
class World:
    """Hold what the bridge takes from outside: its files, its clock, its chance."""

    config: BridgeConfig
    endpoint: Endpoint
    database: Database
    clock: Clock
    rng: Random


@dataclass(frozen=True, slots=True)
class Bridge:
    """Hold what the process starts, reloads and stops."""

    server: LinkServer
    parts: Parts
    forward: Forward
    receipts: ReceiptDesk
    health: Health

    def reload(self, config: BridgeConfig) -> None:
        """Take over what may change while running; on the thread `forward`."""
        self.parts.follow.limits = config.settings.follow.limits
        self.parts.housekeeping.keep = config.settings.keep.days

    def leave(self, chat: str, states: Container[State] = OPEN) -> None:
        """End the lines that a chat still waits for; on the thread `forward`."""
        leave_chat(
            chat,
            states,
            questions=self.parts.questions,
            outbound=self.parts.outbound,
            receipts=self.receipts,
        )


@dataclass(frozen=True, slots=True)
class _Core:
    """Hold the parts that carry events and commands."""

    chats: Chats
    disk: DiskState
    keeper: EventKeeper
    intake: Intake
    server: LinkServer
    bots: BotTable
    sessions: Sessions
    questions: Questions
    receipts: ReceiptDesk
    outbound: Outbound
    owed_receipts: OwedReceipts
    log_files: LogFiles
    follow: Follow
    counters: Counters
    views: Views


def build_bridge(
    world: World,
    chats: Mapping[str, Chat],
    *,
    on_bot: Callable[[], None],
    vocabulary: Mapping[str, Verb] = VOCABULARY,
) -> Bridge:
    """Build all parts; nothing runs yet."""
    core = _build_core(world, Chats(chats))
    follow_table, health = FollowTable(world.database), _build_health(world, core)
    parts = Parts(
        intake=core.intake,
        link=core.server,
        keeper=core.keeper,
        sessions=core.sessions,
        outbound=core.outbound,
        owed_receipts=core.owed_receipts,
        questions=core.questions,
        commands=_build_commands(world, core, follow_table, health, vocabulary),
        chats=core.chats,
        follow=core.follow,
        follow_table=follow_table,
        log_files=core.log_files,
        housekeeping=_build_housekeeping(world, core),
        counters=core.counters,
        obituaries=_build_obituaries(world, core),
        views=core.views,
    )
    forward = Forward(world.clock, parts, on_bot)
    return Bridge(core.server, parts, forward, core.receipts, health)


def build_reserve(config: BridgeConfig) -> ReserveFile:
    """Build the room that is kept for a full disk."""
    return ReserveFile(config.folder / "reserve", config.settings.reserve_bytes)


def _build_core(world: World, chats: Chats) -> _Core:
    clock, settings, database = world.clock, world.config.settings, world.database
    disk = DiskState(build_reserve(world.config), clock)
    disk.restore_reserve()
    keeper = EventKeeper(EventTable(database), disk=disk, clock=clock, on_stored=chats.wake)
    intake = Intake(settings.intake_limits)
    server = build_server(world, LinkEars(intake, keeper.last_seq, clock))
    bots = BotTable(database)
    sessions = Sessions(clock, bots.read())
    questions = Questions(clock, world.rng)
    receipts = ReceiptDesk(chats, sessions, questions, queued_s=QUEUED_MAX_AGE_S)
    commands = CommandTable(database)
    owed_receipts = OwedReceipts(commands, clock, receipts.show_owed)
    receipts.on_settled = owed_receipts.note_shown
    outbound = Outbound(
        CommandJournal(commands, disk, clock),
        link=server,
        sessions=sessions,
        disk=disk,
        clock=clock,
        limits=settings.commands.limits,
        show=receipts.show,
    )
    receipts.on_cancel = outbound.cancel
    views = _build_views(world, chats, sessions, questions)
    receipts.on_shown = views.pictures.offer
    receipts.localize = views.localize
    return _Core(
        chats=chats,
        disk=disk,
        keeper=keeper,
        intake=intake,
        server=server,
        bots=bots,
        sessions=sessions,
        questions=questions,
        receipts=receipts,
        outbound=outbound,
        owed_receipts=owed_receipts,
        log_files=_build_log_files(world),
        follow=Follow(clock, settings.follow.limits, views.streams.add),
        counters=Counters(),
        views=views,
    )


def _build_views(world: World, chats: Chats, sessions: Sessions, questions: Questions) -> Views:
    clock, folder, phone = world.clock, world.config.folder, world.config.settings.phone
    preferences = Preferences(PreferenceTable(world.database), clock)
    chats.obey(preferences.wishes_of)
    artist = Artist(clock, folder / "pictures", limit_s=phone.picture_max_s)
    return Views(
        preferences=preferences,
        streams=Streams(clock, chats, questions, phone.follow_s),
        log_feed=LogFeed(chats, phone.log_level),
        live=LiveDesk(clock, chats, sessions, preferences, phone.live_gaps if phone.live else None),
        pictures=PictureDesk(
            artist, chats, sessions=sessions, preferences=preferences, folder=folder / "pictures"
        ),
    )


def _build_log_files(world: World) -> LogFiles:
    logs = world.config.settings.logs
    return LogFiles(
        world.config.logs,
        max_bytes=logs.file_max_bytes,
        backups=logs.file_backups,
        clock=world.clock,
    )


def _build_obituaries(world: World, core: _Core) -> Obituaries:
    settings = world.config.settings.obituary.settings
    wanted = Wanted(settings.log_lines)

    def last_lines(bot: str) -> list[str]:
        records = find_lines(core.log_files.path_of(bot), wanted)
        return [line for one in records for line in one.splitlines()][-wanted.count :]

    words = ObituaryWords(world.clock, core.sessions, last_lines)
    return Obituaries(world.clock, settings, words, PresenceTable(world.database))


def _build_housekeeping(world: World, core: _Core) -> Housekeeping:
    return Housekeeping(
        clock=world.clock,
        events=EventTable(world.database),
        commands=CommandTable(world.database),
        bots=core.bots,
        sessions=core.sessions,
        disk=core.disk,
        keep=world.config.settings.keep.days,
    )


def _build_commands(
    world: World,
    core: _Core,
    follow_table: FollowTable,
    health: Health,
    vocabulary: Mapping[str, Verb],
) -> Commands:
    choices = Choices(ChoiceTable(world.database), core.sessions)
    dialogs = Dialogs(core.chats, core.questions, world.config.settings.commands.times)
    dialogs.localize = core.views.localize
    own = PreferenceVerbs(world.clock, core.views.preferences)
    local = LocalVerbs(
        clock=world.clock,
        sessions=core.sessions,
        choices=choices,
        health=health,
        following=Following(core.follow, follow_table, core.views.streams),
        log_paths=core.log_files,
        vocabulary=vocabulary,
    )

    def make_id() -> str:
        return f"{world.rng.getrandbits(96):024x}"

    engine = EngineCommands(
        clock=world.clock,
        sessions=core.sessions,
        choices=choices,
        dialogs=dialogs,
        receipts=core.receipts,
        outbound=core.outbound,
        make_id=make_id,
    )
    return Commands(
        clock=world.clock,
        chats=core.chats,
        questions=core.questions,
        dialogs=dialogs,
        desk=CommandDesk(dialogs, engine, {**local.verbs, **own.verbs}),
        vocabulary=vocabulary,
        make_id=make_id,
        is_known=core.outbound.knows,
    )


def _build_health(world: World, core: _Core) -> Health:
    vitals = Vitals(
        sessions=core.sessions,
        link=core.server,
        disk=core.disk,
        keeper=core.keeper,
        outbound=core.outbound,
        counters=core.counters,
        lines_lost=core.log_files.lines_lost,
        address=lambda: f"{world.endpoint.host}:{core.server.port}",
        guard=_guard_of(world.endpoint),
    )
    return Health(world.clock, vitals)


def build_server(world: World, ears: LinkEars) -> LinkServer:
    """Build the link's server for an endpoint."""
    endpoint = world.endpoint
    tls = None
    if endpoint.tls is not None:
        files = endpoint.tls
        tls = build_server_context(files.cert_file, files.key_file, files.ca_file)
    settings = ServerSettings(
        host=endpoint.host,
        port=endpoint.port,
        secret=None if endpoint.secret is None else endpoint.secret.reveal(),
        tls=tls,
        limits=world.config.settings.link.limits,
        software=f"tradebridge {VERSION}",
    )
    return LinkServer(settings, ears, clock=world.clock)


def _guard_of(endpoint: Endpoint) -> str:
    guards = ["secret"] if endpoint.secret is not None else []
    return ", ".join([*guards, *(["TLS"] if endpoint.tls is not None else [])]) or "none"
