"""Which recorded outputs of the pipeline are the same bytes in two commits.

Run as `python -m benchmarks.outputs OLD [NEW]`; NEW is the working tree if it is left out.  After a
change that only moves code, measured times and what shows them have other bytes, and nothing else.
"""

import sys

from ruamel.yaml import YAML

from digits.core import errors, paths
from digits.core.errors import UserError
from digits.tracking import git


def recorded(revision: str | None) -> dict[str, str]:
    """The MD5 of every output in dvc.lock, of a commit or (None) of the working tree, by path."""
    name = paths.DVC_LOCK.name
    content = git.content(revision, name) if revision else paths.DVC_LOCK.read_bytes()
    if content is None:
        raise UserError(f"expected a commit that holds {name}, received {revision}")
    stages = YAML(typ="safe", pure=True).load(content)["stages"].values()
    return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}


def main(old: str, new: str | None = None) -> None:
    """Print how many outputs are equal, and name the others."""
    before, after = recorded(old), recorded(new)
    both = before.keys() & after.keys()
    equal = {path for path in both if before[path] == after[path]}
    print(f"{len(equal)} of {len(both)} outputs are the same bytes")
    for title, members in (
        ("other bytes", both - equal),
        ("no longer made", before.keys() - after.keys()),
        ("new", after.keys() - before.keys()),
    ):
        for path in sorted(members):
            print(f"  {title}: {path}")


if __name__ == "__main__":
    with errors.reported():
        if len(sys.argv) not in (2, 3):
            raise UserError("expected one or two commits after the command")
        main(*sys.argv[1:])
