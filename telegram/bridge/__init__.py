"""The bridge: serves the link to all bots and carries commands and reports to chats."""
