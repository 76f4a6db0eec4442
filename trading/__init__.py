"""The trading process of one bot: engine, store, market feeds and its end of the link."""
