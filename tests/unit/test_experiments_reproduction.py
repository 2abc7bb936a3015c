"""REPRODUCTION.md is what the code writes from the committed outcomes."""

import re

from digits.core import paths
from digits.experiments import definition, reproduction
from digits.experiments.outcome import gather
from digits.report import outcomes
from digits.report.outcomes import Outcome, Reproduction


def committed():
    return [Outcome.read(outcomes.path(name)) for name in reproduction.published()]


def test_the_committed_page_is_that_of_the_committed_outcomes():
    page = paths.REPRODUCTION.read_text(encoding="utf-8")
    pictures = {}
    for section in page.split("\n## ")[1:]:
        command = re.search(r"`digits experiment ([\w-]+)`", section)
        assert command
        pictures[command[1]] = re.findall(r"!\[.*?\]\((.+?)\)", section)
    assert page == reproduction.markdown(committed(), pictures)
    named = {picture for shown in pictures.values() for picture in shown}
    drawn = {paths.relative(path) for path in reproduction.FIGURES.glob("*.png")}
    assert named == drawn


def test_the_committed_record_gathers_the_committed_claims():
    assert reproduction.record(committed()) == Reproduction.read(reproduction.RECORD)


def test_a_claim_whose_model_was_left_out_is_not_run():
    experiment = definition.load("three-networks")
    outcome = gather("three-networks", experiment, [], {})
    run = {claim.verdict for claim in outcome.claims if claim.models}
    assert run == {"not run"}
    record = reproduction.record([outcome])
    assert record.claims == len(experiment.claims) == sum(record.verdicts.values())
    page = reproduction.markdown([outcome], {})
    assert "not run" in page
    assert "95.40% of 10,000" in page
