"""What people read: statistics, tables, alerts and the state file; values in, text out."""
