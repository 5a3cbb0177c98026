"""Tests of n-gram models against a naive implementation of the formula."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import charrnn.core.ngrams as module
from charrnn.core.adaptive_ngrams import AdaptiveNGrams
from charrnn.core.ngrams import count_ngrams

CLASSES = 5


class NaiveNGrams:
    """Interpolated modified Kneser-Ney with dictionaries of tuples."""

    def __init__(self, text, order):
        self.order = order = min(order, len(text))
        grams = {n: {tuple(text[i : i + n]) for i in range(len(text) - n + 1)} for n in range(1, order + 1)}
        self.counts = {}
        for n in range(1, order + 1):
            for gram in grams[n]:
                if n == order:
                    times = sum(tuple(text[i : i + n]) == gram for i in range(len(text) - n + 1))
                else:
                    times = max(1, sum(longer[1:] == gram for longer in grams[n + 1]))
                self.counts[gram] = times
        self.discounts = {n: self.discount([self.counts[gram] for gram in grams[n]]) for n in range(1, order + 1)}

    @staticmethod
    def discount(counts):
        times = Counter(counts)
        if not all(times[n] for n in (1, 2, 3)):
            return [0, 0.5, 0.5, 0.5]
        y = times[1] / (times[1] + 2 * times[2])
        raw = [n - (n + 1) * y * times[n + 1] / times[n] for n in (1, 2, 3)]
        return [0, *(min(max(d, 0.1), 0.95 * n) for n, d in enumerate(raw, 1))]

    def probability(self, context, character):
        context = tuple(context)
        probability = 1 / CLASSES
        for size in range(min(self.order, len(context) + 1)):
            suffix = context[len(context) - size :]
            followers = {g: c for g, c in self.counts.items() if len(g) == size + 1 and g[:-1] == suffix}
            if not followers:
                break
            total, discount = sum(followers.values()), self.discounts[size + 1]
            reserved = sum(discount[min(count, 3)] for count in followers.values())
            count = followers.get((*suffix, character), 0)
            probability = probability * reserved / total + max(count - discount[min(count, 3)], 0) / total
        return probability


texts = st.lists(st.integers(0, CLASSES - 2), min_size=1, max_size=60)
orders = st.integers(1, 4)


def random_text(size, seed=5):
    return np.random.default_rng(seed).choice(CLASSES, size, p=[0.5, 0.3, 0.15, 0.05, 0])


@given(texts, orders, st.lists(st.integers(0, CLASSES - 1), min_size=2, max_size=12))
def test_probabilities_equal_the_formula(text, order, read):
    naive = NaiveNGrams(text, order)
    probabilities = count_ngrams(np.array(text, np.uint8), CLASSES, order).probabilities(np.array(read, np.uint16))
    assert probabilities == pytest.approx([naive.probability(read[:i], read[i]) for i in range(1, len(read))], abs=1e-6)


def test_a_longer_text_uses_the_discounts_of_the_formula():
    text = random_text(400)
    naive = NaiveNGrams(text.tolist(), 3)
    assert naive.discounts[2][1] != 0.5
    probabilities = count_ngrams(text, CLASSES, 3).probabilities(text[:40])
    assert probabilities == pytest.approx(
        [naive.probability(text[:i].tolist(), text[i]) for i in range(1, 40)], abs=1e-6
    )


@given(texts, orders, st.lists(st.integers(0, CLASSES - 1), max_size=5))
def test_probabilities_of_all_classes_sum_to_one_after_any_context(text, order, context):
    ngrams = count_ngrams(np.array(text), CLASSES, order)
    probabilities = [ngrams.probabilities(np.array([0, *context, c]))[-1] for c in range(CLASSES)]
    assert sum(probabilities) == pytest.approx(1, abs=1e-5) and min(probabilities) > 0


@given(texts, orders, st.lists(st.integers(0, CLASSES - 1), max_size=6))
def test_nodes_are_the_contexts_at_the_end_of_a_text(text, order, read):
    ngrams = count_ngrams(np.array(text), CLASSES, order)
    for level, node in enumerate(ngrams.nodes(np.array(read, np.uint8))):
        context = read[len(read) - level :]
        occurs = level <= len(read) and any(text[i : i + level] == context for i in range(len(text) - level + 1))
        assert (node >= 0) == (occurs and level < order)
        if node >= 0:
            begin, end = ngrams.starts[node : node + 2]
            following = {text[i + level] for i in range(len(text) - level) if text[i : i + level] == context}
            assert set(ngrams.followers[begin:end].tolist()) == following


def test_contexts_are_the_nodes_after_each_character():
    ngrams = count_ngrams(np.array([0, 1, 0, 2, 1, 0, 1, 1]), 4, 3)
    read = np.array([1, 0, 3, 1, 0, 2])
    contexts = ngrams.contexts(read)
    assert contexts.shape == (6, 3)
    for end in range(1, 7):
        assert contexts[end - 1].tolist() == ngrams.nodes(read[:end]).tolist()


@pytest.mark.parametrize(("ids", "classes"), [([], 3), ([0, 1, 3], 3)])
def test_empty_or_out_of_range_ids_are_rejected(ids, classes):
    with pytest.raises(ValueError, match=f"There are {len(ids)} ids"):
        count_ngrams(np.array(ids, np.uint8), classes, 2)


def test_only_the_end_of_a_long_text_is_counted(monkeypatch):
    text = random_text(300)
    monkeypatch.setattr(module, "MAX_CHARACTERS", 100)
    limited, expected = (count_ngrams(ids, CLASSES, 3) for ids in (text, text[-100:]))
    assert (limited.counts == expected.counts).all() and (limited.followers == expected.followers).all()


def test_order_is_lowered_when_there_are_too_many_edges(monkeypatch):
    text = random_text(300)
    sizes = [len(count_ngrams(text, CLASSES, order).counts) for order in (2, 3)]
    monkeypatch.setattr(module, "MAX_EDGES", sizes[1] - 1)
    limited = count_ngrams(text, CLASSES, 5)
    assert (limited.order, len(limited.counts)) == (2, sizes[0])
    assert limited.probabilities(text) == pytest.approx(count_ngrams(text, CLASSES, 2).probabilities(text))


@pytest.mark.parametrize("order", [1, 2, 4])
def test_adaptive_ngrams_start_with_the_probabilities_of_the_text(order):
    text, read = random_text(300), random_text(30, seed=6)
    ngrams = count_ngrams(text, CLASSES, order)
    adaptive = AdaptiveNGrams(ngrams)
    first = [adaptive.read(int(c)) for c in read[:2]][1]
    assert first == pytest.approx(ngrams.probabilities(read[:2])[0], rel=0.05)


@given(texts, orders, st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=40))
def test_adaptive_ngrams_match_a_naive_loop(text, order, read):
    naive = NaiveNGrams(text, order)
    adaptive = AdaptiveNGrams(count_ngrams(np.array(text, np.uint8), CLASSES, order))
    longest = min(order, len(text))
    for position, character in enumerate(read):
        before = read[max(0, position - longest + 1) : position]
        assert adaptive.read(character) == pytest.approx(naive.probability(before, character), abs=1e-6)
        for size in range(len(before), -1, -1):
            gram = (*before[len(before) - size :], character)
            is_known = gram in naive.counts
            naive.counts[gram] = naive.counts.get(gram, 0) + 1
            if is_known:
                break


def test_adaptive_ngrams_learn_a_repeated_text():
    adaptive = AdaptiveNGrams(count_ngrams(random_text(200), CLASSES, 4))
    probabilities = [adaptive.read(c) for c in [0, 3, 4, 2] * 20]
    assert np.mean(probabilities[-4:]) > 0.8 > 0.3 > np.mean(probabilities[:4])
