"""The tables of bridge.db. Times are seconds since the epoch; migrations/ builds what is here."""

import sqlalchemy as sa

metadata = sa.MetaData()

event = sa.Table(
    "event",
    metadata,
    # AUTOINCREMENT: the id is the #id that people see, so it is never given out twice.
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("bot", sa.Text, nullable=False),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("raised_at", sa.Float, nullable=False),
    sa.Column("stored_at", sa.Float, nullable=False),
    sa.UniqueConstraint("bot", "epoch", "seq", name="event_once"),
    sqlite_autoincrement=True,
)

cursor = sa.Table(
    "cursor",
    metadata,
    sa.Column("bot", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Text, primary_key=True),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

command = sa.Table(
    "command",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("bot", sa.Text, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("args", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("chat", sa.Text, nullable=False),
    sa.Column("message_id", sa.Integer),
    sa.Column("issued_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("sent_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("account", sa.Text, nullable=False, server_default=""),
    sa.Column("confirmed", sa.Boolean, nullable=False, server_default=sa.false()),
    # Its message in the chat does not say the outcome yet.
    sa.Column("receipt_owed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("command_by_state", "state"),
)

bot = sa.Table(
    "bot",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("software", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("status_at", sa.Float),
    sa.Column("status_text", sa.Text, nullable=False),
    sa.Column("status_fields", sa.Text, nullable=False),
)

presence = sa.Table(
    "presence",
    metadata,
    sa.Column("bot", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    # When the bot was last there, for one that is away.
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

choice = sa.Table(
    "choice",
    metadata,
    sa.Column("chat", sa.Text, primary_key=True),
    sa.Column("author", sa.Text, primary_key=True),
    sa.Column("bot", sa.Text, nullable=False),
)

follow = sa.Table(
    "follow",
    metadata,
    sa.Column("chat", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("bot", sa.Text),
    sa.Column("until", sa.Float),
)

chat_cursor = sa.Table(
    "chat_cursor",
    metadata,
    sa.Column("chat", sa.Text, primary_key=True),
    # Every event up to shown_id was shown; the one after it, up to tried_id, perhaps.
    sa.Column("shown_id", sa.Integer, nullable=False),
    sa.Column("tried_id", sa.Integer, nullable=False),
)

inbound = sa.Table(
    "inbound",
    metadata,
    # The messenger's number: what it delivers a second time is known by it.
    sa.Column("update_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("chat", sa.Text, nullable=False),
    sa.Column("message_id", sa.Integer, nullable=False),
    sa.Column("user_id", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("pressed", sa.Text),
    sa.Column("written_at", sa.Float, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Index("inbound_by_state", "state"),
)

# What the messenger was told last (its menus) and has told (the new numbers of groups).
messenger_note = sa.Table(
    "messenger_note",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

chat_target = sa.Table(
    "chat_target",
    metadata,
    sa.Column("chat", sa.Text, primary_key=True),
    # A group keeps its name in the bridge when the messenger gives it a new number.
    sa.Column("chat_id", sa.Integer, nullable=False),
    sa.Column("disabled_because", sa.Text, nullable=False),
    # Numbers of messages up to this one were perhaps given out.
    sa.Column("reserved_number", sa.Integer, nullable=False),
)

chat_message = sa.Table(
    "chat_message",
    metadata,
    sa.Column("chat", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("message_id", sa.Integer, nullable=False),
    # The name of a message that is kept up to date, such as the live status; else empty.
    sa.Column("slot", sa.Text, nullable=False),
)

preference = sa.Table(
    "preference",
    metadata,
    # A person's id or a chat's name.
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
