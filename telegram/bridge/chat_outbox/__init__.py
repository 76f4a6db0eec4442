"""What goes to a messenger's chats: kept in lanes, paced, packed, split, and tried until it is in.

The core (lanes, pacing, splitting, packing, digest, retries, posts) has no clock and no IO.
"""
