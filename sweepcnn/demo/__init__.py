"""The whole story on one machine: backend, sweep, agent, best run, pictures."""
