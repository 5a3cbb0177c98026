"""Show generated text: characters colored by surprise, each with a menu of its alternatives."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from charrnn.services.text_copies import CopiedStretch
from dashboard.escape import printable
from dashboard.live.background_generation import BackgroundGeneration


class GeneratedTextPane(JSComponent):
    """A pane that shows a text while it is generated.

    Args:
        branch: Called with the index of a character, and the index of the alternative that the user chose for it.
        params: Parameters of the component.
    """

    label = param.String(default="Generated text")
    colored = param.Boolean(default=True)

    _esm = Path(__file__).with_suffix(".js")
    _stylesheets = [Path(__file__).with_suffix(".css").read_text("utf-8")]

    def __init__(self, branch: Callable[[int, int], None], **params: Any):
        super().__init__(**params)
        self._branch = branch
        self._generation: BackgroundGeneration | None = None
        self._num_sent = 0
        self._copies: tuple[CopiedStretch, ...] = ()

    def show(self, generation: BackgroundGeneration) -> None:
        """Show a text, or append the characters that were added to it since the last call."""
        if generation is not self._generation:
            self._generation, self._num_sent, self._copies = generation, -1, ()
        count = generation.count
        if self._num_sent < 0 or (self._num_sent == 0 and count):
            start = {"type": "start", "prompt": printable(generation.prompt)}
            self._send_msg(start | _characters(generation, 0, count))
        elif count > self._num_sent:
            self._send_msg({"type": "append", **_characters(generation, self._num_sent, count)})
        self._num_sent = count

    def mark_copies(self, stretches: tuple[CopiedStretch, ...]) -> None:
        """Underline the stretches of the shown text that are copied, and offer their sources.

        Args:
            stretches: Their starts are positions among the generated characters.
        """
        self._copies = stretches
        self._send_msg({"type": "copies", "copies": [_copy(stretch) for stretch in stretches]})

    def _handle_msg(self, message: Any) -> None:
        if message["type"] == "drawn" and self._generation is not None:
            generation, self._generation, copies = self._generation, None, self._copies
            self.show(generation)
            if copies:
                self.mark_copies(copies)
        elif message["type"] == "branch":
            self._branch(int(message["index"]), int(message["choice"]))


def _characters(generation: BackgroundGeneration, start: int, end: int) -> dict[str, Any]:
    return {
        "characters": [printable(character) for character in generation.characters[start:end]],
        "nats": [round(value, 3) for value in generation.nats[start:end]],
        "alternatives": [
            [[printable(choice.character), round(math.exp(choice.logprob), 4)] for choice in choices]
            for choices in generation.alternatives[start:end]
        ],
    }


def _copy(stretch: CopiedStretch) -> dict[str, Any]:
    return {
        "start": stretch.start,
        "length": stretch.length,
        "line": stretch.line,
        "source": [printable(part) for part in (stretch.before, stretch.text, stretch.after)],
    }
