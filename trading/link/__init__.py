"""The trading end of the link: commands in; replies, events, status and log lines out."""
