"""bridge.db: events, cursors, commands and what people chose. SQL is written here and only here."""
