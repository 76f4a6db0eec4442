"""The strategies that come with the bot; each is one file, found by its name."""
