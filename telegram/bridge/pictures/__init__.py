"""Charts as PNG files, drawn in a process of its own with a time limit."""
