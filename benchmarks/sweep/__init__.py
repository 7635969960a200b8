"""One scenario in many cases: all combinations of values, each with its replications."""
