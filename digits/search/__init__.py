"""Search and reading at scale, on Ray: an extra, which no stage depends on.

A sweep's `definition` holds a `space`; `running` hands what `proposals` suggests to workers on Ray
Tune, in which `objective` calls the functions that the stages call.  What ended stands in the
journal (`tracking.journal`), from which `outcome` and `report` tell, and `winner` applies.
`listing` and `reading` read pictures by the million on Ray Data.
"""
