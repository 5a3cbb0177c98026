"""Tests of text generation against a NumPy loop, for any length, prompt and division into calls."""

import numpy as np
import pytest

from charrnn.core.errors import UnknownCharacters
from charrnn.core.generated_text import join_chunks
from charrnn.core.options import checked
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.generation.decode_loop import CHUNK, decode_loop_for
from charrnn.model.generation.generator import FIRST_CHUNK, Generator
from charrnn.model.network.network import Network
from charrnn.model.training.evaluation import Evaluation
from tests.support.rounding import EPSILON, FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, VOCABULARY, tiny

KNOWN = len(VOCABULARY)
RETAINED = 0.8
"""Maximum share of an error in the state that remains after one character."""
ROUNDINGS = 5 * (5 + 2 + FUNCTION) / (1 - RETAINED)
"""Roundings of a state that keeps its errors that long, and of a logit, which sums five units."""
ROUNDING = ROUNDINGS * EPSILON["float32"]
PROSE = "".join(np.random.default_rng(4).choice(list(VOCABULARY.characters), 600))
SIXTEEN, EIGHTY = FIRST_CHUNK, FIRST_CHUNK + 4 * FIRST_CHUNK  # the ends of the first and the second call
LENGTHS = [n + m for n in (SIXTEEN, EIGHTY, EIGHTY + CHUNK) for m in (-1, 0, 1)]


def draw_weights(network, seed):
    """Assign large random weights with which rounding errors in the state still decay."""
    draw = np.random.default_rng(seed)
    for variable in network.weights:
        variable.assign(draw.normal(size=variable.shape))
    recurrent = network.recurrent[0].recurrent_kernel
    recurrent.assign(RETAINED * recurrent / np.linalg.norm(recurrent, 2))


def drawn_network():
    """Return a network of one layer with large weights, for which the unknown class is by far the most likely."""
    network = Network(tiny(cell="rnn", num_layers=1), CLASSES)
    draw_weights(network, seed=19)
    bias = network.output_bias.numpy()
    network.output_bias.assign(np.append(bias[:-1], 50))
    return network


@pytest.fixture(scope="module")
def network():
    return drawn_network()


@pytest.fixture(scope="module")
def generator(network):
    return Generator(network, VOCABULARY)


def chunks(generator, *, alternatives=False, **options):
    return list(generator.generate(checked("sampling", {"seed": 7, **options}), alternatives=alternatives))


def texts(generator, **options):
    count = options.get("num_samples", 1)
    return [written.text for written in join_chunks("", chunks(generator, **options), count)]


def text(generator, **options):
    return texts(generator, **options)[0]


def naive(network, prompt, length):
    """Return the greedy text and its log-probabilities, computed by a NumPy loop."""
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
def test_generated_text_has_the_requested_length(generator, length):
    assert len(text(generator, max_length=length)) == length


@pytest.mark.parametrize("size", [0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 2, 2 * CHUNK + 1, 600])
def test_greedy_text_matches_a_naive_loop_for_any_prompt_length(generator, network, size):
    expected, logprobs = naive(network, PROSE[:size], 90)
    (written,) = join_chunks("", chunks(generator, start_string=PROSE[:size], max_length=90, temperature=0), 1)
    assert written.text == expected
    assert_close(written.logprobs, logprobs, roundings=ROUNDINGS)


def test_prompt_is_read_but_not_repeated(generator):
    one, two = (text(generator, start_string=prompt, max_length=40, temperature=0) for prompt in ("dada", "ebbe"))
    assert one != two and len(one) == len(two) == 40


def test_defect_14_empty_prompt_starts_after_a_line_break(generator):
    """The article sampled the first character from the four rarest and the unknown class."""
    assert text(generator, max_length=50) == text(generator, start_string="\n", max_length=50)


@pytest.mark.parametrize(("characters", "start"), [("ab\nc ", "\n"), ("ab c", " "), ("bac", "b")])
def test_empty_prompt_starts_after_a_substitute_when_line_breaks_are_unknown(characters, start):
    generator = Generator(Network(tiny(cell="rnn", num_layers=1), len(characters) + 1), Vocabulary(characters))
    assert text(generator, max_length=9) == text(generator, max_length=9, start_string=start)


