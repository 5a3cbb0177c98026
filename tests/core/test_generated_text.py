"""Pieces and the whole texts that they make."""

from charrnn.core.generated_text import Alternative, GeneratedText, TextChunk, join_chunks

A, B = (Alternative("a", -0.5),), (Alternative("b", -1.5), Alternative("a", -2.0))


def test_pieces_of_one_text_are_put_together_in_order_with_their_details():
    pieces = [TextChunk(0, "ab", (-1.0, -2.0), (A, B)), TextChunk(0, "c", (-3.0,), (B,))]
    assert join_chunks("so: ", pieces, 1) == [GeneratedText("so: ", "abc", (-1.0, -2.0, -3.0), (A, B, B))]


def test_pieces_of_texts_written_side_by_side_are_told_apart():
    pieces = [TextChunk(0, "ab", (-1.0, -2.0)), TextChunk(1, "xy", (-3.0, -4.0)), TextChunk(0, "c", (-5.0,))]
    first, second = join_chunks("", pieces, 2)
    assert (first.text, first.logprobs) == ("abc", (-1.0, -2.0, -5.0))
    assert (second.text, second.logprobs) == ("xy", (-3.0, -4.0))


def test_a_text_that_stopped_at_once_is_empty_and_not_missing():
    pieces = [TextChunk(2, "x", (-1.0,))]
    assert [written.text for written in join_chunks("p", pieces, 3)] == ["", "", "x"]
    assert join_chunks("p", [], 1) == [GeneratedText("p", "", ())]
