"""A command's way: read, asked about, sent to a bot or answered here, and its receipt."""
