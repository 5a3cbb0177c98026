"""Represent generated text: characters with their log-probabilities and alternatives."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Alternative:
    """A character that could have been generated, with its log-probability."""

    character: str
    logprob: float


@dataclass(frozen=True)
class TextChunk:
    """Consecutive characters of one generated text.

    `logprobs` holds each character's log-probability (natural logarithm) under the model, at temperature 1 and before
    any filtering such as top-k; its negation is the surprise in nats. `alternatives` holds the most likely characters
    at each position, most likely first; it is empty unless requested.
    """

    sample: int
    text: str
    logprobs: tuple[float, ...]
    alternatives: tuple[tuple[Alternative, ...], ...] = ()


@dataclass(frozen=True)
class GeneratedText:
    """One generated text: the prompt as the network read it, and the characters generated after it."""

    prompt: str
    text: str
    logprobs: tuple[float, ...]
    alternatives: tuple[tuple[Alternative, ...], ...] = ()


def join_chunks(prompt: str, chunks: list[TextChunk], num_samples: int) -> list[GeneratedText]:
    """Join the chunks of each sample; returns `num_samples` texts."""
    texts = []
    for sample in range(num_samples):
        own = [chunk for chunk in chunks if chunk.sample == sample]
        texts.append(
            GeneratedText(
                prompt,
                "".join(chunk.text for chunk in own),
                tuple(value for chunk in own for value in chunk.logprobs),
                tuple(choices for chunk in own for choices in chunk.alternatives),
            )
        )
    return texts
