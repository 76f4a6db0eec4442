"""Values of trading: they know each other and nothing else."""
