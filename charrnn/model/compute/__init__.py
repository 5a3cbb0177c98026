"""Compile, place and randomize computations: XLA, CPU cores, GPUs and number formats."""
