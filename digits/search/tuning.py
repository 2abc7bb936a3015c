"""Ray Tune's interfaces to what searches, records and ends; Ray is loaded when they are made."""

from typing import Any

from digits.search.proposals import Proposals
from digits.search.recorder import Recorder

DEAD = "it was killed, for want of memory or with its node"


def searcher(proposals: Proposals) -> Any:
    """A `ray.tune.search.Searcher` that hands on what is proposed."""
    from ray.tune.search import Searcher

    class Searching(Searcher):  # type: ignore[misc]
        def suggest(self, trial_id: str) -> Any:
            proposed = proposals.propose()
            if proposed is None:
                return Searcher.FINISHED
            number, values = proposed
            return {"number": number, "values": values}

        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            """What has ended is told by the recorder, in one way now and when resumed."""

        def save(self, checkpoint_path: str) -> None:
            """All that is known stands in the journal."""

        restore = save

    return Searching()


def callback(recorder: Recorder) -> Any:
    """A `ray.tune.Callback` that records what happens to each trial."""
    from ray.tune import Callback

    class Recording(Callback):  # type: ignore[misc]
        def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            recorder.begin(trial.config["number"], trial.config["values"])

        def on_trial_result(
            self, iteration: int, trials: Any, trial: Any, result: Any, **info: Any
        ) -> None:
            recorder.hear(trial.config["number"], result)

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            recorder.complete(trial.config["number"])

        def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            recorder.lose(trial.config["number"], str(trial.get_error() or DEAD))

    return Recording()


def stopper(recorder: Recorder) -> Any:
    """A `ray.tune.Stopper` that ends the sweep when the recorder says so."""
    from ray.tune import Stopper

    class Ending(Stopper):  # type: ignore[misc]
        def __call__(self, trial_id: str, result: Any) -> bool:
            return False

        def stop_all(self) -> bool:
            return recorder.is_over

        def __reduce__(self) -> Any:
            # Of the snapshot that Tune makes of itself, which nobody reads.
            return bool, ()

    return Ending()
