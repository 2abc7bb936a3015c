"""The networks: each module has a `Params` and a `build`."""
