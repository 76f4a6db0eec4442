"""The console: a chat on standard input and output, for people at a terminal and for programs."""
