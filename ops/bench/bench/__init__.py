"""The parts of the benchmarks: peers, load, and what the machine says of itself."""
