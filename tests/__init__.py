"""The tests mirror the tree. A package, so that no `tests` of a dependency takes its place."""
