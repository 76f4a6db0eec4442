"""Bring a database's schema to the newest revision, with alembic and without its env.py.

Imported only when a schema has to change: alembic costs a good part of a second.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError

from daemonkit.errors import StateError
from daemonkit.storage.engine import build_engine


def script_directory(migrations: Path) -> ScriptDirectory:
    """Return the revisions of a folder: its Python files, or those of its `versions` folder."""
    versions = migrations / "versions"
    folder = versions if versions.is_dir() else migrations
    return ScriptDirectory(str(migrations), version_locations=[str(folder)])


def migration_head(migrations: Path) -> str:
    """Return the newest revision of a folder; a test of each process compares its constant."""
    head = script_directory(migrations).get_current_head()
    if head is None:
        raise ValueError(f"{migrations} has no revisions")
    return head


def check_known(path: Path, migrations: Path, revision: str, head: str) -> None:
    """Refuse a database whose schema comes from a newer version than this one."""
    try:
        known = script_directory(migrations).get_revision(revision)
    except (ResolutionError, CommandError):
        known = None
    if known is None:
        raise StateError(
            f"{path}: found schema {revision}, allowed at most {head}: it was made by a newer "
            "version; left untouched"
        )


def upgrade(path: Path, migrations: Path, head: str, *, journal_mode: str = "wal") -> None:
    """Run every missing revision in one transaction: all of them or none."""
    script = script_directory(migrations)

    def steps(revision: Any, _context: Any) -> Sequence[Any]:
        return script._upgrade_revs(head, revision)  # noqa: SLF001 - alembic's own commands do so

    # Tables are rebuilt to change them, which foreign keys would forbid half-way.
    engine = build_engine(path, foreign_keys=False, journal_mode=journal_mode)
    try:
        with (
            engine.begin() as connection,
            EnvironmentContext(Config(), script, fn=steps, destination_rev=head) as environment,
        ):
            environment.configure(
                connection=connection, transactional_ddl=True, render_as_batch=True
            )
            environment.run_migrations()
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise StateError(f"{path}: schema {head} would leave {len(broken)} rows orphaned")
    finally:
        engine.dispose()
