"Benchmarks: ratios with a named peer, measured in the same run. `python -m bench` runs all, `python -m bench NAME` one."
