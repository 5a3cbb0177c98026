"""List all models: sort, filter, compare, edit, export, delete and restore them."""

import tempfile
from pathlib import Path
from typing import Any

import panel as pn
import panel.ui as pui

from charrnn.core import formatting
from charrnn.core.atomic_files import file_name
from charrnn.core.records import ACTIVE, MAX_NAME_LENGTH, MAX_NOTES_LENGTH, Model, ModelState
from charrnn.services.progress_estimate import total_steps
from dashboard.components.curve_smoothing import downsample
from dashboard.components.file_download import DownloadTrigger
from dashboard.components.model_table import ModelTable
from dashboard.components.visible_only_layout import visible_only
from dashboard.escape import printable
from dashboard.live.session import Session, Task
from dashboard.theme import markup, placeholder
from dashboard.views.compare import CompareView
from dashboard.views.view import View

SPARKLINE_POINTS = 60


class LibraryView(View):
    """The table of models, and the actions for the chosen one."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._edited_id = self._deleted_id = ""
        self.table = ModelTable(self._choose, sizing_mode="stretch_width", margin=0)
        small = {"size": "small", "margin": 0}
        self.name_field = pui.TextInput(label="Name", max_length=MAX_NAME_LENGTH, width=280, **small)
        self.note_field = pui.TextInput(label="Note", max_length=MAX_NOTES_LENGTH, width=280, **small)
        self.tags_field = pui.TextInput(label="Tags (comma-separated)", width=260, **small)
        outlined = {"variant": "outlined"}
        self.save = self.button("Save", self._save, **outlined)
        self.open = self.tab_button("Training", "training", color="primary", **outlined)
        self.write = self.tab_button("Write", "write", **outlined)
        self.export = self.button("Export", self._export, busy_label="Exporting …", **outlined)
        self._trigger = DownloadTrigger(width=0, height=0, margin=0)
        self.delete = self.button("Delete", self._delete, color="error", **outlined)
        self.undo = self.button("", lambda: self._restore(self._deleted_id), visible=False, **outlined)
        self.deleted = pui.Select(label="Recycle bin", options={}, width=280, **small)
        self.restore = self.button("Restore", lambda: self._restore(self.deleted.value), **outlined)
        self.compare = CompareView(session, self.table)
        self._create_layout()

    def _create_layout(self) -> None:
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
        centered: dict[str, Any] = {"gap": "10px", "align_items": "center"}
        self.recycle_bin = pn.FlexBox(self.deleted, self.restore, margin=(28, 0, 0, 0), visible=False, **centered)
        self.actions = pn.Column(
            pn.FlexBox(self.open, self.write, self.export, self.delete, gap="8px", margin=(16, 0, 12, 0)),
            self._trigger,
            pn.FlexBox(self.name_field, self.note_field, self.tags_field, self.save, margin=0, **centered),
            visible=False,
            **wide,
        )
        self._placeholder = placeholder(
            "No models yet",
            "A model is a network that has learned to write like a text.",
            self.tab_button("Choose a text", "text", color="primary", variant="outlined"),
        )
        self._body = visible_only(pn.Column(self.table, self.actions, self.compare, **wide))
        title = markup("<h2>Models</h2>", margin=(0, 0, 12, 0))
        self.layout = visible_only(pn.Column(title, self.undo, self._placeholder, self._body, self.recycle_bin, **wide))

    def _choose(self, model_id: str) -> None:
        self.session.model_id = model_id
        self._show_chosen()

    def update(self) -> None:
        """Update the table."""
        version = self.session.hub.models_version
        if version:
            self.if_changed((version, self.session.model_id, self.session.tab == "library"), self._show)

    def _show(self) -> None:
        models = self.session.models
        self._placeholder.visible, self._body.visible = not models, bool(models)
        self._show_chosen()
        if self.session.tab == "library":
            self._list_deleted()
            self.table.rows = [self._row(model) for model in models]

    def _list_deleted(self) -> None:
        """List the deleted models, the newest first."""
        deleted = sorted(self.session.services.models.deleted(), key=lambda m: m.deleted_at or m.updated_at)[::-1]
        names: dict[str, str] = {}
        for model in deleted:
            when = formatting.local_time(model.deleted_at or model.updated_at)
            names.setdefault(f"{printable(model.name)}, {when}", model.id)
        self.deleted.param.update(options=names, value=deleted[0].id if deleted else None)
        self.recycle_bin.visible = bool(deleted)

    def _show_chosen(self) -> None:
        model = next((m for m in self.session.models if m.id == self.session.model_id), None)
        self.table.chosen = model.id if model else ""
        self.actions.visible = model is not None
        if model is None:
            return
        self.delete.blocked = model.state in ACTIVE
        self.export.blocked = not model.step
        if model.id != self._edited_id:
            self._edited_id = model.id
            texts = {self.name_field: model.name, self.note_field: model.notes, self.tags_field: ", ".join(model.tags)}
            for field, text in texts.items():
                field.param.update(value=text, value_input=text)

    def _row(self, model: Model) -> dict[str, Any]:
        share = model.step / (total_steps(model.train_params, None) or 1)
        is_active = model.state in ACTIVE
        state = f"{model.state} {100 * min(1, share):.0f}%" if is_active else str(model.state)
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

    def _save(self) -> Task:
        models, model_id = self.session.services.models, self._edited_id
        name, note = self.name_field.value_input.strip(), self.note_field.value_input.strip()
        tags = [tag.strip() for tag in self.tags_field.value_input.split(",") if tag.strip()]

        def save() -> None:
            if models.get(model_id).name != name:
                models.rename(model_id, name)
            models.note(model_id, note)
            models.tag(model_id, tags)

        return self.session.run(save, lambda _: self.session.hub.refresh(), self.session.show_error)

    def _export(self) -> Task:
        """Export the model as a ZIP file, in the background: checking a checkpoint may have to wait for TensorFlow."""
        models, model = self.session.services.models, self.session.services.models.get(self._edited_id)

        def export() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                return models.export(model.id, Path(folder) / "model.zip").read_bytes()

        def done(data: bytes) -> None:
            self._trigger.download(f"{file_name(model.name)}.zip", data)

        return self.session.run(export, done, self.session.show_error)

    def _delete(self) -> Task:
        models, model_id = self.session.services.models, self._edited_id

        def done(model: Model) -> None:
            self._deleted_id = model.id
            self.undo.param.update(visible=True, label=f"Restore {printable(model.name)}")
            self.session.model_id = ""
            self._edited_id = ""
            self.session.hub.refresh()

        return self.session.run(lambda: models.delete(model_id), done, self.session.show_error)

    def _restore(self, model_id: str) -> Task:
        models = self.session.services.models

        def done(model: Model) -> None:
            self.undo.visible = self.undo.visible and model.id != self._deleted_id
            self.session.model_id = model.id
            self.session.hub.refresh()

        return self.session.run(lambda: models.restore(model_id), done, self.session.show_error)