def test_text_depends_on_the_seed_only(generator):
    one, two, other = (text(generator, max_length=100, seed=seed) for seed in (1, 1, 2))
    assert one == two != other


@pytest.mark.parametrize("options", [{}, {"repetition_penalty": 5}, {"top_k": 4}])
def test_longer_text_extends_the_shorter_one(generator, options):
    longest = text(generator, max_length=max(LENGTHS), **options)
    for length in LENGTHS:
        assert text(generator, max_length=length, **options) == longest[:length]


def test_random_numbers_depend_on_the_position_not_on_the_calls():
    """For this network, all characters are equally likely, so the text depends on the random numbers only."""
    network = Network(tiny(cell="rnn", num_layers=1), CLASSES)
    network.output_kernel.assign(np.zeros((5, CLASSES)))
    generator = Generator(network, VOCABULARY)
    one, two, three = (text(generator, max_length=90, start_string=PROSE[:size]) for size in (1, 30, 300))
    assert one == two == three
    assert one[:FIRST_CHUNK] != one[FIRST_CHUNK : 2 * FIRST_CHUNK]


def test_samples_differ_and_have_the_full_length(generator):
    written = texts(generator, max_length=60, num_samples=3)
    assert [len(t) for t in written] == [60] * 3 and len(set(written)) == 3


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_samples_do_not_depend_on_the_number_of_samples(network, monkeypatch, shards):
    monkeypatch.setattr(
        "charrnn.model.generation.generator.num_shards", lambda samples, minimum: shards if samples == 8 else 1
    )
    generator = Generator(network, VOCABULARY)
    prompt, length = PROSE[: CHUNK + 9], EIGHTY + 5
    together = texts(generator, max_length=length, num_samples=8, start_string=prompt, repetition_penalty=1.3)
    for count in (1, 3):
        fewer = texts(generator, max_length=length, num_samples=count, start_string=prompt, repetition_penalty=1.3)
        assert fewer == together[:count]
    assert len(set(together)) == 8


def test_greedy_samples_are_equal(generator):
    one, two, three = texts(generator, max_length=60, num_samples=3, temperature=0)
    assert one == two == three == text(generator, max_length=60, temperature=0)


def test_first_chunk_is_short_and_the_stream_can_be_closed(generator):
    stream = generator.generate(checked("sampling", {"seed": 7, "max_length": 10_000_000}))
    assert len(next(stream).text) == FIRST_CHUNK
    assert len(next(stream).text) == 4 * FIRST_CHUNK
    stream.close()


def test_text_ends_before_the_stop_string(generator):
    whole = text(generator, max_length=300)
    for length in (1, 2, 3):
        stop = whole[FIRST_CHUNK - 1 : FIRST_CHUNK - 1 + length]  # split across two chunks
        assert text(generator, max_length=300, stop=stop) == whole[: whole.index(stop)]


def test_each_sample_ends_at_its_own_stop_string(generator):
    whole = texts(generator, max_length=120, num_samples=3)
    stop = whole[0][25:27]
    stopped = texts(generator, max_length=120, num_samples=3, stop=stop)
    assert stopped == [t.split(stop)[0] for t in whole]
    assert len({len(t) for t in stopped}) > 1


def test_unused_stop_string_has_no_effect(generator):
    assert text(generator, max_length=100, stop="never") == text(generator, max_length=100)


@pytest.mark.parametrize("temperature", [0, 1, 5])
def test_defect_14_unknown_class_is_never_generated(generator, network, temperature):
    assert network.output_bias.numpy().argmax() == VOCABULARY.unknown_id
    assert set(text(generator, max_length=400, temperature=temperature)) <= set(VOCABULARY.characters)


def test_defect_14_unknown_characters_in_the_prompt_are_rejected_by_name(generator):
    with pytest.raises(UnknownCharacters, match=r"2 character\(s\) that are not in the model's vocabulary: 'x' 'Z'"):
        chunks(generator, start_string="axbZ")


