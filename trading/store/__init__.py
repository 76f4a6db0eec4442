"""Durable state of one bot in SQLite; the only folder of trading that names SQLAlchemy."""
