"""The methods that put something new into a chat."""

import mimetypes
from typing import Any, Final

from tests.fakes.bot_api.addressing import find_chat, find_place
from tests.fakes.bot_api.chats import ChatKind
from tests.fakes.bot_api.keyboards import read_markup
from tests.fakes.bot_api.messages import Content, StoredFile
from tests.fakes.bot_api.parameters import Parameters
from tests.fakes.bot_api.pictures import photo_size
from tests.fakes.bot_api.refusals import bad_request
from tests.fakes.bot_api.texts import FormattedText, check_caption, check_text, read_text
from tests.fakes.bot_api.wire import Upload
from tests.fakes.bot_api.world import World

_ACTIONS: Final = frozenset(
    {
        *("typing", "upload_photo", "record_video", "upload_video", "record_voice"),
        *("upload_voice", "upload_document", "choose_sticker", "find_location"),
        *("record_video_note", "upload_video_note"),
    }
)


def send_message(world: World, parameters: Parameters) -> object:
    """Put a text into a chat."""
    if not parameters.text("text"):
        raise bad_request("message text is empty")
    body = check_text(formatted(parameters, "text"))
    return _send(world, parameters, Content(body, read_markup(parameters.value("reply_markup"))))


def send_photo(world: World, parameters: Parameters) -> object:
    """Put a picture into a chat."""
    photo = read_photo(world, parameters.upload("photo"), parameters.text("photo"))
    markup = read_markup(parameters.value("reply_markup"))
    return _send(world, parameters, Content(_caption(parameters), markup, photo=photo))


def send_document(world: World, parameters: Parameters) -> object:
    """Put a file into a chat."""
    document = read_document(world, parameters.upload("document"), parameters.text("document"))
    markup = read_markup(parameters.value("reply_markup"))
    return _send(world, parameters, Content(_caption(parameters), markup, document=document))


def send_chat_action(world: World, parameters: Parameters) -> object:
    """Show for five seconds what the bot is about to do."""
    place = find_place(world, parameters, may_name_general=True)
    action = parameters.text("action").lower()
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    place.chat.actions.append((world.clock.wall(), action, place.thread_id))
    return True


def forward_message(world: World, parameters: Parameters) -> object:
    """Forward a message of another chat."""
    return _repeat(world, parameters, is_forward=True)


def copy_message(world: World, parameters: Parameters) -> object:
    """Put a copy of a message into a chat; the answer is its number alone."""
    return {"message_id": _repeat(world, parameters, is_forward=False)["message_id"]}


def formatted(parameters: Parameters, name: str) -> FormattedText:
    """Return the text of a request with what is marked in it."""
    entities = "entities" if name == "text" else "caption_entities"
    return read_text(
        parameters.text(name),
        parameters.text("parse_mode"),
        parameters.structure(entities, "message entities"),
    )


def read_photo(world: World, upload: Upload | None, file_id: str) -> StoredFile:
    """Return the picture that was uploaded or is named."""
    if upload is None:
        return _known_file(world, file_id, "photo")
    if not upload.content:
        raise bad_request("file must be non-empty")
    width, height = photo_size(upload.content)
    number = len(world.files) + 1
    return world.keep_file(
        StoredFile(
            f"photo{number}",
            upload.name,
            upload.content,
            "image/jpeg",
            f"photos/file_{number}.jpg",
            width,
            height,
        )
    )


def read_document(world: World, upload: Upload | None, file_id: str) -> StoredFile:
    """Return the file that was uploaded or is named."""
    if upload is None:
        return _known_file(world, file_id, "document")
    if not upload.content:
        raise bad_request("file must be non-empty")
    number = len(world.files) + 1
    mime_type = mimetypes.guess_type(upload.name)[0] or upload.mime_type
    suffix = upload.name.rpartition(".")[2] or "bin"
    path = f"documents/file_{number}.{suffix}"
    return world.keep_file(
        StoredFile(f"document{number}", upload.name, upload.content, mime_type, path)
    )


def _known_file(world: World, file_id: str, kind: str) -> StoredFile:
    if not file_id or file_id.startswith("attach://"):
        raise bad_request(f"there is no {kind} in the request")
    if file_id.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    file = world.files.get(file_id)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if not file_id.startswith(kind):
        raise bad_request(f"can't use file of type {file.path.split('/')[0]} as {kind}")
    return file


def _caption(parameters: Parameters) -> FormattedText:
    return check_caption(formatted(parameters, "caption"))


def _send(world: World, parameters: Parameters, content: Content, **details: Any) -> dict[str, Any]:
    place = find_place(world, parameters)
    is_channel = place.chat.kind is ChatKind.CHANNEL
    message = world.write(
        place.chat,
        None if is_channel else world.bot,
        content,
        at=world.clock.wall(),
        sender_chat=place.chat if is_channel else None,
        thread_id=place.thread_id,
        reply_to=place.reply_to,
        is_silent=place.is_silent,
        is_protected=place.is_protected,
        is_from_bot=True,
        **details,
    )
    return message.to_json()


def _repeat(world: World, parameters: Parameters, *, is_forward: bool) -> dict[str, Any]:
    source = find_chat(world, parameters, "from_chat_id")
    message = source.messages.get(parameters.integer("message_id"))
    verb = "forward" if is_forward else "copy"
    if message is None or message.is_deleted:
        raise bad_request(f"message to {verb} not found")
    if message.is_protected or message.service:
        raise bad_request(f"message can't be {'forwarded' if is_forward else 'copied'}")
    content = Content(message.content.body, None, message.content.photo, message.content.document)
    origin = message.origin_json() if is_forward else None
    return _send(world, parameters, content, forward_origin=origin)