def test_unknown_characters_in_the_prompt_can_be_dropped_or_replaced(generator):
    dropped = text(generator, start_string="xaZbx", unknown="drop", max_length=40)
    assert dropped == text(generator, start_string="ab", max_length=40)
    replaced = text(generator, start_string="éaB", unknown="replace", max_length=40)
    assert replaced == text(generator, start_string="eab", max_length=40)


def test_log_probabilities_sum_to_the_evaluated_loss(network):
    (written,) = join_chunks("", chunks(Generator(network, VOCABULARY), start_string="bad", max_length=90), 1)
    losses = Evaluation(network, VOCABULARY.encode("bad" + written.text), first=1).losses()
    assert_close(written.logprobs, -losses[2:], roundings=ROUNDINGS)
    assert sum(written.logprobs) == pytest.approx(-losses[2:].sum(), rel=ROUNDINGS * EPSILON["float32"])


def test_log_probabilities_do_not_depend_on_sampling_options(generator):
    (free,) = join_chunks("", chunks(generator, max_length=30, temperature=0), 1)
    (cut,) = join_chunks("", chunks(generator, max_length=30, top_k=1, temperature=3), 1)
    assert cut.text == free.text
    assert_close(cut.logprobs, free.logprobs, roundings=ROUNDINGS)


def test_alternatives_are_sorted_and_include_the_generated_character():
    network = drawn_network()
    # The unknown class gets no probability.
    network.output_bias.assign(np.append(network.output_bias.numpy()[:-1], -100))
    (written,) = join_chunks("", chunks(Generator(network, VOCABULARY), alternatives=True, max_length=90), 1)
    assert len(written.alternatives) == len(written.text) == 90
    for character, logprob, choices in zip(written.text, written.logprobs, written.alternatives, strict=True):
        values = [choice.logprob for choice in choices]
        assert values == sorted(values, reverse=True)
        assert {choice.character for choice in choices} == set(VOCABULARY.characters)
        assert logprob == pytest.approx(next(c.logprob for c in choices if c.character == character), abs=ROUNDING)
        assert sum(np.exp(values)) == pytest.approx(1, abs=ROUNDING)


def test_alternatives_do_not_change_the_text(generator):
    (written,) = join_chunks("", chunks(generator, alternatives=True, max_length=90), 1)
    assert written.text == text(generator, max_length=90)


def test_stop_string_truncates_the_details_with_the_text(generator):
    whole = text(generator, max_length=90)
    (written,) = join_chunks("", chunks(generator, alternatives=True, max_length=90, stop=whole[20:23]), 1)
    assert len(written.text) == len(written.logprobs) == len(written.alternatives) <= 20


def test_repetition_penalty_breaks_loops_of_greedy_text(generator):
    def repeated(written):
        return len(written) - 5 - len({written[i : i + 6] for i in range(len(written) - 5)})

    loop = text(generator, max_length=200, temperature=0)
    broken = text(generator, max_length=200, temperature=0, repetition_penalty=100)
    assert repeated(loop) > 150 > 2 * repeated(broken)


def test_defect_8_generator_uses_the_current_weights_of_a_network_in_training():
    network = drawn_network()
    generator = Generator(network, VOCABULARY)
    before = text(generator, max_length=30, temperature=0)
    network.output_bias.assign([0, 0, 0, 90, 0, 0, 0])
    assert text(generator, max_length=30, temperature=0) == VOCABULARY.characters[3] * 30 != before


def test_networks_of_equal_sizes_share_the_decode_loop(network, generator):
    other = Network(tiny(cell="rnn", num_layers=1, seed=5), CLASSES)
    draw_weights(other, seed=4)
    other.output_bias.assign(np.append(other.output_bias.numpy()[:-1], -50))  # the unknown class
    assert decode_loop_for(other) is decode_loop_for(network)
    mine, others = (text(Generator(one, VOCABULARY), max_length=40, temperature=0) for one in (network, other))
    assert (mine, others) == (naive(network, "", 40)[0], naive(other, "", 40)[0])
    assert mine != others
    wider = Network(tiny(cell="rnn", num_layers=1, lstm_size=6), CLASSES)
    assert decode_loop_for(wider) is not decode_loop_for(network)
