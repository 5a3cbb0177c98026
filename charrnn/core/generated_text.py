"""What a network writes, piece by piece. Knows characters and probabilities, never networks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Alternative:
    """A character that could have been written, and the natural logarithm of its probability."""

    character: str
    logprob: float


@dataclass(frozen=True)
class Piece:
    """Some characters of one text, in the order they were written.

    `logprobs` holds for each character the natural logarithm of its probability under the model, at temperature 1 and
    before any restriction; minus that is the surprise in nats. `alternatives` holds for each character the likeliest
    ones, likeliest first, and is empty unless asked for.
    """

    sample: int
    text: str
    logprobs: tuple[float, ...]
    alternatives: tuple[tuple[Alternative, ...], ...] = ()


@dataclass(frozen=True)
class Written:
    """One whole text: the prompt as the network read it, and what was written after it."""

    prompt: str
    text: str
    logprobs: tuple[float, ...]
    alternatives: tuple[tuple[Alternative, ...], ...] = ()


def join(prompt: str, pieces: list[Piece], num_samples: int) -> list[Written]:
    """Put pieces together to `num_samples` whole texts."""
    texts = []
    for sample in range(num_samples):
        own = [piece for piece in pieces if piece.sample == sample]
        texts.append(
            Written(
                prompt,
                "".join(piece.text for piece in own),
                tuple(value for piece in own for value in piece.logprobs),
                tuple(choices for piece in own for choices in piece.alternatives),
            )
        )
    return texts
