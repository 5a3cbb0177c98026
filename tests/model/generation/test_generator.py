"""Writing: against a loop in NumPy, whatever the length, the prompt and the places where it is cut."""

import numpy as np
import pytest

from charrnn.core.errors import UnknownCharacters
from charrnn.core.generated_text import join_chunks
from charrnn.core.options import checked
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.generation.decode_loop import CHUNK, programs_for
from charrnn.model.generation.generator import FIRST, Writer
from charrnn.model.network.network import Network
from charrnn.model.training.evaluation import Evaluation
from tests.support.rounding import EPSILON, FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, VOCABULARY, tiny

KNOWN = len(VOCABULARY)
KEPT = 0.8
"""Largest share of an error in the memory that is still there a character later."""
ROUNDINGS = 5 * (5 + 2 + FUNCTION) / (1 - KEPT)
"""Of a memory that keeps its errors that long, and of a score, which adds up five units."""
ROUNDING = ROUNDINGS * EPSILON["float32"]
PROSE = "".join(np.random.default_rng(4).choice(list(VOCABULARY.characters), 600))
SIXTEEN, EIGHTY = FIRST, FIRST + 4 * FIRST  # where the first and the second call end
LENGTHS = [n + m for n in (SIXTEEN, EIGHTY, EIGHTY + CHUNK) for m in (-1, 0, 1)]


def draw_weights(network, seed):
    """Draw large weights with which the memory still forgets errors: others would magnify what rounding does."""
    draw = np.random.default_rng(seed)
    for variable in network.weights:
        variable.assign(draw.normal(size=variable.shape))
    recurrent = network.recurrent[0].recurrent_kernel
    recurrent.assign(KEPT * recurrent / np.linalg.norm(recurrent, 2))


def drawn_network():
    """One layer with weights large enough to have opinions; to it the unknown class is by far the likeliest."""
    network = Network(tiny(cell="rnn", num_layers=1), CLASSES)
    draw_weights(network, seed=19)
    bias = network.output_bias.numpy()
    network.output_bias.assign(np.append(bias[:-1], 50))
    return network


@pytest.fixture(scope="module")
def network():
    return drawn_network()


@pytest.fixture(scope="module")
def writer(network):
    return Writer(network, VOCABULARY)


def pieces(writer, *, alternatives=False, **options):
    return list(writer.write(checked("sampling", {"seed": 7, **options}), alternatives=alternatives))


def texts(writer, **options):
    count = options.get("num_samples", 1)
    return [written.text for written in join_chunks("", pieces(writer, **options), count)]


def text(writer, **options):
    return texts(writer, **options)[0]


def naive(network, prompt, length):
    """The likeliest text, one character after the other with NumPy, and its log-probabilities."""
    layer = network.recurrent[0]
    kernel, recurrent, bias = layer.get_weights()
    output, output_bias = network.output_kernel.numpy(), network.output_bias.numpy()
    ids, logprobs, h = list(VOCABULARY.encode(prompt or "\n")), [], np.zeros(layer.units)
    start = len(ids)
    for place in range(start + length - 1):
        h = np.tanh(kernel[ids[place]] + h @ recurrent + bias)
        if place + 1 >= start:
            logits = h @ output + output_bias
            ids.append(int(logits[:KNOWN].argmax()))
            logprobs.append(logits[ids[-1]] - np.log(np.exp(logits).sum()))
    return VOCABULARY.decode(ids[start:]), logprobs


@pytest.mark.parametrize("length", [1, *LENGTHS])
def test_it_writes_exactly_as_many_characters_as_asked_for(writer, length):
    assert len(text(writer, max_length=length)) == length


@pytest.mark.parametrize("size", [0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 2, 2 * CHUNK + 1, 600])
def test_the_likeliest_text_after_any_prompt_is_that_of_a_naive_loop(writer, network, size):
    expected, logprobs = naive(network, PROSE[:size], 90)
    (written,) = join_chunks("", pieces(writer, start_string=PROSE[:size], max_length=90, temperature=0), 1)
    assert written.text == expected
    assert_close(written.logprobs, logprobs, roundings=ROUNDINGS)


def test_the_prompt_is_read_and_not_repeated(writer):
    one, two = (text(writer, start_string=prompt, max_length=40, temperature=0) for prompt in ("dada", "ebbe"))
    assert one != two and len(one) == len(two) == 40


