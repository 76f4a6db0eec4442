"""A small schema with two revisions, for tests of the storage."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from daemonkit.storage.check import DatabaseKind, companion
from daemonkit.storage.database import open_database
from tests.daemonkit_tests.programs import run_program

KIND = DatabaseKind("paper", 0x50415052)
OTHER_KIND = DatabaseKind("other", 0x4F544852)
RESTORE_HINT = "python -m paper restore BACKUP"

FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0001", None, None, None

def upgrade():
    op.create_table(
        "item", sa.Column("id", sa.Integer, primary_key=True), sa.Column("body", sa.Text)
    )
    op.create_table(
        "part",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("item_id", sa.Integer, sa.ForeignKey("item.id"), nullable=False),
    )
"""

SECOND = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None

def upgrade():
    op.create_table("extra", sa.Column("id", sa.Integer, primary_key=True))
    with op.batch_alter_table("item") as batch:
        batch.add_column(sa.Column("price", sa.Text, server_default="0", nullable=False))
"""

BROKEN_SECOND = (
    SECOND
    + """
    op.execute("INSERT INTO nowhere VALUES (1)")
"""
)


def write_migrations(folder: Path, *sources: str) -> Path:
    """Write revisions into a folder and return it."""
    folder.mkdir(exist_ok=True)
    for number, source in enumerate(sources, start=1):
        (folder / f"revision_{number:04}.py").write_text(source)
    return folder


def open_first(folder: Path, name: str = "state.db") -> Engine:
    """Open a database of the first revision, made when there is none."""
    migrations = write_migrations(folder / "first", FIRST)
    return open_database(
        folder / "var" / name,
        kind=KIND,
        migrations=migrations,
        head="0001",
        restore_hint=RESTORE_HINT,
        busy_timeout_s=0.2,
    )


def open_second(folder: Path, *, broken: bool = False) -> Engine:
    """Open the same database with a program that is one revision ahead."""
    second = BROKEN_SECOND if broken else SECOND
    migrations = write_migrations(folder / f"second-{broken}", FIRST, second)
    return open_database(
        folder / "var" / "state.db",
        kind=KIND,
        migrations=migrations,
        head="0002",
        restore_hint=RESTORE_HINT,
        busy_timeout_s=0.2,
    )


def add_items(engine: Engine, *bodies: str) -> None:
    """Store rows."""
    with engine.begin() as connection:
        for body in bodies:
            connection.exec_driver_sql("INSERT INTO item (body) VALUES (?)", (body,))


def items(path: Path) -> list[str]:
    """Read the rows of a file without the code under test."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT body FROM item ORDER BY id")]


def made_database(folder: Path, *bodies: str) -> Path:
    """Make a closed database with rows and return its path."""
    engine = open_first(folder)
    add_items(engine, *bodies)
    engine.dispose()
    return folder / "var" / "state.db"


def crash_after_writing(path: Path, body: str) -> None:
    """Let a process commit a row to the log beside the database and die before the checkpoint."""
    source = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("INSERT INTO item (body) VALUES (?)", (sys.argv[2],))
connection.commit()
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = run_program(source, str(path), body)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert companion(path, "-wal").stat().st_size > 0


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder, to see that nothing was touched."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
