"""Generate a text on a background thread.

The thread appends characters, and updates `count` last, so that others can read that many without a lock.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from charrnn.core.errors import UnknownCharacters
from charrnn.core.generated_text import Alternative, GeneratedText, TextChunk
from charrnn.services import Services
from dashboard.live.session import error_message


class BackgroundGeneration:
    """A text that is generated, or was loaded.

    Args:
        services: Services that generate and store texts.
        on_change: Called from the background thread after each change; must not block.
    """

    def __init__(self, services: Services, on_change: Callable[[], None]):
        self._services, self._on_change = services, on_change
        self._stop = threading.Event()
        self.prompt = ""
        self.characters: list[str] = []
        self.nats: list[float] = []
        """Surprise of each character, in nats; empty for a loaded text."""
        self.total_nats = 0.0
        """Sum of `nats`, which is kept so that it is not recomputed for each chunk of a long text."""
        self.alternatives: list[tuple[Alternative, ...]] = []
        self.count = 0
        self.is_running = False
        self.description = ""
        """Step and seed, as soon as they are known."""
        self.error = ""
        self.unknown_characters = ""
        """Characters of the prompt that are not in the model's vocabulary, if they caused the error."""

    @property
    def text(self) -> str:
        """Prompt and generated characters."""
        return self.prompt + "".join(self.characters)

    def start(self, model_id: str, options: Mapping[str, Any], checkpoint: str) -> None:
        """Start generating, once per object; see `services.writing.stream` for the arguments."""
        self.is_running = True
        threading.Thread(
            target=self._run, args=(model_id, dict(options), checkpoint), name="dashboard generation", daemon=True
        ).start()

    def load(self, text: str, description: str) -> None:
        """Load a stored text."""
        self.characters, self.count, self.description = list(text), len(text), description

    def stop(self) -> None:
        """Stop generating; the text so far is stored."""
        self._stop.set()

    def _run(self, model_id: str, options: dict[str, Any], checkpoint: str) -> None:
        try:
            stream = self._services.writing.stream(model_id, options, checkpoint=checkpoint, alternatives=True)
            self.prompt = stream.prompt
            self.description = f"checkpoint of step {stream.checkpoint.step:,}, seed {stream.options['seed']}"
            self._on_change()
            for chunk in stream:
                self._append(chunk)
                if self._stop.is_set():
                    break
            if self.characters:
                written = GeneratedText(self.prompt, "".join(self.characters), tuple(-n for n in self.nats))
                self._services.writing.keep(stream, written)
        except UnknownCharacters as error:
            self.unknown_characters = error.characters
            self.error = "The model can't read these characters of the prompt: " + " ".join(error.characters[:20])
        except Exception as error:
            self.error = error_message(error)
        self.is_running = False
        self._on_change()

    def _append(self, chunk: TextChunk) -> None:
        self.characters += chunk.text
        nats = [-value for value in chunk.logprobs]
        self.nats += nats
        self.total_nats += sum(nats)
        self.alternatives += chunk.alternatives
        self.count = len(self.characters)
        self._on_change()
