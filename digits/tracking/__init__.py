"""MLflow as a projection of the files that the stages write.

`run` reads what a run is from the files, `provenance` what it follows from; `store` finds or makes
it in MLflow.  A stage talks to `publisher`, whose second process is `session`; `sync` does later
what they could not.
"""
