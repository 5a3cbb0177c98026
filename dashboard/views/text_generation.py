"""Generate a text and show it as it grows; the user can continue it from any character."""

import io
from collections.abc import Callable
from typing import Any

import panel as pn
import panel.ui as pui

from charrnn.core.formatting import copies_summary
from charrnn.services.text_copies import CopyReport
from dashboard.components.generated_text import GeneratedTextPane
from dashboard.escape import escaped
from dashboard.live.background_generation import BackgroundGeneration
from dashboard.live.session import Session
from dashboard.theme import SMALL, WIDE, markup
from dashboard.views.view import View


class _Outdated(Exception):
    """The text that is being searched is not shown any more."""


class TextGenerationView(View):
    """A generated text.

    Args:
        session: The session of the page.
        label: Name of the text for screen readers.
        branch: Called with the new prompt when the user has chosen an alternative of a character.
    """

    def __init__(self, session: Session, label: str, branch: Callable[[str], None]):
        super().__init__(session)
        self._continue_from = branch
        self._on_end: Callable[[], None] = lambda: None
        self.generation = BackgroundGeneration(session.services, self._on_change)
        self.pane = GeneratedTextPane(self._branch, label=label, **WIDE)
        self.status = markup()
        self.copies = markup()
        self._model_id = ""
        self._searched: BackgroundGeneration | None = None
        self.download = pui.FileDownload(
            callback=lambda: io.BytesIO(self.generation.text.encode()),
            filename="text.txt",
            label="Download",
            variant="text",
            **SMALL,
        )
        self.layout = pn.Column(
            self.pane,
            pn.FlexBox(self.download, self.status, align_items="center", gap="4px 12px", margin=(4, 0)),
            self.copies,
            margin=0,
            styles={"flex": "1 1 320px", "min-width": "0"},
        )
        session.on_disconnect(lambda: self.generation.stop())

    def generate(self, model_id: str, options: dict[str, Any], checkpoint: str, on_end: Callable[[], None]) -> None:
        """Stop generating the current text, and start a new one; call `on_end` when it is complete or stopped."""
        self._replace()
        self._on_end, self._model_id = on_end, model_id
        self.generation.start(model_id, options, checkpoint)
        self.update()

    def load(self, text: str, description: str) -> None:
        """Show a stored text of the page's model."""
        self._replace()
        self._model_id = self.session.model_id
        self.generation.load(text, description)
        self.update()

    def _replace(self) -> None:
        self.generation.stop()
        self.generation = BackgroundGeneration(self.session.services, self._on_change)
        self.copies.object = ""

    def update(self) -> None:
        """Show new characters."""
        text = self.generation
        state = (text, text.count, text.is_running, text.description, text.error)
        self.if_changed(state, lambda: self._draw(text))
        if not text.is_running:
            on_end, self._on_end = self._on_end, lambda: None
            on_end()
            self._find_copies(text)

    def _find_copies(self, text: BackgroundGeneration) -> None:
        """Search the training text for copies, on a background thread; once for each text."""
        if text is self._searched or not text.count:
            return
        self._searched = text
        model_id, characters, find = self._model_id, "".join(text.characters), self.session.services.copies.find

        def check(fraction: float) -> None:
            if self.session.closing.is_set() or text is not self.generation:
                raise _Outdated

        def show(report: CopyReport) -> None:
            if text is self.generation:
                self.pane.mark_copies(report.stretches)
                self._describe(copies_summary(report.share, report.min_length, report.unseen_share))

        def fail(message: str) -> None:
            if text is self.generation:
                self._describe(message)

        self._describe("Searching your text for copies …")
        self.session.run(lambda: find(model_id, characters, progress=check), show, fail)

    def _describe(self, copies: str) -> None:
        self.copies.object = f'<p class="soft small" role="status">{escaped(copies)}</p>'

    def _draw(self, text: BackgroundGeneration) -> None:
        self.pane.show(text)
        mean = f", {text.total_nats / text.count:.2f} nats per character on average" if text.nats else ""
        count = f"{text.count:,} characters{mean}" if text.count else ""
        facts = ", ".join(part for part in (count, text.description) if part)
        prefix = "Generating … " if text.is_running else ""
        self.status.object = f'<p class="soft small" role="status">{escaped(text.error or prefix + facts)}</p>'

    def _on_change(self) -> None:
        if self.session.closing.is_set():
            self.generation.stop()
        else:
            self.session.wake()

    def _branch(self, index: int, choice: int) -> None:
        """Continue with an alternative of a character; both are indices, since the page shows symbols for some."""
        text = self.generation
        if index >= len(text.alternatives) or choice >= len(text.alternatives[index]):
            return  # the text was replaced meanwhile
        character = text.alternatives[index][choice].character
        self._continue_from(text.prompt + "".join(text.characters[:index]) + character)
