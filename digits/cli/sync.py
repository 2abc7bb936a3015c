"""`digits sync`: bring MLflow's store up to date."""


def sync() -> None:
    """Bring MLflow's store up to date with the results in the working tree and in experiments."""
    from digits.tracking import publisher

    with publisher.in_reach("digits sync"):
        written, current = publisher.sync()
    print(f"{publisher.store()}: {written} run(s) written, {current} up to date")
