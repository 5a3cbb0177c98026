"""N-gram models against the formula, computed from strings with plain loops."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import charrnn.core.ngrams as module
from charrnn.core.adaptive_ngrams import Counting
from charrnn.core.ngrams import count_ngrams

CLASSES = 5


class Plain:
    """Interpolated modified Kneser-Ney, from tuples in dictionaries."""

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
        found = 1 / CLASSES
        for size in range(min(self.order, len(context) + 1)):
            own = context[len(context) - size :]
            followers = {g: c for g, c in self.counts.items() if len(g) == size + 1 and g[:-1] == own}
            if not followers:
                break
            total, discount = sum(followers.values()), self.discounts[size + 1]
            left = sum(discount[min(count, 3)] for count in followers.values())
            count = followers.get((*own, character), 0)
            found = found * left / total + max(count - discount[min(count, 3)], 0) / total
        return found


texts = st.lists(st.integers(0, CLASSES - 2), min_size=1, max_size=60)
orders = st.integers(1, 4)


def drawn(size, seed=5):
    return np.random.default_rng(seed).choice(CLASSES, size, p=[0.5, 0.3, 0.15, 0.05, 0])


@given(texts, orders, st.lists(st.integers(0, CLASSES - 1), min_size=2, max_size=12))
def test_probabilities_equal_the_formula(text, order, read):
    plain = Plain(text, order)
    found = count_ngrams(np.array(text, np.uint8), CLASSES, order).probabilities(np.array(read, np.uint16))
    assert found == pytest.approx([plain.probability(read[:i], read[i]) for i in range(1, len(read))], abs=1e-6)


def test_a_longer_text_uses_the_discounts_of_the_formula():
    text = drawn(400)
    plain = Plain(text.tolist(), 3)
    assert plain.discounts[2][1] != 0.5
    found = count_ngrams(text, CLASSES, 3).probabilities(text[:40])
    assert found == pytest.approx([plain.probability(text[:i].tolist(), text[i]) for i in range(1, 40)], abs=1e-6)


@given(texts, orders, st.lists(st.integers(0, CLASSES - 1), max_size=5))
def test_the_probabilities_of_all_classes_sum_to_one_after_any_context(text, order, context):
    ngrams = count_ngrams(np.array(text), CLASSES, order)
    found = [ngrams.probabilities(np.array([0, *context, c]))[-1] for c in range(CLASSES)]
    assert sum(found) == pytest.approx(1, abs=1e-5) and min(found) > 0


@given(texts, orders, st.lists(st.integers(0, CLASSES - 1), max_size=6))
def test_nodes_are_the_contexts_at_the_end_of_what_was_read(text, order, read):
    ngrams = count_ngrams(np.array(text), CLASSES, order)
    for level, node in enumerate(ngrams.nodes(np.array(read, np.uint8))):
        own = read[len(read) - level :]
        occurs = level <= len(read) and any(text[i : i + level] == own for i in range(len(text) - level + 1))
        assert (node >= 0) == (occurs and level < order)
        if node >= 0:
            begin, end = ngrams.starts[node : node + 2]
            following = {text[i + level] for i in range(len(text) - level) if text[i : i + level] == own}
            assert set(ngrams.followers[begin:end].tolist()) == following


@pytest.mark.parametrize(("ids", "classes"), [([], 3), ([0, 1, 3], 3)])
def test_ids_that_fit_no_class_are_refused(ids, classes):
    with pytest.raises(ValueError, match=f"These are {len(ids)} ids"):
        count_ngrams(np.array(ids, np.uint8), classes, 2)


def test_of_a_long_text_the_end_counts(monkeypatch):
    text = drawn(300)
    monkeypatch.setattr(module, "LONGEST", 100)
    bounded, cut = (count_ngrams(ids, CLASSES, 3) for ids in (text, text[-100:]))
    assert (bounded.counts == cut.counts).all() and (bounded.followers == cut.followers).all()


def test_of_a_text_with_too_many_edges_the_longest_contexts_are_left_out(monkeypatch):
    text = drawn(300)
    sizes = [len(count_ngrams(text, CLASSES, order).counts) for order in (2, 3)]
    monkeypatch.setattr(module, "MOST", sizes[1] - 1)
    bounded = count_ngrams(text, CLASSES, 5)
    assert (bounded.order, len(bounded.counts)) == (2, sizes[0])
    assert bounded.probabilities(text) == pytest.approx(count_ngrams(text, CLASSES, 2).probabilities(text))


@pytest.mark.parametrize("order", [1, 2, 4])
def test_counting_begins_with_the_probabilities_of_the_text(order):
    text, read = drawn(300), drawn(30, seed=6)
    ngrams = count_ngrams(text, CLASSES, order)
    counting = Counting(ngrams)
    first = [counting.read(int(c)) for c in read[:2]][1]
    assert first == pytest.approx(ngrams.probabilities(read[:2])[0], rel=0.05)


@given(texts, orders, st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=40))
def test_counting_equals_a_plain_loop_that_counts_longest_contexts_and_what_is_new(text, order, read):
    plain = Plain(text, order)
    counting = Counting(count_ngrams(np.array(text, np.uint8), CLASSES, order))
    longest = min(order, len(text))
    for place, character in enumerate(read):
        before = read[max(0, place - longest + 1) : place]
        assert counting.read(character) == pytest.approx(plain.probability(before, character), abs=1e-6)
        for size in range(len(before), -1, -1):
            gram = (*before[len(before) - size :], character)
            was_there = gram in plain.counts
            plain.counts[gram] = plain.counts.get(gram, 0) + 1
            if was_there:
                break


def test_counting_learns_what_repeats():
    counting = Counting(count_ngrams(drawn(200), CLASSES, 4))
    found = [counting.read(c) for c in [0, 3, 4, 2] * 20]
    assert np.mean(found[-4:]) > 0.8 > 0.3 > np.mean(found[:4])
