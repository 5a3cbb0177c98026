"""Test `charrnn score`."""

import io
import json
import math

import pytest

from tests.support.command_line import SMALL, TEXT


def test_a_text_is_scored_in_nats_and_bits(charrnn_with_fox, text_file):
    printed = json.loads(charrnn_with_fox("score", "fox", str(text_file), "--json").out)
    assert printed["num_characters"] == len(TEXT) - 1
    assert printed["num_unknown"] == 0
    assert printed["bits"] == pytest.approx(printed["nats"] / math.log(2))
    assert f"{printed['nats']:.4f} nats" in charrnn_with_fox("score", "fox", str(text_file)).out


def test_an_adaptive_score_is_lower_and_labeled(charrnn_with_fox, text_file):
    plain, adaptive = (
        json.loads(charrnn_with_fox("score", "fox", str(text_file), "--json", *flags).out)
        for flags in ([], ["--adaptive"])
    )
    assert (plain["adaptive"], adaptive["adaptive"]) == (False, True)
    assert adaptive["nats"] < plain["nats"]
    assert ", adaptive)" in charrnn_with_fox("score", "fox", str(text_file), "--adaptive").out


def test_unknown_characters_of_a_scored_text_are_counted(charrnn_with_fox, tmp_path):
    path = tmp_path / "strange.txt"
    path.write_text("the fox 日本 jumps", encoding="utf-8")
    assert "2 of them are not in the vocabulary" in charrnn_with_fox("score", "fox", str(path)).out


def test_the_fit_and_the_copies_are_reported(charrnn_with_fox, text_file):
    printed = json.loads(charrnn_with_fox("score", "fox", str(text_file), "--json").out)
    assert set(printed["fit"]) == {"z", "excess", "temperature", "temperature_error"}
    assert set(printed["copies"]) == {"min_length", "share", "unseen_share"}
    assert len(printed["surprise"]) == len(TEXT) - 1
    out = charrnn_with_fox("score", "fox", str(text_file)).out
    assert f"z = {printed['fit']['z']:+.1f}" in out
    assert "copied in stretches of" in out
    assert "The temperature that explains it best" in out
    assert "written by" not in out


def test_a_short_text_gets_no_verdict(charrnn_with_fox, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT[:100].encode())))
    assert "too short for a statement on the fit" in charrnn_with_fox("score", "fox", "-").out


def test_two_models_are_compared(charrnn_with_fox, text_file):
    charrnn_with_fox("train", "--input_file", str(text_file), "--name", "cat", "--max_steps", "1", *SMALL)
    result = charrnn_with_fox("score", "fox", str(text_file), "--against", "cat", "--json")
    printed = json.loads(result.out)
    comparison = printed["comparison"]
    assert comparison["low"] < comparison["difference"] < comparison["high"]
    assert [reading["num_characters"] for reading in printed["readings"]] == [len(TEXT) - 1] * 2
    out = charrnn_with_fox("score", "fox", str(text_file), "--against", "cat").out
    assert f"better in {comparison['first_better']} of {comparison['num_blocks']} blocks" in out


def test_contributions_of_earlier_characters_are_printed(charrnn_with_fox, text_file):
    printed = json.loads(charrnn_with_fox("score", "fox", str(text_file), "--why", "20", "--json").out)
    assert (printed["character"], printed["context"]) == (TEXT[20], TEXT[:20])
    assert sum(printed["nats"]) == pytest.approx(printed["logprob"] - printed["shortest_logprob"], abs=1e-5)
    largest = max(range(19), key=lambda at: abs(printed["nats"][at]))
    assert f"{20 - largest} back" in charrnn_with_fox("score", "fox", str(text_file), "--why", "20").out


def test_an_offset_outside_of_the_text_is_a_usage_error(charrnn_with_fox, text_file):
    result = charrnn_with_fox("score", "fox", str(text_file), "--why", "0")
    assert result.code == 2
    assert "expected 1 to" in result.err


def test_modes_cannot_be_combined(charrnn_with_fox, text_file):
    assert charrnn_with_fox("score", "fox", str(text_file), "--why", "3", "--adaptive").code == 2
