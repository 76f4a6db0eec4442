"""python-telegram-bot itself against the fake: it must not be able to tell the difference."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    TypeHandler,
)
from telegram.request import HTTPXRequest

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
    ReplyParameters,
    Update,
)
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import PNG, RawCaller

Ask = Callable[[Bot], Awaitable[Any]]
SURE = InlineKeyboardMarkup(
    [
        [
            InlineKeyboardButton("Yes", callback_data="y"),
            InlineKeyboardButton("No", callback_data="n"),
        ]
    ]
)


def _ask(api: FakeBotApi, ask: Ask) -> Any:
    """Do something with the library's bot and return what came of it."""

    async def run() -> Any:
        request = HTTPXRequest(read_timeout=30)
        async with Bot(
            api.token, base_url=api.base_url, base_file_url=api.base_file_url, request=request
        ) as bot:
            return await ask(bot)

    return asyncio.run(run())


async def _start(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    assert isinstance(update.message, Message)
    await update.message.reply_html("<b>Sure?</b>", reply_markup=SURE)


async def _on_press(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    assert isinstance(update.callback_query, CallbackQuery)
    await update.callback_query.answer("noted")
    await update.callback_query.edit_message_text("done")


@asynccontextmanager
async def _running(api: FakeBotApi, errors: list[TelegramError]) -> AsyncIterator[Any]:
    """Run an application that polls, as the bridge does."""
    application = (
        ApplicationBuilder().token(api.token).base_url(api.base_url).connect_timeout(5).build()
    )
    application.add_handler(CommandHandler("start", _start))
    application.add_handler(CallbackQueryHandler(_on_press))
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling(timeout=30, error_callback=errors.append)
        yield application
        if application.updater.running:
            await application.updater.stop()
        await application.stop()


def _with_application(api: FakeBotApi, story: Callable[[], None]) -> list[TelegramError]:
    """Tell a story, in a thread, while an application polls; return what its polls met."""
    errors: list[TelegramError] = []

    async def run() -> None:
        async with _running(api, errors):
            await asyncio.to_thread(story)

    asyncio.run(run())
    return errors


def test_an_application_polls_answers_and_edits(api: FakeBotApi, ann: Phone) -> None:
    def story() -> None:
        question = ann.ask("/start", "Sure")
        assert question.marked("bold") == ["Sure?"]
        assert question.button_texts == ["Yes", "No"]
        (tap,) = ann.press("Yes")
        assert ann.wait_answer(tap) == "noted"
        assert ann.wait_for("done") is question
        assert question.buttons == []

    assert _with_application(api, story) == []
    methods = [record.method for record in api.requests()]
    assert methods == [
        *("getMe", "deleteWebhook", "sendMessage", "answerCallbackQuery", "editMessageText")
    ]
    assert api.world.updates.pending == [], "stopping confirms what was handled"


def test_an_application_that_loses_the_server_finds_it_again(api: FakeBotApi, ann: Phone) -> None:
    def story() -> None:
        api.wait_for_poll()
        api.go_down()
        ann.say("/start")
        api.come_up()
        ann.wait_for("Sure")

    errors = _with_application(api, story)
    assert errors
    assert all(isinstance(error, NetworkError) for error in errors)


def test_a_second_poller_gives_the_first_a_conflict(api: FakeBotApi, ann: Phone) -> None:
    def story() -> None:
        api.wait_for_poll()
        with RawCaller(api) as thief, ThreadPoolExecutor(1) as pool:
            stolen = pool.submit(thief.call, "getUpdates", timeout=30)
            assert stolen.result(10).status == 409, "the application takes over again"
        ann.ask("/start", "Sure")

    (error,) = _with_application(api, story)
    assert isinstance(error, Conflict)


@pytest.mark.parametrize("name", ["unauthorized", "not_found", "captive_portal"])
def test_one_401_or_404_ends_polling_for_good(api: FakeBotApi, name: str) -> None:
    async def run() -> None:
        application = ApplicationBuilder().token(api.token).base_url(api.base_url).build()
        async with application:
            assert application.updater is not None
            getattr(api.faults, name)(method="getUpdates")
            await application.updater.start_polling(timeout=1)
            polls = [each for each in asyncio.all_tasks() if "polling_task" in each.get_name()]
            assert polls
            done, _ = await asyncio.wait(polls, timeout=10)
            assert [type(each.exception()) for each in done] == [InvalidToken]
            with pytest.raises(InvalidToken):
                await application.updater.stop()

    asyncio.run(run())


def test_the_library_reads_every_kind_of_update(api: FakeBotApi, ann: Phone) -> None:
    forum = api.rooms.supergroup("Desk", [ann.person], topics=["Trades"])
    (topic,) = forum.topics.values()
    channel = api.rooms.channel("News")
    in_topic = api.phone(ann.person, forum, thread=topic.thread_id)
    said = in_topic.say("/ping")
    in_topic.edit(said, "/pong")
    ann.forward(api.rooms.post(channel, "news"))
    api.phone(ann.person, forum, is_anonymous=True).say("/stop")
    ann.press_data(ann.say("x"), "data")
    deleted = ann.say("y")
    ann.delete(deleted)
    ann.press_data(deleted, "data")
    ann.block()
    ann.unblock()
    ann.send_document("a.csv", b"a,b", "caption")
    ann.send_photo(PNG)
    api.rooms.migrate(api.rooms.group("Small", [ann.person]))
    seen: list[Update] = []

    async def take(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        seen.append(update)

    async def run() -> None:
        application = ApplicationBuilder().token(api.token).base_url(api.base_url).build()
        application.add_handler(TypeHandler(Update, take))
        async with application:
            for update in await application.bot.get_updates():
                await application.process_update(update)

    asyncio.run(run())
    assert len(seen) == len(api.world.updates.history)
    _made, first, edited, _post, forwarded, anonymous = seen[:6]
    assert first.message is not None
    assert first.message.message_thread_id == topic.thread_id
    assert edited.edited_message is not None
    assert forwarded.message is not None
    assert forwarded.message.forward_origin is not None
    assert anonymous.message is not None
    assert anonymous.message.sender_chat is not None
    assert anonymous.message.sender_chat.id == forum.id


def test_pictures_files_and_downloads_go_through(api: FakeBotApi, ann: Phone) -> None:
    async def ask(bot: Bot) -> bytearray:
        photo = await bot.send_photo(ann.chat.id, PNG, caption="<b>chart</b>", parse_mode="HTML")
        await bot.edit_message_media(InputMediaPhoto(PNG, "new"), ann.chat.id, photo.message_id)
        sent = await bot.send_document(ann.chat.id, b"a,b", filename="trades.csv")
        assert sent.document is not None
        file = await sent.document.get_file()
        return await file.download_as_bytearray()

    assert bytes(_ask(api, ask)) == b"a,b"
    photo, document = ann.bot_messages
    assert (photo.photo, photo.texts) == (PNG, ["chart", "new"])
    assert (document.document, document.file_name) == (b"a,b", "trades.csv")


def test_everything_else_the_bridge_calls_goes_through(api: FakeBotApi, ann: Phone) -> None:
    async def ask(bot: Bot) -> None:
        assert (await bot.get_me()).username == "desk_bot"
        scope = BotCommandScopeChat(ann.chat.id)
        await bot.set_my_commands([BotCommand("buy", "buys")], scope)
        assert await bot.get_my_commands(scope) == (BotCommand("buy", "buys"),)
        message = await bot.send_message(
            ann.chat.id, "x", reply_markup=SURE, reply_parameters=ReplyParameters(1, quote=None)
        )
        await bot.edit_message_reply_markup(ann.chat.id, message.message_id)
        await bot.pin_chat_message(ann.chat.id, message.message_id, disable_notification=True)
        chat = await bot.get_chat(ann.chat.id)
        assert chat.pinned_message is not None
        assert (await bot.get_chat_member(ann.chat.id, ann.person.id)).status == "member"
        await bot.unpin_chat_message(ann.chat.id, message.message_id)
        await bot.send_chat_action(ann.chat.id, "typing")
        await bot.delete_message(ann.chat.id, message.message_id)
        await bot.delete_my_commands(scope)
        assert (await bot.get_webhook_info()).url == ""

    ann.say("/start")
    _ask(api, ask)


@pytest.mark.parametrize(
    ("prepare", "error", "words"),
    [
        (lambda api, _ann: api.faults.too_many_requests(7), RetryAfter, "Flood control exceeded"),
        (lambda api, _ann: api.faults.server_error(), NetworkError, "Internal Server Error"),
        (lambda api, _ann: api.faults.bad_gateway(), NetworkError, "Bad Gateway"),
        (lambda api, _ann: api.faults.drop(acts=True), NetworkError, "disconnected"),
        (lambda api, _ann: api.faults.truncate(), NetworkError, "closed connection"),
        (lambda api, _ann: api.faults.hang(), TimedOut, "Timed out"),
        (lambda api, _ann: api.faults.odd_json(None), TypeError, "NoneType"),
        (lambda _api, ann: ann.block(), Forbidden, "bot was blocked by the user"),
        (lambda api, _ann: api.world.chats.clear(), BadRequest, "Chat not found"),
    ],
)
def test_each_trouble_is_the_librarys_own_error(
    api: FakeBotApi,
    ann: Phone,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[FakeBotApi, Phone], object],
    error: type[Exception],
    words: str,
) -> None:
    # Without it the library warns of its own RetryAfter, and warnings are errors here.
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    api.expect_refusal("blocked|chat not found")

    async def ask(bot: Bot) -> None:
        prepare(api, ann)
        patience_s = 0.2 if error is TimedOut else 30
        with pytest.raises(error, match=words):
            await bot.send_message(ann.chat.id, "x", read_timeout=patience_s)

    _ask(api, ask)


def test_a_send_that_timed_out_may_have_arrived(api: FakeBotApi, ann: Phone) -> None:
    rule = api.faults.hang(method="sendMessage", acts=True)

    async def ask(bot: Bot) -> None:
        with pytest.raises(TimedOut):
            await bot.send_message(ann.chat.id, "bought", read_timeout=0.2)

    _ask(api, ask)
    assert ann.texts == ["bought"]
    assert [record.has_acted for record in rule.met] == [True]


def test_a_migrated_group_is_the_librarys_chat_migrated(api: FakeBotApi, ann: Phone) -> None:
    group = api.rooms.group("Desk", [ann.person])
    new = api.rooms.migrate(group)
    api.expect_refusal("upgraded to a supergroup")

    async def ask(bot: Bot) -> None:
        with pytest.raises(ChatMigrated) as raised:
            await bot.send_message(group.id, "x")
        assert raised.value.new_chat_id == new.id

    _ask(api, ask)


def test_a_server_that_is_down_is_a_network_error_at_the_start(api: FakeBotApi) -> None:
    async def start() -> None:
        application: Application[Any, Any, Any, Any, Any, Any] = (
            ApplicationBuilder().token(api.token).base_url(api.base_url).build()
        )
        with pytest.raises(NetworkError):
            await application.initialize()
        await application.shutdown()

    with api.is_down():
        asyncio.run(start())
