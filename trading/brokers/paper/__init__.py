"""The paper broker: a simulated venue of one account, driven by market events and nothing else."""
