"""All models."""

import panel as pn

from charrnn.core import figures
from dashboard.escape import escaped
from dashboard.session import Session
from dashboard.theme import markup


class LibraryView(pn.viewable.Viewer):
    """The list of models."""

    def __init__(self, session: Session):
        super().__init__()
        self._session, self._seen = session, -1
        self._list = markup()
        self._layout = pn.Column(self._list, sizing_mode="stretch_width")
        session.on_news(self._show)

    def _show(self) -> None:
        if self._seen == self._session.hub.models_version:
            return
        self._seen = self._session.hub.models_version
        rows = [
            f"<li>{escaped(m.name)} {m.state} {m.step:,} {figures.loss(m.best_loss)}</li>"
            for m in self._session.hub.models
        ]
        self._list.object = f"<ul>{''.join(rows)}</ul>" if rows else '<div class="empty"><h2>No models yet</h2></div>'

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
