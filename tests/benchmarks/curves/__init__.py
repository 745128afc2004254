"""Learning curves that were recorded once, for benchmarks to replay."""
