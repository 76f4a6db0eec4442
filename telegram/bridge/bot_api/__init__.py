"""What lies around the library that speaks with Telegram: polling, its thread, errors, settings."""