def test_defect_14_an_empty_prompt_starts_as_if_after_a_line_end(writer):
    """The article drew the first character from the four rarest and the unknown one."""
    assert text(writer, max_length=50) == text(writer, start_string="\n", max_length=50)


@pytest.mark.parametrize(("characters", "start"), [("ab\nc ", "\n"), ("ab c", " "), ("bac", "b")])
def test_without_a_line_end_an_empty_prompt_starts_after_a_space_or_the_most_frequent_character(characters, start):
    writer = Writer(Network(tiny(cell="rnn", num_layers=1), len(characters) + 1), Vocabulary(characters))
    assert text(writer, max_length=9) == text(writer, max_length=9, start_string=start)


def test_the_same_seed_gives_the_same_text_and_another_seed_another(writer):
    one, two, other = (text(writer, max_length=100, seed=seed) for seed in (1, 1, 2))
    assert one == two != other


@pytest.mark.parametrize("options", [{}, {"repetition_penalty": 5}, {"top_k": 4}])
def test_a_longer_text_goes_on_from_the_shorter_one(writer, options):
    longest = text(writer, max_length=max(LENGTHS), **options)
    for length in LENGTHS:
        assert text(writer, max_length=length, **options) == longest[:length]


def test_chance_belongs_to_a_place_of_the_text_wherever_the_calls_are_cut():
    """To this network all characters are equally likely, so that chance alone decides."""
    network = Network(tiny(cell="rnn", num_layers=1), CLASSES)
    network.output_kernel.assign(np.zeros((5, CLASSES)))
    writer = Writer(network, VOCABULARY)
    one, two, three = (text(writer, max_length=90, start_string=PROSE[:size]) for size in (1, 30, 300))
    assert one == two == three
    assert one[:FIRST] != one[FIRST : 2 * FIRST]


def test_texts_side_by_side_differ_and_each_has_the_whole_length(writer):
    written = texts(writer, max_length=60, num_samples=3)
    assert [len(t) for t in written] == [60] * 3 and len(set(written)) == 3


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_each_of_many_texts_is_the_same_whoever_writes_beside_it(network, monkeypatch, parts):
    monkeypatch.setattr(
        "charrnn.model.generation.generator.num_parts", lambda samples, fewest: parts if samples == 8 else 1
    )
    writer = Writer(network, VOCABULARY)
    prompt, length = PROSE[: CHUNK + 9], EIGHTY + 5
    together = texts(writer, max_length=length, num_samples=8, start_string=prompt, repetition_penalty=1.3)
    for count in (1, 3):
        fewer = texts(writer, max_length=length, num_samples=count, start_string=prompt, repetition_penalty=1.3)
        assert fewer == together[:count]
    assert len(set(together)) == 8


def test_likeliest_texts_side_by_side_are_the_same(writer):
    one, two, three = texts(writer, max_length=60, num_samples=3, temperature=0)
    assert one == two == three == text(writer, max_length=60, temperature=0)


def test_it_streams_a_few_characters_first_and_can_be_closed(writer):
    stream = writer.write(checked("sampling", {"seed": 7, "max_length": 10_000_000}))
    assert len(next(stream).text) == FIRST
    assert len(next(stream).text) == 4 * FIRST
    stream.close()


def test_it_ends_before_the_stop_string(writer):
    whole = text(writer, max_length=300)
    for length in (1, 2, 3):
        stop = whole[FIRST - 1 : FIRST - 1 + length]  # where it is spread over two pieces
        assert text(writer, max_length=300, stop=stop) == whole[: whole.index(stop)]


def test_each_of_several_texts_ends_at_its_own_stop_string(writer):
    whole = texts(writer, max_length=120, num_samples=3)
    stop = whole[0][25:27]
    stopped = texts(writer, max_length=120, num_samples=3, stop=stop)
    assert stopped == [t.split(stop)[0] for t in whole]
    assert len({len(t) for t in stopped}) > 1


def test_a_stop_string_that_never_appears_changes_nothing(writer):
    assert text(writer, max_length=100, stop="never") == text(writer, max_length=100)


@pytest.mark.parametrize("temperature", [0, 1, 5])
def test_defect_14_the_unknown_character_is_never_written_even_where_it_is_likeliest(writer, network, temperature):
    assert network.output_bias.numpy().argmax() == VOCABULARY.unknown_id
    assert set(text(writer, max_length=400, temperature=temperature)) <= set(VOCABULARY.characters)


