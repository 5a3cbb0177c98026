"""Search all units of a network for those that follow features of a text.

A unit is chosen on one half of the text and measured on the other, and compared with the best unit that a search over
as many units finds by chance.

    U  units     N  positions: R stretches of text of equal length, one after another
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from charrnn.core.insight.association import (
    Array,
    Floats,
    centered_ranks,
    score,
    score_among_equal_characters,
    scores,
    weights,
)
from charrnn.core.insight.chance_level import shifted, shifts
from charrnn.core.insight.episodes import MIN_EPISODES, count_episodes
from charrnn.core.insight.linear_probe import predictions

BLOCK = 128
"""Units whose ranks are in memory at the same time."""
MAX_PROBED = 1024
"""Maximum number of units of a linear probe; of a larger network, those that follow the features most closely."""
TRACKS = 0.5
"""Minimum score (AUC 0.75, or ρ 0.5) to say that a unit tracks a feature."""
MORE_THAN_CHARACTER = 0.2
"""Minimum score among equal characters; below, the unit follows the character itself."""
CHANCE_QUANTILE = 0.95
SPREAD = 0.05
"""Difference of scores from which on a linear probe is better than the best unit."""
NUM_CLOSEST = 10


class Verdict(StrEnum):
    """What the search found for a feature."""

    TRACKS = "tracks"
    CHARACTER = "character"
    """The unit follows the feature no more closely than the current character does."""
    NOT_FOUND = "not found"
    TOO_FEW = "too few"


@dataclass(frozen=True)
class Candidate:
    """A feature to search for."""

    values: Array
    """Shape `(N,)`, bool or float."""

    @property
    def graded(self) -> bool:
        """Whether the values are numbers."""
        return self.values.dtype != bool


@dataclass(frozen=True)
class Match:
    """The unit that follows a feature most closely. Scores are `2 · AUC - 1` or ρ, from -1 to 1."""

    verdict: Verdict
    episodes: tuple[int, int]
    """Number of episodes in the half that the unit was chosen on, and in the other."""
    unit: int | None = None
    """Index of the unit."""
    chosen_score: float = 0.0
    """On the half of the text that it was chosen on."""
    score: float = 0.0
    """On the other half."""
    score_among_equal_characters: float | None = None
    """On the other half; `None` if the character alone decides the feature."""
    chance: float = 0.0
    """Median of the best scores of all units by chance, without sign."""
    largest_chance: float = 0.0
    probe_score: float = 0.0
    """Score of a linear probe of all units on the other half."""
    closest: tuple[int, ...] = field(default=())
    """The units with the largest scores on the first half, without sign, in order."""

    @property
    def is_spread(self) -> bool:
        """Whether all units together follow the feature better than the best one."""
        return self.probe_score > abs(self.score) + SPREAD


def search(
    states: Floats,
    stretches: int,
    characters: Array,
    candidates: Sequence[Candidate],
    progress: Callable[[float], None] = lambda done: None,
) -> list[Match]:
    """Search for units that follow features.

    Args:
        states: Activations, shape `(U, N)`.
        stretches: R; units are chosen on every other stretch.
        characters: The character at each position, as numbers, shape `(N,)`.
        candidates: The features.
        progress: Called with the completed fraction.

    Returns:
        One match per candidate.
    """
    is_second = np.repeat(np.arange(stretches) % 2 == 1, states.shape[1] // stretches)
    halves = ~is_second, is_second
    counts = [_episodes(candidate, halves, stretches) for candidate in candidates]
    searched = [index for index, count in enumerate(counts) if min(count) >= MIN_EPISODES]
    matches = [Match(Verdict.TOO_FEW, count) for count in counts]
    if not searched:
        return matches
    features = [candidates[index].values for index in searched]
    chosen, chance = _choose(states, halves[0], features, progress)
    probes = _probe(states, halves, features, np.abs(chosen).max(0))
    for row, index in enumerate(searched):
        best = np.argsort(-np.abs(chosen[row]), kind="stable")[:NUM_CLOSEST]
        values, feature = states[best[0]][is_second], features[row][is_second]
        among = score_among_equal_characters(values, feature, characters[is_second])
        tested = score(values, feature)
        matches[index] = Match(
            _verdict(float(chosen[row, best[0]]), tested, among, chance[row]),
            counts[index],
            int(best[0]),
            float(chosen[row, best[0]]),
            tested,
            among,
            float(np.median(chance[row])),
            float(chance[row].max()),
            probes[row],
            tuple(int(unit) for unit in best),
        )
    return matches


def _episodes(candidate: Candidate, halves: tuple[npt.NDArray[np.bool_], ...], stretches: int) -> tuple[int, int]:
    """Count episodes in both halves, which have about as many stretches."""
    first, second = ((stretches + 1) // 2, stretches // 2)
    return (
        count_episodes(candidate.values[halves[0]], first),
        count_episodes(candidate.values[halves[1]], max(second, 1)),
    )


def _choose(
    states: Floats, half: npt.NDArray[np.bool_], features: list[Array], progress: Callable[[float], None]
) -> tuple[Floats, Floats]:
    """Return the scores of all units, `(F, U)`, and the largest ones under each shift, `(F, shifts)`."""
    by = shifts(int(half.sum()))
    rows = [weights(feature[half]) for feature in features]
    moved = [shifted(row, by) for row in rows]
    found = np.zeros((len(features), len(states)), np.float32)
    chance = np.zeros((len(features), len(by)), np.float32)
    for start in range(0, len(states), BLOCK):
        ranks = centered_ranks(states[start : start + BLOCK, half])
        for number, feature in enumerate(features):
            graded = feature.dtype != bool
            found[number, start : start + BLOCK] = scores(rows[number][None], ranks, graded=graded)[0]
            largest = np.abs(scores(moved[number], ranks, graded=graded)).max(1)
            chance[number] = np.maximum(chance[number], largest)
        progress(min(1.0, (start + BLOCK) / len(states)))
    return found, chance


def _probe(
    states: Floats, halves: tuple[npt.NDArray[np.bool_], ...], features: list[Array], closeness: Floats
) -> list[float]:
    probed = np.sort(np.argsort(-closeness, kind="stable")[:MAX_PROBED])
    units = states[probed]
    targets = np.stack([centered_ranks(feature[None])[0] if feature.dtype != bool else feature for feature in features])
    predicted = predictions(units[:, halves[0]], targets[:, halves[0]], units[:, halves[1]])
    return [score(row, feature[halves[1]]) for row, feature in zip(predicted, features, strict=True)]


def _verdict(chosen: float, tested: float, among: float | None, chance: Floats) -> Verdict:
    same_sign = chosen * tested > 0
    if not same_sign or abs(tested) < max(TRACKS, float(np.quantile(chance, CHANCE_QUANTILE))):
        return Verdict.NOT_FOUND
    is_more = among is not None and among * tested > 0 and abs(among) >= MORE_THAN_CHARACTER
    return Verdict.TRACKS if is_more else Verdict.CHARACTER
