"""Characters and their ids. Knows neither files nor networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from charrnn.core.character_fallbacks import lookalikes
from charrnn.core.codepoints import code_points
from charrnn.core.errors import UnknownCharacters

Ids = npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class Vocabulary:
    """The characters that a model knows; the id of a character is its place. Equal ones hash equal.

    Args:
        characters: At least one, each once.

    Raises:
        ValueError: There is none, or one twice.
    """

    characters: str

    def __post_init__(self) -> None:
        if not isinstance(self.characters, str) or not self.characters:
            raise ValueError(f"A vocabulary needs a string of at least one character, not {self.characters!r}.")
        if len(set(self.characters)) != len(self.characters):
            raise ValueError("A vocabulary holds each character once; this one has some twice.")

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], max_vocab: int) -> "Vocabulary":
        """Take the most frequent characters; among equally frequent ones the lower code point comes first.

        Args:
            counts: How often each character occurs.
            max_vocab: How many to keep, at least 1.

        Raises:
            ValueError: Nothing would be kept.
        """
        ranked = sorted(counts, key=lambda character: (-counts[character], character))
        return cls("".join(ranked[: max(max_vocab, 0)]))

    @classmethod
    def from_json(cls, characters: list[str]) -> "Vocabulary":
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is not a list of single characters, each once.
        """
        if not isinstance(characters, list) or not all(isinstance(c, str) and len(c) == 1 for c in characters):
            raise ValueError("A vocabulary is stored as a list of single characters; this is something else.")
        return cls("".join(characters))

    def to_json(self) -> list[str]:
        """Return the characters in the order of their ids."""
        return list(self.characters)

    def __len__(self) -> int:
        """Number of characters; a network has one class more, for all others."""
        return len(self.characters)

    @property
    def unknown_id(self) -> int:
        """Id of every character that is not in the vocabulary."""
        return len(self.characters)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest unsigned type that holds all ids."""
        return np.dtype(np.min_scalar_type(self.unknown_id))

    def encode(self, text: str) -> Ids:
        """Return the id of each character, shape `(len(text),)`; unknown ones have `unknown_id`."""
        return self._id_by_code_point.take(code_points(text), mode="clip")

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the characters of ids.

        Args:
            ids: Shape `(N,)`, each in `0 … len(self) - 1`.

        Raises:
            ValueError: There is no character of such an id; `unknown_id` has none either.
        """
        array = np.asarray(ids, np.int64)
        wrong = array[(array < 0) | (array >= len(self))]
        if wrong.size:
            raise ValueError(f"No character has the id {wrong[0]}; the known ids are 0 … {len(self) - 1}.")
        return self._code_point_by_id[array].tobytes().decode("utf-32-le")

    def prompt(self, text: str, *, unknown: Literal["refuse", "drop", "replace"] = "refuse") -> str:
        """Return the text as this vocabulary can spell it.

        Args:
            text: What a user typed.
            unknown: What happens to unknown characters. `refuse` raises, `drop` leaves them out, `replace` takes the
                closest known ones (without accent, other case, plain quotes), else a space, else nothing.

        Raises:
            UnknownCharacters: There are some, and `unknown` is `refuse`.
            ValueError: `unknown` is none of the three.
        """
        if unknown not in ("refuse", "drop", "replace"):
            raise ValueError(f"unknown is 'refuse', 'drop' or 'replace', not {unknown!r}.")
        strangers = dict.fromkeys(character for character in text if character not in self._known)
        if strangers and unknown == "refuse":
            raise UnknownCharacters("".join(strangers), len(self))
        return text.translate({ord(c): self._closest(c) if unknown == "replace" else "" for c in strangers})

    def _closest(self, character: str) -> str:
        for likely in (*lookalikes(character), " "):
            if likely and self._known.issuperset(likely):
                return likely
        return ""

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.characters)

    @cached_property
    def _code_point_by_id(self) -> npt.NDArray[np.uint32]:
        return code_points(self.characters).astype("<u4")

    @cached_property
    def _id_by_code_point(self) -> Ids:
        points = self._code_point_by_id
        # One entry more than the highest point: `take` with mode="clip" sends all that lies above to that last one.
        table = np.full(int(points.max()) + 2, self.unknown_id, self.dtype)
        table[points] = np.arange(len(points))
        return table
