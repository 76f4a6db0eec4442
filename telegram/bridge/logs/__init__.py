"""The forwarded log lines of bots: kept in files, searched, followed."""
