"""Test `charrnn log`."""

import json
import re

STEP_LINE = r"step: 2/6\.\.\.  loss: \d\.\d{4}\.\.\.  \d+\.\d{4} sec/batch"


def test_the_whole_log_is_printed(charrnn_with_fox):
    lines = charrnn_with_fox("log", "fox").out.splitlines()
    assert lines[0].startswith("corpus size ")
    assert [line for line in lines if re.fullmatch(STEP_LINE, line)]


def test_the_last_lines_are_printed(charrnn_with_fox):
    whole_log = charrnn_with_fox("log", "fox").out
    assert charrnn_with_fox("log", "fox", "--last", "2").out.splitlines() == whole_log.splitlines()[-2:]
    assert charrnn_with_fox("log", "fox", "--last", "0").out == ""
    assert charrnn_with_fox("log", "fox", "--last", "-1").code == 2


def test_following_an_ended_training_prints_all_lines_and_returns(charrnn_with_fox):
    assert charrnn_with_fox("log", "fox", "--follow").out == charrnn_with_fox("log", "fox").out


def test_json_is_a_list_or_one_object_per_line_with_follow(charrnn_with_fox):
    lines = json.loads(charrnn_with_fox("log", "fox", "--json").out)
    assert [line["position"] for line in lines] == list(range(1, len(lines) + 1))
    followed = charrnn_with_fox("log", "fox", "--json", "--follow").out.splitlines()
    assert [json.loads(line) for line in followed] == lines
