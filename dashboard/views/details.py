"""Show what a model consists of: name, note, tags, text, settings and checkpoints; export and delete it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import panel as pn
import panel.ui as pui

from charrnn.core import formatting
from charrnn.core.atomic_files import file_name
from charrnn.core.options import defaults, options
from charrnn.core.records import ACTIVE, MAX_NAME_LENGTH, MAX_NOTES_LENGTH, Checkpoint, Corpus, Model
from dashboard.components.file_download import DownloadTrigger
from dashboard.components.visible_only_layout import visible_only
from dashboard.escape import escaped
from dashboard.live.session import Session, Task
from dashboard.theme import SMALL, WIDE, markup, placeholder, section, side_by_side
from dashboard.views.html_snippets import facts
from dashboard.views.view import View


class DetailsView(View):
    """The details of the chosen model."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._edited_id = ""
        self.name_field = pui.TextInput(label="Name", max_length=MAX_NAME_LENGTH, width=280, **SMALL)
        self.note_field = pui.TextInput(label="Note", max_length=MAX_NOTES_LENGTH, width=280, **SMALL)
        self.tags_field = pui.TextInput(label="Tags (comma-separated)", width=260, **SMALL)
        outlined = {"variant": "outlined"}
        self.save = self.button("Save", self._save, **outlined)
        self.fork = self.button("New model with these settings", self._fork, **outlined)
        self.export = self.button("Export", self._export, busy_label="Exporting …", **outlined)
        self.export_page = self.button("Export as web page", self._export_page, busy_label="Exporting …", **outlined)
        self._trigger = DownloadTrigger(width=0, height=0, margin=0)
        self.delete = self.button("Delete", self._delete, color="error", **outlined)
        self.about, self.settings, self.checkpoints = markup(), markup(), markup()
        self._placeholder = placeholder(
            "No model chosen",
            "Choose one of your models, or train a new one.",
            self.tab_button("Open models", "library"),
        )
        fields = self.name_field, self.note_field, self.tags_field, self.save
        self._body = pn.Column(
            pn.FlexBox(*fields, gap="10px", align_items="center", margin=(0, 0, 14, 0)),
            self.about,
            pn.FlexBox(self.fork, self.export, self.export_page, self.delete, gap="8px", margin=(14, 0)),
            self._trigger,
            side_by_side(section("Settings", self.settings), section("Checkpoints", self.checkpoints)),
            visible=False,
            **WIDE,
        )
        self.layout = visible_only(pn.Column(self._placeholder, self._body, **WIDE))

    def update(self) -> None:
        """Show the model if it has changed."""
        model = self.session.model
        state = (model.id, model.state, model.step, model.updated_at) if model else ()
        self.if_changed(state, lambda: self._show(model))

    def _show(self, model: Model | None) -> None:
        self._placeholder.visible, self._body.visible = model is None, model is not None
        if model is None:
            self._edited_id = ""
            return
        services = self.session.services
        corpus = services.corpora.get(model.corpus_id) if model.corpus_id else None
        self.about.object = about(model, corpus)
        self.settings.object = settings(model)
        self.checkpoints.object = checkpoints(services.models.checkpoints(model.id))
        self.delete.blocked = model.state in ACTIVE
        self.export.blocked = self.export_page.blocked = not model.step
        self.fork.blocked = corpus is None
        if model.id != self._edited_id:
            self._edited_id = model.id
            texts = {self.name_field: model.name, self.note_field: model.notes, self.tags_field: ", ".join(model.tags)}
            for field, text in texts.items():
                field.param.update(value=text, value_input=text)

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

    def _fork(self) -> None:
        """Open the settings of a new model, filled with those of this one."""
        model = self.session.model
        if model is not None and model.corpus_id:
            self.session.param.update(corpus_id=model.corpus_id, copied_id=model.id)
            self.go_to("options")

    def _export(self) -> Task:
        """Export the model as a ZIP file."""
        return self._download("zip", self.session.services.models.export)

    def _export_page(self) -> Task:
        """Export the model as a web page that generates text offline."""
        return self._download("html", self.session.services.models.export_web_page)

    def _download(self, suffix: str, export: Callable[[str, Path], Path]) -> Task:
        """Export the model in the background: checking a checkpoint may have to wait for TensorFlow."""
        model = self.session.services.models.get(self._edited_id)

        def exported() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                return export(model.id, Path(folder) / f"model.{suffix}").read_bytes()

        def done(data: bytes) -> None:
            self._trigger.download(f"{file_name(model.name)}.{suffix}", data)

        return self.session.run(exported, done, self.session.show_error)

    def _delete(self) -> Task:
        models, model_id = self.session.services.models, self._edited_id

        def done(model: Model) -> None:
            self.session.deleted_id = model.id
            self.session.model_id = ""
            self.go_to("library")
            self.session.hub.refresh()

        return self.session.run(lambda: models.delete(model_id), done, self.session.show_error)


def about(model: Model, corpus: Corpus | None) -> str:
    """Return HTML with the facts of a model."""
    figures = {
        "State": str(model.state),
        "Step": f"{model.step:,}",
        "Best loss": f"{formatting.loss(model.best_loss)} nats" if model.best_loss is not None else "–",
        "Text": f"<bdi>{escaped(corpus.name)}</bdi>, {corpus.num_characters:,} characters" if corpus else "–",
        "Updated": formatting.local_time(model.updated_at),
    }
    if model.cpu:
        figures["CPU"] = escaped(model.cpu)
    text_hash = f'<p class="soft small">SHA-256 of the text: <code>{escaped(corpus.id)}</code></p>' if corpus else ""
    return f"{facts(figures)}{text_hash}"


def settings(model: Model) -> str:
    """Return an HTML table of a model's settings; those that differ from the defaults are bold."""
    usual = defaults("training")
    rows = []
    for name, option in options("training").items():
        if name in model.train_params:
            value = escaped(model.train_params[name])
            shown = value if model.train_params[name] == usual[name] else f"<b>{value}</b>"
            rows.append(f'<tr><th scope="row" title="{escaped(option.help)}">{option.title}</th><td>{shown}</td></tr>')
    return f'<div class="scroll"><table><tbody>{"".join(rows)}</tbody></table></div>' if rows else "<p>No settings.</p>"


def checkpoints(found: list[Checkpoint]) -> str:
    """Return an HTML table of checkpoints."""
    if not found:
        return '<p class="soft">No checkpoints yet. The first one is saved during the training.</p>'
    rows = "".join(
        f"<tr><td>{c.step:,}</td><td>{c.kind}</td><td>{'–' if c.loss is None else formatting.loss(c.loss)}</td></tr>"
        for c in found
    )
    heads = "".join(f'<th scope="col">{title}</th>' for title in ("Step", "Kind", "Loss"))
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
