"""List all models: sort, filter, open, compare and restore them."""

from typing import Any

import panel as pn
import panel.ui as pui

from charrnn.core import formatting
from charrnn.core.records import ACTIVE, Model, ModelState
from charrnn.services.progress_estimate import percent_complete
from dashboard.components.curve_smoothing import downsample
from dashboard.components.model_table import ModelTable
from dashboard.components.visible_only_layout import visible_only
from dashboard.escape import printable
from dashboard.live.session import Session, Task
from dashboard.theme import SMALL, WIDE, markup, placeholder
from dashboard.views.compare import CompareView
from dashboard.views.view import View

SPARKLINE_POINTS = 60


class ModelsView(View):
    """The table of models, and the actions for the chosen one."""

    def __init__(self, session: Session):
        super().__init__(session)
        self.table = ModelTable(self._choose, **WIDE)
        self.undo = self.button("", lambda: self._restore(session.deleted_id), variant="outlined", visible=False)
        self.deleted = pui.Select(label="Recycle bin", options={}, width=280, **SMALL)
        self.restore = self.button("Restore", lambda: self._restore(self.deleted.value), variant="outlined")
        self.compare = CompareView(session, self.table)
        self._create_layout()

    def _create_layout(self) -> None:
        centered: dict[str, Any] = {"gap": "10px", "align_items": "center"}
        self.recycle_bin = pn.FlexBox(self.deleted, self.restore, margin=(28, 0, 0, 0), visible=False, **centered)
        self._placeholder = placeholder(
            "No models yet",
            "Choose a text, and train a model that writes like it.",
            self.tab_button("Choose a text", "text", color="primary", variant="outlined"),
        )
        self._body = visible_only(pn.Column(self.table, self.compare, **WIDE))
        title = markup("<h2>Models</h2>", margin=(0, 0, 12, 0))
        self.layout = visible_only(pn.Column(title, self.undo, self._placeholder, self._body, self.recycle_bin, **WIDE))

    def _choose(self, model_id: str) -> None:
        self.session.param.update(model_id=model_id, tab="training")

    def update(self) -> None:
        """Update the table."""
        version = self.session.hub.models_version
        if version:
            self.if_changed((version, self.session.model_id, self.session.tab == "library"), self._show)

    def _show(self) -> None:
        models = self.session.models
        self._placeholder.visible, self._body.visible = not models, bool(models)
        self.table.chosen = self.session.model_id
        if self.session.tab == "library":
            self._list_deleted()
            self.table.rows = [self._row(model) for model in models]

    def _list_deleted(self) -> None:
        """List the deleted models, the most recently deleted first."""
        deleted = sorted(self.session.services.models.deleted(), key=lambda m: m.deleted_at or m.updated_at)[::-1]
        names: dict[str, str] = {}
        for model in deleted:
            when = formatting.local_time(model.deleted_at or model.updated_at)
            names.setdefault(f"{printable(model.name)}, {when}", model.id)
        just_deleted = next((m for m in deleted if m.id == self.session.deleted_id), None)
        label = f"Restore {printable(just_deleted.name)}" if just_deleted else ""
        self.undo.param.update(visible=just_deleted is not None, label=label)
        self.deleted.param.update(options=names, value=deleted[0].id if deleted else None)
        self.recycle_bin.visible = bool(deleted)

    def _row(self, model: Model) -> dict[str, Any]:
        is_active = model.state in ACTIVE
        state = f"{model.state} {percent_complete(model)}%" if is_active else str(model.state)
        place = self.session.hub.queue.get(model.id)
        if model.state == ModelState.QUEUED and place:
            state = str(place)
        name = printable(model.name)
        note = printable(" · ".join(part for part in (model.notes, ", ".join(model.tags)) if part))
        return {
            "id": model.id,
            "name": name,
            "state": str(model.state),
            "shown_state": state,
            "step": model.step,
            "loss": model.best_loss,
            "curve": self._sparkline(model),
            "note": note,
            "updated": formatting.local_time(model.updated_at),
            "search_text": f"{name} {model.state} {note}",
        }

    def _sparkline(self, model: Model) -> list[float]:
        """Return the validation losses, downsampled."""
        curve = self.session.hub.validation_curve(model)
        return downsample(curve.steps, curve.values, SPARKLINE_POINTS)[1].round(4).tolist()

    def _restore(self, model_id: str) -> Task:
        models = self.session.services.models

        def done(model: Model) -> None:
            if model.id == self.session.deleted_id:
                self.session.deleted_id = ""
            self.session.model_id = model.id
            self.session.hub.refresh()

        return self.session.run(lambda: models.restore(model_id), done, self.session.show_error)
