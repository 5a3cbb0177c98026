"""Test the sentences and the JSON of findings."""

import json
from dataclasses import replace

import numpy as np
import pytest

from charrnn.core.insight.findings import Activations, Effect, Finding, finding
from charrnn.core.insight.text_features import FEATURES
from charrnn.core.insight.unit import Unit, UnitLayout
from charrnn.core.insight.unit_search import Match, Verdict

UNITS = [UnitLayout(5, 192).unit(index) for index in range(960)]
MATCH = Match(Verdict.TRACKS, (31, 27), 4 * 192 + 27, -0.986, -0.998, -0.99, 0.2, 0.44, 0.986, (795, 3))
EFFECT = Effect(-0.31, 24, 0.37, 0.2, 0.6, 0.1, 0.001, 0.002)


def test_a_tracked_feature_is_described_with_its_evidence():
    found = replace(finding(FEATURES["quotes"], MATCH, UNITS), effect=EFFECT)
    assert found.sentence() == (
        "Layer 5, unit 28 tracks inside quotes: AUC 0.999 on text it was not selected on; best of 960 by chance: 0.60."
    )
    assert found.is_negative
    assert found.details() == [
        "Among equal characters: AUC 0.995.",
        "Linear probe of all units: AUC 0.993; one unit carries it.",
        "Held at -0.31, the probability of the character after an end changes from 0.37 to 0.20 (24 cases), and the "
        "loss of other characters by +0.001 nats.",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"verdict": Verdict.TOO_FEW, "unit": None}, "Too few quotes to tell: 31 and 27 in the halves of the text"),
        ({"verdict": Verdict.NOT_FOUND}, "No unit tracks inside quotes: the best, layer 5, unit 28, has AUC 0.999"),
        ({"verdict": Verdict.CHARACTER}, "Layer 5, unit 28 follows inside quotes (AUC 0.999"),
    ],
)
def test_what_was_not_found_is_not_claimed(change, sentence):
    found = finding(FEATURES["quotes"], replace(MATCH, **change), UNITS)
    assert found.sentence().startswith(sentence)
    assert found.details() == []


def test_an_effect_within_its_standard_errors_is_not_claimed():
    assert "may not use this unit" in replace(EFFECT, nats=0.19).sentence()
    assert "may not use this unit" not in replace(EFFECT, nats=0.19, other_nats=0.005).sentence()


def test_findings_survive_json():
    for verdict in Verdict:
        found = replace(finding(FEATURES["column"], MATCH, UNITS), verdict=verdict, effect=EFFECT)
        assert Finding.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_activations_are_scaled_for_coloring_whatever_their_bounds():
    values = np.r_[np.linspace(-3, 5, 1000), 900].astype(np.float32)
    scaled = Activations(Unit(1, 1), "x" * 1001, values).scaled()
    assert np.median(scaled) == 0
    assert np.mean(np.abs(scaled) <= 1) == pytest.approx(0.96, abs=0.01)
