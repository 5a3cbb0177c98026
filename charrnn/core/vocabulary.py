"""Map characters to ids and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from charrnn.core.character_fallbacks import fallbacks
from charrnn.core.codepoints import code_points
from charrnn.core.errors import UnknownCharacters

Ids = npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class Vocabulary:
    """The characters of a model; a character's id is its position. Equal vocabularies have equal hashes.

    Args:
        characters: At least one character, each once.

    Raises:
        ValueError: There are no characters, or one occurs twice.
    """

    characters: str

    def __post_init__(self) -> None:
        if not isinstance(self.characters, str) or not self.characters:
            raise ValueError(f"A vocabulary must be a string of at least one character, not {self.characters!r}.")
        if len(set(self.characters)) != len(self.characters):
            raise ValueError("A vocabulary must contain each character once; this one contains duplicates.")

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], max_vocab: int) -> "Vocabulary":
        """Create a vocabulary of the most frequent characters; ties are broken by the lower code point.

        Args:
            counts: The number of occurrences of each character.
            max_vocab: Maximum size, at least 1.

        Raises:
            ValueError: The vocabulary would be empty.
        """
        ranked = sorted(counts, key=lambda character: (-counts[character], character))
        return cls("".join(ranked[: max(max_vocab, 0)]))

    @classmethod
    def from_json(cls, characters: list[str]) -> "Vocabulary":
        """Create a vocabulary from the output of `to_json`.

        Raises:
            ValueError: `characters` is not a list of single characters, each once.
        """
        if not isinstance(characters, list) or not all(isinstance(c, str) and len(c) == 1 for c in characters):
            raise ValueError("A stored vocabulary must be a list of single characters.")
        return cls("".join(characters))

    def to_json(self) -> list[str]:
        """Return the characters in the order of their ids."""
        return list(self.characters)

    def __len__(self) -> int:
        """Number of characters; a network has one more class, for unknown characters."""
        return len(self.characters)

    @property
    def unknown_id(self) -> int:
        """The id of all characters that are not in the vocabulary."""
        return len(self.characters)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest unsigned integer type that can hold all ids."""
        return np.dtype(np.min_scalar_type(self.unknown_id))

    def encode(self, text: str) -> Ids:
        """Return the id of each character, shape `(len(text),)`; unknown characters have `unknown_id`."""
        return self._id_by_code_point.take(code_points(text), mode="clip")

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the characters with the given ids.

        Args:
            ids: Shape `(N,)`, each in `0 … len(self) - 1`.

        Raises:
            ValueError: An id is out of range, such as `unknown_id`, which has no character.
        """
        array = np.asarray(ids, np.int64)
        wrong = array[(array < 0) | (array >= len(self))]
        if wrong.size:
            raise ValueError(f"Unknown character id {wrong[0]}; ids must be between 0 and {len(self) - 1}.")
        return self._code_point_by_id[array].tobytes().decode("utf-32-le")

    def normalize_prompt(self, text: str, *, unknown: Literal["refuse", "drop", "replace"] = "refuse") -> str:
        """Return the text with only characters of this vocabulary.

        Args:
            text: The prompt as entered.
            unknown: How to treat unknown characters: `refuse` raises, `drop` removes them, `replace` substitutes the
                closest known ones (without accent, other case, plain quotes), else a space, else nothing.

        Raises:
            UnknownCharacters: The text has unknown characters and `unknown` is `refuse`.
            ValueError: `unknown` is invalid.
        """
        if unknown not in ("refuse", "drop", "replace"):
            raise ValueError(f"unknown must be 'refuse', 'drop' or 'replace', not {unknown!r}.")
        missing = dict.fromkeys(character for character in text if character not in self._known)
        if missing and unknown == "refuse":
            raise UnknownCharacters("".join(missing), len(self))
        return text.translate({ord(c): self._closest(c) if unknown == "replace" else "" for c in missing})

    def _closest(self, character: str) -> str:
        for substitute in (*fallbacks(character), " "):
            if substitute and self._known.issuperset(substitute):
                return substitute
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
        # One entry beyond the highest code point: `take` with mode="clip" maps all higher ones to this last entry.
        table = np.full(int(points.max()) + 2, self.unknown_id, self.dtype)
        table[points] = np.arange(len(points))
        return table
