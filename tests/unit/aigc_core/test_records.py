from __future__ import annotations

from aigc_core.evaluation.records import figures, merged, records

MEASURES = {"samples": 500, "cas": 0.9, "real_cas": 0.95, "n_cas": 30_000, "recognised": 0.97, "truncation": 1.0, "split": "test"}


def test_a_measure_says_what_it_rests_on() -> None:
    cas, recognised = records(MEASURES, command="aigc evaluate digits", device="cpu", minutes=1.26)
    assert cas == {
        "name": "cas", "value": 0.9, "n": 30_000, "reference": 0.95, "command": "aigc evaluate digits", "device": "cpu", "minutes": 1.3,
    }  # fmt: skip
    assert (recognised["n"], recognised["reference"]) == (500, None)


def test_what_is_measured_again_takes_the_place_of_the_old() -> None:
    old = records({"cas": 0.5, "loss": 2.0}, command="a", device="cpu", minutes=1)
    new = records({"cas": 0.9, "real_cas": 1.0}, command="b", device="cpu", minutes=1)
    assert figures({"metrics": merged(old, new)}) == {"cas": 0.9, "real_cas": 1.0, "loss": 2.0}
    assert figures({}) == {}
