"""Test `charrnn show`."""

import json

from charrnn.core.cpu_info import cpu_name


def test_show_prints_state_losses_text_options_and_checkpoints(charrnn_with_fox):
    lines = charrnn_with_fox("show", "fox").out.splitlines()
    facts = {line[:11].strip(): line[11:].strip() for line in lines}
    assert facts["state"] == "completed"
    assert facts["step"] == "6 of 6"
    assert facts["best loss"].endswith("bits) per character")
    assert facts["trained on"] == cpu_name()
    assert facts["text"].startswith("fox, ")
    assert "--lstm_size 7 --num_layers 1" in facts["options"]
    assert "--cell" not in facts["options"]
    assert any(line.startswith("best ") for line in lines)
    assert any(line.startswith("latest sample, step 6") for line in lines)


def test_show_prints_json(charrnn_with_fox):
    printed = json.loads(charrnn_with_fox("show", "fox", "--json").out)
    assert list(printed) == ["model", "corpus", "newest", "checkpoints", "samples"]
    assert printed["model"]["train_params"]["lstm_size"] == 7
    assert printed["model"]["cpu"] == cpu_name()
    assert {checkpoint["kind"] for checkpoint in printed["checkpoints"]} == {"best", "last"}
    assert printed["newest"]["loss"] > 0
