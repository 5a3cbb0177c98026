"""All models: choose, sort, filter, rename, note, export, delete with undo, compare."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
import panel.ui as pui
import param
from panel.custom import JSComponent

from charrnn.core import formatting
from charrnn.core.atomic_files import file_name
from charrnn.core.records import ACTIVE, MAX_NAME_LENGTH, MAX_NOTES_LENGTH, Model
from dashboard.components.action_button import ActionButton
from dashboard.components.curve_smoothing import thinned
from dashboard.components.file_download import Delivery
from dashboard.components.visible_only_layout import sparing
from dashboard.escape import visible
from dashboard.live.progress_estimate import total_steps
from dashboard.live.session import Session, Work
from dashboard.theme import ASSETS, empty, markup
from dashboard.views.compare import CompareView

CURVE_POINTS = 60


class ModelTable(JSComponent):
    """Rows of models; sorts and filters in the browser."""

    rows = param.List(default=[])
    chosen = param.String(default="")
    compared = param.List(default=[])

    _esm = ASSETS / "models.js"
    _stylesheets = [(ASSETS / "models.css").read_text("utf-8")]

    def __init__(self, choose: Callable[[str], None], **params: Any):
        super().__init__(**params)
        self._choose = choose

    def _handle_msg(self, message: Any) -> None:
        model_id = str(message["id"])
        if message["type"] == "choose":
            self._choose(model_id)
        else:
            others = [other for other in self.compared if other != model_id]
            self.compared = [*others, model_id] if message["on"] else others


class LibraryView(pn.viewable.Viewer):
    """The list of models, and what can be done with the chosen one."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._seen: tuple[Any, ...] = ()
        self._shown_id = ""
        self._table = ModelTable(self._choose, sizing_mode="stretch_width", margin=0)
        self._name = pui.TextInput(label="Name", max_length=MAX_NAME_LENGTH, width=280, size="small", margin=0)
        self._notes = pui.TextInput(label="Note", max_length=MAX_NOTES_LENGTH, width=280, size="small", margin=0)
        self._tags = pui.TextInput(label="Tags, with commas between", width=260, size="small", margin=0)
        self._save = self._button("Save", self._change)
        self._open = self._button("Training", lambda: self._go("training"), color="primary")
        self._write = self._button("Write", lambda: self._go("write"))
        self._export = self._button("Export", self._pack, busy_label="Exporting …")
        self._delivery = Delivery(width=0, height=0, margin=0)
        self._delete = self._button("Delete", self._remove, color="error")
        self._undo = self._button("", lambda: self._restore(self._deleted), visible=False)
        self._deleted = ""
        self._gone = pui.Select(label="Deleted models", options={}, width=280, size="small", margin=0)
        self._bin = pn.FlexBox(
            self._gone, self._button("Bring back", lambda: self._restore(self._gone.value)), gap="10px",
            align_items="center", margin=(28, 0, 0, 0), visible=False,
        )  # fmt: skip
        self._chosen = pn.Column(
            pn.FlexBox(self._open, self._write, self._export, self._delete, gap="8px", margin=(16, 0, 12, 0)),
            self._delivery,
            pn.FlexBox(self._name, self._notes, self._tags, self._save, gap="10px", align_items="center", margin=0),
            sizing_mode="stretch_width", margin=0, visible=False,
        )  # fmt: skip
        self._nothing = empty(
            "No models yet", "A model is a text and a network that learns to write like it.",
            self._button("Take a text", lambda: self._go("text"), color="primary"),
        )  # fmt: skip
        self._compare = CompareView(session, self._table)
        self._body = sparing(pn.Column(self._table, self._chosen, self._compare, sizing_mode="stretch_width", margin=0))
        self._layout = sparing(pn.Column(
            markup("<h2>Models</h2>", margin=(0, 0, 12, 0)), self._undo, self._nothing, self._body, self._bin,
            sizing_mode="stretch_width", margin=0,
        ))  # fmt: skip
        session.on_news(self._show)

    def _button(self, label: str, act: Callable[[], Any], **look: Any) -> ActionButton:
        return ActionButton(self._session, act, label=label, **{"variant": "outlined", **look})

    def _go(self, tab: str) -> None:
        self._session.tab = tab

    def _choose(self, model_id: str) -> None:
        self._session.model_id = model_id
        self._show_chosen()

    def _show(self) -> None:
        hub = self._session.hub
        seen = (hub.models_version, self._session.model_id, self._session.tab == "library")
        if seen == self._seen or not hub.models_version:
            return
        models = self._session.models
        self._nothing.visible, self._body.visible = not models, bool(models)
        self._show_chosen()
        if self._session.tab == "library":
            self._list_deleted()
            self._table.rows = [self._row(model) for model in models]
        self._seen = seen

    def _list_deleted(self) -> None:
        """Offer what was deleted, the latest first, also after a reload and to everybody else."""
        deleted = sorted(self._session.services.models.deleted(), key=lambda m: m.deleted_at or m.updated_at)[::-1]
        names: dict[str, str] = {}
        for model in deleted:
            names.setdefault(
                f"{visible(model.name)}, {formatting.local_time(model.deleted_at or model.updated_at)}", model.id
            )
        self._gone.param.update(options=names, value=deleted[0].id if deleted else None)
        self._bin.visible = bool(deleted)

    def _show_chosen(self) -> None:
        model = next((m for m in self._session.models if m.id == self._session.model_id), None)
        self._table.chosen = model.id if model else ""
        self._chosen.visible = model is not None
        if model is None:
            return
        self._delete.blocked = model.state in ACTIVE
        self._export.blocked = not model.step
        if model.id != self._shown_id:
            self._shown_id = model.id
            for field, text in (
                (self._name, model.name),
                (self._notes, model.notes),
                (self._tags, ", ".join(model.tags)),
            ):
                field.param.update(value=text, value_input=text)

    def _row(self, model: Model) -> dict[str, Any]:
        share = model.step / (total_steps(model.train_params, None) or 1)
        active = model.state in ACTIVE
        state = f"{model.state} {100 * min(1, share):.0f} %" if active else str(model.state)
        name = visible(model.name)
        note = visible(" · ".join(part for part in (model.notes, ", ".join(model.tags)) if part))
        return {
            "id": model.id, "name": name, "state": str(model.state), "shown_state": state,
            "step": model.step, "loss": model.best_loss, "curve": self._curve(model), "note": note,
            "changed": formatting.local_time(model.updated_at), "words": f"{name} {model.state} {note}",
        }  # fmt: skip

    def _curve(self, model: Model) -> list[float]:
        """Return the validation losses for a small picture."""
        curve = self._session.hub.validation(model)
        return thinned(curve.steps, curve.values, CURVE_POINTS)[1].round(4).tolist()

    def _change(self) -> Work:
        models, model_id = self._session.services.models, self._shown_id
        name, notes = self._name.value_input.strip(), self._notes.value_input.strip()
        tags = [tag.strip() for tag in self._tags.value_input.split(",") if tag.strip()]

        def change() -> None:
            if models.get(model_id).name != name:
                models.rename(model_id, name)
            models.note(model_id, notes)
            models.tag(model_id, tags)

        return self._session.run(change, lambda _: self._session.hub.hurry(), self._session.complain)

    def _pack(self) -> Work:
        """Have a ZIP file made, on a thread of its own: checking a checkpoint may have to wait for TensorFlow."""
        models, model = self._session.services.models, self._session.services.models.get(self._shown_id)

        def pack() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                return models.export(model.id, Path(folder) / "model.zip").read_bytes()

        def ready(data: bytes) -> None:
            self._delivery.hand_over(f"{file_name(model.name)}.zip", data)

        return self._session.run(pack, ready, self._session.complain)

    def _remove(self) -> Work:
        models, model_id = self._session.services.models, self._shown_id

        def done(model: Model) -> None:
            self._deleted = model.id
            self._undo.param.update(visible=True, label=f"Bring {visible(model.name)} back")
            self._session.model_id = ""
            self._shown_id = ""
            self._session.hub.hurry()

        return self._session.run(lambda: models.delete(model_id), done, self._session.complain)

    def _restore(self, model_id: str) -> Work:
        models = self._session.services.models

        def done(model: Model) -> None:
            self._undo.visible = self._undo.visible and model.id != self._deleted
            self._session.model_id = model.id
            self._session.hub.hurry()

        return self._session.run(lambda: models.restore(model_id), done, self._session.complain)

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
