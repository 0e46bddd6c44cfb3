"""The grammar as a package, so that it can be found when installed."""
