"""`digits sync`: bring MLflow's store up to date."""


def sync() -> None:
    """Bring MLflow's store up to date with the results in the working tree, experiments, sweeps."""
    from digits.tracking import connection, sweeps
    from digits.tracking import sync as projection

    with connection.in_reach("digits sync"):
        written, current = projection.sync()
        trials, known = sweeps.sync()
    print(f"{connection.address()}: {written} run(s) written, {current} up to date")
    if trials or known:
        print(f"trials of sweeps: {trials} written, {known} up to date")
