"""What the page tells of experiments."""

from digits.report.outcomes import Figures, JudgedClaim, Outcome, RunOutcome
from digits.report.page import experiments


def run(variant, seed, seconds, epochs=2):
    figures = Figures(
        model="ann", dataset="clothes", measured_on="validation", accuracy=0.9, accuracy_low=0.8,
        accuracy_high=0.95, images=100, validation_accuracy=0.9, per_class={}, confusion=(),
        history=({"epoch": 1.0},) * epochs, train_seconds=seconds, images_per_second=None,
        latency_ms=None, parameters=10, bundle_mib=1.0, device="A processor", precision="float32",
        threads=2,
    )  # fmt: skip
    return RunOutcome(variant=variant, seed=seed, differences={}, models={"ann": figures})


def claim(variant, *seconds):
    return JudgedClaim(
        text="The log", variants=(variant,), models=("ann",), measure="log", published="2 epochs",
        ours="", verdict="agrees", how="", epoch_seconds=seconds, hardware="an old processor",
    )  # fmt: skip


def outcome(*claims):
    return Outcome(
        experiment="three", title="Three", source="A journal", question="", reference=None,
        assumed=(), fitted=(), left_out={}, claims=claims,
        runs=(run("code", 0, 2.0), run("code", 1, 4.0), run("other", 0, 99.0)),
    )  # fmt: skip


def test_published_times_stand_beside_ours_once():
    published, ours = experiments.published_times([outcome(claim("code", 8, 6), claim("other", 8))])
    assert published == {
        "model": "ann", "hardware": "an old processor", "seconds": 7, "published": True
    }  # fmt: skip
    assert ours == {
        "model": "ann",
        "hardware": "A processor, 2 threads, float32",
        "seconds": 1.5,
        "published": False,
    }


def test_a_claim_without_times_makes_no_line():
    assert experiments.published_times([outcome(claim("code"))]) == []
