"""The text: bring one in, see what it is like, mend it."""

import panel as pn
import panel.ui as pui

from charrnn.core.report import TextReport
from charrnn.services.examples import examples
from dashboard.escape import escaped
from dashboard.session import Session
from dashboard.theme import markup


class TextView(pn.viewable.Viewer):
    """Take an example."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._examples = [
            pui.Button(
                label=example.title,
                disabled=bool(example.missing),
                variant="outlined",
                on_click=lambda event, name=example.name: self._take(name),
            )
            for example in examples()
        ]
        self._report = markup('<div class="empty"><h2>Begin with a text</h2>Take an example, or bring your own.</div>')
        self._next = pui.Button(label="Choose options", on_click=lambda event: self._go(), visible=False)
        self._layout = pn.Column(
            pn.FlexBox(*self._examples), self._report, self._next, sizing_mode="stretch_width", margin=(16, 0)
        )

    def _take(self, name: str) -> None:
        self._report.object = '<p class="soft">Reading …</p>'
        self._session.run(lambda: self._session.services.corpora.add_example(name), self._took, self._session.complain)

    def _took(self, found: tuple) -> None:
        corpus, report = found
        self._session.report = report
        self._session.corpus_id = corpus.id
        self._show(report)

    def _show(self, report: TextReport) -> None:
        self._report.object = f"<pre>{escaped(chr(10).join(report.first_lines))}</pre>"
        self._next.visible = True

    def _go(self) -> None:
        self._session.tab = "options"

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
