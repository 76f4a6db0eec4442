"""What both processes need and neither owns: settings, secrets, logs, locks, files, storage.

Knows nothing of trading, of Telegram or of the link's protocol, and imports none of them.
"""
