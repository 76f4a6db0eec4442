"""The setup: from a bot's token to a configuration that lets one person command."""
