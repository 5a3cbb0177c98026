"""Describe what was found inside a network, as records, sentences and JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.core.insight.episodes import MIN_EPISODES
from charrnn.core.insight.text_features import Feature
from charrnn.core.insight.unit import Unit
from charrnn.core.insight.unit_search import SPREAD, Match, Verdict

STANDARD_ERRORS = 2.0
"""An effect is measurable if it exceeds this many standard errors."""


@dataclass(frozen=True)
class Effect:
    """What changes when a unit is held at the value that it typically has while the feature is off."""

    value: float
    """The value it is held at: its median while the feature is off, or its median if the feature is graded."""
    num_cases: int
    """Number of episodes that end in the text that the unit was not chosen on."""
    probability: float
    """Mean probability of the character after the end of an episode, with the unit free."""
    held_probability: float
    nats: float
    """Mean increase of the loss of that character, in nats."""
    standard_error: float
    """Standard error of `nats`."""
    other_nats: float
    """Mean increase of the loss of all other characters, in nats."""
    other_standard_error: float
    """Standard error of `other_nats`, from the means of the stretches of text."""

    @property
    def is_measurable(self) -> bool:
        """Whether the loss changes by more than chance explains, at the ends of episodes or elsewhere."""
        at_ends = abs(self.nats) > STANDARD_ERRORS * self.standard_error
        return at_ends or abs(self.other_nats) > STANDARD_ERRORS * self.other_standard_error

    def sentence(self) -> str:
        """Return the effect as a sentence."""
        change = (
            f"the probability of the character after an end changes from {self.probability:.2f} to "
            f"{self.held_probability:.2f} ({self.num_cases} cases), and the loss of other characters by "
            f"{self.other_nats:+.3f} nats"
        )
        conclusion = "" if self.is_measurable else " That is no measurable effect: the network may not use this unit."
        return f"Held at {self.value:.2f}, {change}.{conclusion}"


@dataclass(frozen=True)
class Finding:
    """The unit that follows a feature most closely."""

    feature: str
    """Key of the feature, or `regex:` and the expression."""
    title: str
    episodes: str
    """What the episodes of the feature are, in the plural."""
    measure: str
    """`AUC` for yes/no features, `ρ` for graded ones."""
    verdict: Verdict
    num_episodes: tuple[int, int]
    """Number of episodes in the half that the unit was chosen on, and in the other."""
    num_units: int
    unit: Unit | None = None
    is_negative: bool = False
    """Whether the unit is low where the feature is on; its AUC is that of the negated unit."""
    chosen: float = 0.0
    """AUC or ρ on the half that the unit was chosen on."""
    tested: float = 0.0
    """AUC or ρ on the other half."""
    same_character: float | None = None
    """AUC or ρ on the other half among positions with the same character; `None` if the character decides the
    feature."""
    chance: float = 0.0
    """Median of the best AUC or |ρ| of all units by chance."""
    largest_chance: float = 0.0
    probe: float = 0.0
    """AUC or ρ of a linear probe of all units, on the other half."""
    closest: tuple[Unit, ...] = ()
    """The units that follow the feature most closely, best first."""
    effect: Effect | None = None
    """The measured effect of holding the unit; only if it tracks the feature."""

    def sentence(self) -> str:
        """Return the finding as a sentence."""
        if self.verdict is Verdict.TOO_FEW or self.unit is None:
            first, second = self.num_episodes
            return (
                f"Too few {self.episodes} to tell: {first} and {second} in the halves of the text; {MIN_EPISODES} in "
                f"each are needed."
            )
        figure = f"{self.measure} {self.tested:.3f} on text it was not selected on"
        chance = f"best of {self.num_units:,} by chance: {self.chance:.2f}"
        if self.verdict is Verdict.TRACKS:
            return f"{self.unit.title} tracks {self.title}: {figure}; {chance}."
        if self.verdict is Verdict.CHARACTER:
            return (
                f"{self.unit.title} follows {self.title} ({figure}; {chance}), but no more closely than the current "
                f"character does."
            )
        return f"No unit tracks {self.title}: the best, {self.unit.title.lower()}, has {figure}; {chance}."

    def details(self) -> list[str]:
        """Return what is known beyond the sentence: among equal characters, one unit or many, and the effect."""
        if self.verdict is not Verdict.TRACKS:
            return []
        lines = []
        if self.same_character is not None:
            lines.append(f"Among equal characters: {self.measure} {self.same_character:.3f}.")
        gap = SPREAD / 2 if self.measure == "AUC" else SPREAD
        spread = self.probe > abs(self.tested) + gap
        carrier = "many units together know it better than one" if spread else "one unit carries it"
        lines.append(f"Linear probe of all units: {self.measure} {self.probe:.3f}; {carrier}.")
        if self.effect is not None:
            lines.append(self.effect.sentence())
        return lines

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, from which `from_json` restores the finding."""
        values = asdict(self) | {"unit": None if self.unit is None else str(self.unit)}
        return values | {"closest": [str(unit) for unit in self.closest], "num_episodes": list(self.num_episodes)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Finding":
        """Restore a finding."""
        return cls(
            **{
                **values,
                "verdict": Verdict(values["verdict"]),
                "num_episodes": tuple(values["num_episodes"]),
                "unit": None if values["unit"] is None else Unit.parse(values["unit"]),
                "closest": tuple(map(Unit.parse, values["closest"])),
                "effect": None if values["effect"] is None else Effect(**values["effect"]),
            }
        )


def finding(feature: Feature, match: Match, units: list[Unit]) -> Finding:
    """Return the record of a match.

    Args:
        feature: The feature.
        match: The unit that follows it.
        units: All units of the network.
    """
    about: dict[str, Any] = {
        "feature": feature.key,
        "title": feature.title,
        "episodes": feature.episodes,
        "measure": "ρ" if feature.graded else "AUC",
        "verdict": match.verdict,
        "num_episodes": match.episodes,
        "num_units": len(units),
    }
    if match.unit is None:
        return Finding(**about)
    is_negative = match.chosen_score < 0
    sign = -1 if is_negative and not feature.graded else 1

    def shown(score: float) -> float:
        return score if feature.graded else (1 + score) / 2

    among = match.score_among_equal_characters
    return Finding(
        **about,
        unit=units[match.unit],
        is_negative=is_negative,
        chosen=shown(sign * match.chosen_score),
        tested=shown(sign * match.score),
        same_character=None if among is None else shown(sign * among),
        chance=shown(match.chance),
        largest_chance=shown(match.largest_chance),
        probe=shown(match.probe_score),
        closest=tuple(units[index] for index in match.closest),
    )


@dataclass(frozen=True)
class Activations:
    """The activation of one unit after each character of a text."""

    unit: Unit
    text: str
    values: npt.NDArray[np.float32]
    """Shape `(len(text),)`."""

    def scaled(self) -> npt.NDArray[np.float32]:
        """Return the activations for coloring: 0 is the median, ±1 the largest deviation of 96 % of the characters.

        Activations of some cells have no bounds, so their extremes say nothing.
        """
        if not len(self.values):
            return self.values
        deviations = self.values - np.median(self.values)
        scale = float(np.quantile(np.abs(deviations), 0.96)) or float(np.abs(deviations).max()) or 1.0
        result: npt.NDArray[np.float32] = (deviations / scale).astype(np.float32)
        return result