def test_defect_14_a_prompt_with_unknown_characters_is_refused_by_name(writer):
    with pytest.raises(UnknownCharacters, match=r"2 character\(s\) that this model never saw: 'x' 'Z'"):
        pieces(writer, start_string="axbZ")


def test_unknown_characters_of_a_prompt_can_be_dropped_or_replaced(writer):
    dropped = text(writer, start_string="xaZbx", unknown="drop", max_length=40)
    assert dropped == text(writer, start_string="ab", max_length=40)
    replaced = text(writer, start_string="éaB", unknown="replace", max_length=40)
    assert replaced == text(writer, start_string="eab", max_length=40)


def test_log_probabilities_add_up_to_the_score_of_the_text(network):
    (written,) = join_chunks("", pieces(Writer(network, VOCABULARY), start_string="bad", max_length=90), 1)
    losses = Evaluation(network, VOCABULARY.encode("bad" + written.text), first=1).losses()
    assert_close(written.logprobs, -losses[2:], roundings=ROUNDINGS)
    assert sum(written.logprobs) == pytest.approx(-losses[2:].sum(), rel=ROUNDINGS * EPSILON["float32"])


def test_log_probabilities_are_the_models_own_whatever_the_choice(writer):
    (free,) = join_chunks("", pieces(writer, max_length=30, temperature=0), 1)
    (cut,) = join_chunks("", pieces(writer, max_length=30, top_k=1, temperature=3), 1)
    assert cut.text == free.text
    assert_close(cut.logprobs, free.logprobs, roundings=ROUNDINGS)


def test_alternatives_are_sorted_and_hold_what_was_written():
    network = drawn_network()
    network.output_bias.assign(np.append(network.output_bias.numpy()[:-1], -100))  # the unknown takes no probability
    (written,) = join_chunks("", pieces(Writer(network, VOCABULARY), alternatives=True, max_length=90), 1)
    assert len(written.alternatives) == len(written.text) == 90
    for character, logprob, choices in zip(written.text, written.logprobs, written.alternatives, strict=True):
        values = [choice.logprob for choice in choices]
        assert values == sorted(values, reverse=True)
        assert {choice.character for choice in choices} == set(VOCABULARY.characters)
        assert logprob == pytest.approx(next(c.logprob for c in choices if c.character == character), abs=ROUNDING)
        assert sum(np.exp(values)) == pytest.approx(1, abs=ROUNDING)


def test_asking_for_alternatives_changes_no_character(writer):
    (written,) = join_chunks("", pieces(writer, alternatives=True, max_length=90), 1)
    assert written.text == text(writer, max_length=90)


def test_a_stop_string_cuts_details_with_the_text(writer):
    whole = text(writer, max_length=90)
    (written,) = join_chunks("", pieces(writer, alternatives=True, max_length=90, stop=whole[20:23]), 1)
    assert len(written.text) == len(written.logprobs) == len(written.alternatives) <= 20


def test_a_repetition_penalty_breaks_the_loop_of_the_likeliest_text(writer):
    def repeated(written):
        return len(written) - 5 - len({written[i : i + 6] for i in range(len(written) - 5)})

    loop = text(writer, max_length=200, temperature=0)
    broken = text(writer, max_length=200, temperature=0, repetition_penalty=100)
    assert repeated(loop) > 150 > 2 * repeated(broken)


def test_defect_8_it_writes_with_a_network_in_training_as_that_is_at_the_moment():
    network = drawn_network()
    writer = Writer(network, VOCABULARY)
    before = text(writer, max_length=30, temperature=0)
    network.output_bias.assign([0, 0, 0, 90, 0, 0, 0])
    assert text(writer, max_length=30, temperature=0) == VOCABULARY.characters[3] * 30 != before


def test_networks_of_the_same_sizes_share_what_is_compiled_and_write_each_its_own(network, writer):
    other = Network(tiny(cell="rnn", num_layers=1, seed=5), CLASSES)
    draw_weights(other, seed=4)
    other.output_bias.assign(np.append(other.output_bias.numpy()[:-1], -50))  # the unknown class
    assert programs_for(other) is programs_for(network)
    mine, others = (text(Writer(one, VOCABULARY), max_length=40, temperature=0) for one in (network, other))
    assert (mine, others) == (naive(network, "", 40)[0], naive(other, "", 40)[0])
    assert mine != others
    wider = Network(tiny(cell="rnn", num_layers=1, lstm_size=6), CLASSES)
    assert programs_for(wider) is not programs_for(network)
