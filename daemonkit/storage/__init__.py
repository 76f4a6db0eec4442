"""SQLite for both processes: opening, migrating, backing up, and naming what went wrong."""
