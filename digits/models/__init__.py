"""The models: each module has a `Params` and a `build` or `fit`."""
