"""Show the menu of the page: a new model, all models, and the running and recent ones."""

from typing import Any

from charrnn.core import formatting
from charrnn.core.records import ACTIVE, Model, ModelState
from charrnn.services.progress_estimate import percent_complete
from dashboard.components.model_menu import ModelMenu
from dashboard.escape import printable
from dashboard.live.session import MODEL_TABS, NEW_TABS, Session
from dashboard.views.view import View

MAX_RECENT = 12
"""Models without a training that the menu lists; all are on the page of models."""


class NavigationView(View):
    """The menu of the page."""

    def __init__(self, session: Session):
        super().__init__(session)
        self.menu = ModelMenu(
            self._open,
            self._choose,
            sizing_mode="stretch_width",
            margin=(16, 0, 0, 0),
            styles={"flex": "0 0 210px", "max-width": "210px", "min-width": "0"},
        )
        self.layout = self.menu

    def _open(self, page: str) -> None:
        self.go_to("text" if page == "new" else "library")

    def _choose(self, model_id: str) -> None:
        """Show another model in the current tab, or in Watch if no tab of a model is open."""
        tab = self.session.tab
        self.session.param.update(model_id=model_id, tab=tab if tab in MODEL_TABS else "training")

    def update(self) -> None:
        """Show the models and which page is open."""
        tab = self.session.tab
        current = "new" if tab in NEW_TABS else self.session.model_id if tab in MODEL_TABS else "models"
        self.if_changed((self.session.hub.models_version, current), lambda: self._show(current))

    def _show(self, current: str) -> None:
        models = self.session.models
        active = [model for model in models if model.state in ACTIVE]
        recent = sorted((m for m in models if m.state not in ACTIVE), key=lambda m: m.updated_at, reverse=True)
        places = {model_id: str(entry) for model_id, entry in self.session.hub.queue.items()}
        rows = [_row(model, places.get(model.id, "")) for model in [*active, *recent[:MAX_RECENT]]]
        self.menu.param.update(rows=rows, current=current)


def _row(model: Model, place: str) -> dict[str, Any]:
    """Return the entry of a model; `place` describes its place in the queue."""
    name = printable(model.name)
    if model.state == ModelState.QUEUED:
        return {"id": model.id, "name": name, "group": "Waiting", "detail": place or "Starting", "percent": -1}
    if model.state in ACTIVE:
        percent = percent_complete(model)
        return {"id": model.id, "name": name, "group": "Training", "detail": f"{percent} %", "percent": percent}
    loss = f"{formatting.loss(model.best_loss)} nats" if model.best_loss is not None else "not trained"
    detail = loss if model.state == ModelState.COMPLETED else f"{model.state} · {loss}"
    return {"id": model.id, "name": name, "group": "Recent", "detail": detail, "percent": -1}
