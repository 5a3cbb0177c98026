"""Tests of joining chunks of generated text."""

from charrnn.core.generated_text import Alternative, GeneratedText, TextChunk, join_chunks

A, B = (Alternative("a", -0.5),), (Alternative("b", -1.5), Alternative("a", -2.0))


def test_join_chunks_keeps_the_order_and_details():
    chunks = [TextChunk(0, "ab", (-1.0, -2.0), (A, B)), TextChunk(0, "c", (-3.0,), (B,))]
    assert join_chunks("so: ", chunks, 1) == [GeneratedText("so: ", "abc", (-1.0, -2.0, -3.0), (A, B, B))]


def test_join_chunks_separates_samples():
    chunks = [TextChunk(0, "ab", (-1.0, -2.0)), TextChunk(1, "xy", (-3.0, -4.0)), TextChunk(0, "c", (-5.0,))]
    first, second = join_chunks("", chunks, 2)
    assert (first.text, first.logprobs) == ("abc", (-1.0, -2.0, -5.0))
    assert (second.text, second.logprobs) == ("xy", (-3.0, -4.0))


def test_join_chunks_keeps_empty_samples():
    chunks = [TextChunk(2, "x", (-1.0,))]
    assert [generated.text for generated in join_chunks("p", chunks, 3)] == ["", "", "x"]
    assert join_chunks("p", [], 1) == [GeneratedText("p", "", ())]
