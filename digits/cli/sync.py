"""`digits sync`: bring MLflow's store up to date."""


def sync() -> None:
    """Bring MLflow's store up to date with the results in the working tree and in experiments."""
    from digits.tracking import connection
    from digits.tracking import sync as projection

    with connection.in_reach("digits sync"):
        written, current = projection.sync()
    print(f"{connection.address()}: {written} run(s) written, {current} up to date")
