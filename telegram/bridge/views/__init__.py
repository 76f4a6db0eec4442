"""What chats on a phone are shown: HTML pages, times in their zone, the live status, silence."""
