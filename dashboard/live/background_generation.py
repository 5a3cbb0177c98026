"""Writes one text at a time on a thread of its own. Knows services and characters, no widgets.

The thread appends, whoever shows the text reads up to `count`, which grows last.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from charrnn.core.errors import UnknownCharacters
from charrnn.core.generated_text import Alternative, GeneratedText, TextChunk
from charrnn.services import Services
from dashboard.live.session import explained


class Pen:
    """One text, being written or done.

    Args:
        services: Who writes.
        news: Called from the writing thread when there is more to show; returns at once.
    """

    def __init__(self, services: Services, news: Callable[[], None]):
        self._services, self._news = services, news
        self._stop = threading.Event()
        self.prompt = ""
        self.characters: list[str] = []
        self.nats: list[float] = []
        """Surprise of each character, in nats; empty for a text that was written earlier."""
        self.total_nats = 0.0
        """Sum of `nats`, so that nobody has to add up a long text each time it is drawn."""
        self.alternatives: list[tuple[Alternative, ...]] = []
        self.count = 0
        self.writing = False
        self.about = ""
        """Seed and step, once known."""
        self.error = ""
        self.unknown = ""
        """Characters of the prompt that the model never saw, when that is the error."""

    @property
    def text(self) -> str:
        """Prompt and what was written so far."""
        return self.prompt + "".join(self.characters)

    def write(self, model_id: str, options: Mapping[str, Any], checkpoint: str) -> None:
        """Begin to write; see `Writing.stream` for the arguments. One text at a time: stop the one before first."""
        self.writing = True
        threading.Thread(
            target=self._work, args=(model_id, dict(options), checkpoint), name="dashboard pen", daemon=True
        ).start()

    def show(self, text: str, about: str) -> None:
        """Take a text that was written earlier."""
        self.characters, self.count, self.about = list(text), len(text), about

    def stop(self) -> None:
        """End the text here."""
        self._stop.set()

    def _work(self, model_id: str, options: dict[str, Any], checkpoint: str) -> None:
        try:
            stream = self._services.writing.stream(model_id, options, checkpoint=checkpoint, alternatives=True)
            self.prompt = stream.prompt
            self.about = f"checkpoint of step {stream.checkpoint.step:,}, seed {stream.options['seed']}"
            self._news()
            for piece in stream:
                self._take(piece)
                if self._stop.is_set():
                    break
            if self.characters:
                written = GeneratedText(self.prompt, "".join(self.characters), tuple(-n for n in self.nats))
                self._services.writing.keep(stream, written)
        except UnknownCharacters as error:
            self.unknown = error.characters
            self.error = "The model never saw these characters of the prompt: " + " ".join(error.characters[:20])
        except Exception as error:
            self.error = explained(error)
        self.writing = False
        self._news()

    def _take(self, piece: TextChunk) -> None:
        self.characters += piece.text
        nats = [-value for value in piece.logprobs]
        self.nats += nats
        self.total_nats += sum(nats)
        self.alternatives += piece.alternatives
        self.count = len(self.characters)
        self._news()
