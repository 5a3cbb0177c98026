"""Choose the training time or the options of a new model, estimate the cost, and start the training."""

from typing import Any

import panel as pn
import panel.ui as pui

from charrnn.core import formatting
from charrnn.core.errors import OptionError, TextError
from charrnn.core.options import Value, options, preset, presets
from charrnn.core.records import MAX_NAME_LENGTH, Corpus, Model
from charrnn.services.cost_estimate import Estimate, estimate
from dashboard.components.option_form import OptionForm, format_value, help_table
from dashboard.components.visible_only_layout import visible_only
from dashboard.escape import escaped
from dashboard.live.session import Session, Task
from dashboard.theme import SMALL, WIDE, markup, placeholder
from dashboard.views.html_snippets import error_message, facts
from dashboard.views.view import View

DEFAULT_PRESET = "auto"
MINUTES = {"1 minute": "1", "5 minutes": "5", "15 minutes": "15", "1 hour": "60", "Custom": ""}
"""Choices of "How long?", with their minutes; empty for a time that the user types."""


class NewModelView(View):
    """The options of a new model."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._num_requests = 0
        self._too_short = self._is_choosing = False
        self.form = OptionForm("training")
        self._create_fields()
        self._create_buttons()
        self._text, self.about, self.cost = markup(), markup(), markup()
        self._placeholder = placeholder(
            "Choose a text first",
            "The options depend on the text that the model is trained on.",
            self.tab_button("Choose a text", "text"),
        )
        fields = self.name_field, self.minutes, self.custom_minutes, self.preset, self.copy
        buttons = self.train, self.resume, self.fit
        self._settings = pn.Column(*self._groups(), sizing_mode="stretch_width", margin=0, visible=False)
        self.body = pn.Column(
            self._text,
            pn.FlexBox(*fields, gap="10px", align_items="center", margin=(12, 0, 4, 0)),
            self.about,
            self.cost,
            visible_only(pn.FlexBox(*buttons, gap="10px", margin=(14, 0, 4, 0))),
            visible_only(pn.FlexBox(self.toggle, self.reset, gap="10px", margin=(10, 0, 0, 0))),
            visible_only(pn.Column(self._settings, sizing_mode="stretch_width", margin=0)),
            sizing_mode="stretch_width",
            margin=0,
        )
        self.layout = visible_only(pn.Column(self._placeholder, self.body, **WIDE))
        self.preset.param.watch(lambda event: self._apply_preset(), "value")
        self.minutes.param.watch(lambda event: self._choose_options(), "value")
        self.custom_minutes.param.watch(lambda event: self._choose_options(), "value")
        self.form.on_change(self._estimate)
        self.form.on_change(self._count_changes)
        session.param.watch(lambda *events: self._show(), ["corpus_id", "model_id"])
        self._show()

    def _create_fields(self) -> None:
        """Create the fields above the options: name, time budget and preset."""
        self.name_field = pui.TextInput(label="Model name", max_length=MAX_NAME_LENGTH, width=280, **SMALL)
        default, names = presets()[DEFAULT_PRESET], {preset.title: preset.name for preset in presets().values()}
        self.preset = pui.Select(label="Preset", options=names, value=default.name, width=160, **SMALL)
        choice = _choice_of(default.minutes)
        self.minutes = pui.Select(label="How long?", options=MINUTES, value=choice, width=140, **SMALL)
        self.custom_minutes = pui.TextInput(label="Custom minutes", max_length=12, width=100, visible=False, **SMALL)

    def _create_buttons(self) -> None:
        self.copy = self.button("", self._copy_options, variant="text", size="small")
        self.train = self.button("Train", self._start, color="primary")
        self.resume = self.button("", self._resume, variant="outlined", visible=False)
        self.toggle = self.button("All settings", self._show_or_hide_settings, variant="text")
        self.reset = self.button("Reset", self._apply_preset, variant="text", visible=False)
        self.fit = self.button(
            "Adjust settings to fit", self._adjust, color="primary", variant="outlined", visible=False
        )

    def _groups(self) -> list[Any]:
        parts = []
        for title, fields in self.form.groups():
            names = [name for name, option in options("training").items() if option.group == title]
            parts += [markup(f"<h3>{title}</h3>", margin=(14, 0, 4, 0)), fields, help_table("training", names)]
        return parts

    @property
    def _corpus(self) -> Corpus | None:
        """The chosen text, else the text of the chosen model."""
        if self.session.corpus is not None:
            return self.session.corpus
        model = self.session.model
        return self.session.services.corpora.get(model.corpus_id) if model and model.corpus_id else None

    def _show(self) -> None:
        corpus = self._corpus
        self._placeholder.visible, self.body.visible = corpus is None, corpus is not None
        if corpus is None:
            return
        self._text.object = (
            f'<h2>New model</h2><p class="soft">Trained on <bdi>{escaped(corpus.name)}</bdi>, '
            f"{corpus.num_characters:,} characters</p>"
        )
        self.name_field.placeholder = self.session.services.models.free_name(corpus.name)
        self._offer_model()
        self._choose_options()

    def _show_or_hide_settings(self) -> None:
        self._settings.visible = not self._settings.visible
        self._count_changes()

    def _count_changes(self) -> None:
        """Say how many settings the user has changed, and offer to reset them."""
        number = len(self.form.changed_names)
        verb = "Hide settings" if self._settings.visible else "All settings"
        self.toggle.label = f"{verb} ({number} changed)" if number else verb
        self.reset.visible = bool(number)

    def _apply_preset(self) -> None:
        """Replace all options with those of the chosen preset."""
        chosen = presets()[self.preset.value]
        self.form.changed_names = set()
        if chosen.minutes:
            self.minutes.value = _choice_of(chosen.minutes)
            text = format_value(chosen.minutes)
            self.custom_minutes.param.update(value=text, value_input=text)
        self._choose_options()

    def _choose_options(self) -> None:
        """Fill the form with the options of the preset, or those that Auto chooses for the time; keep the user's."""
        name, corpus = self.preset.value, self._corpus
        is_auto = bool(presets()[name].minutes)
        self.minutes.visible = is_auto
        self.custom_minutes.visible = is_auto and not self.minutes.value
        if not is_auto:
            self._num_requests += 1
            self._is_choosing = False
            self.form.fill(preset(name))
            self._estimate()  # the text may have changed, although the options have not
            return
        if corpus is None:
            return
        self._num_requests += 1
        request, minutes = self._num_requests, self.minutes.value or self.custom_minutes.value
        changed = {name: self.form.values[name] for name in self.form.changed_names}
        self._is_choosing = True
        self._allow_training()

        def work() -> dict[str, Value] | OptionError:
            try:
                return training.options_for(corpus, preset=name, minutes=minutes, options=changed)
            except OptionError as error:
                return error

        def done(result: dict[str, Value] | OptionError) -> None:
            if request != self._num_requests:
                return
            if isinstance(result, OptionError):
                message = " ".join(result.problems.values())
                self.custom_minutes.param.update(error_state=True, helper_text=message)
                return  # keep the Train button disabled until the time is valid
            self._is_choosing = False
            self.custom_minutes.param.update(error_state=False, helper_text="")
            self.form.fill(result, changed_names=changed)

        training = self.session.services.training
        self.session.run(work, done, self.session.show_error)

    def update(self) -> None:
        """Offer what is possible with the chosen model."""
        self._offer_model()
        if self.session.copied_id and self.body.visible:
            self.session.copied_id = ""
            self._copy_options()

    def _offer_model(self) -> None:
        """Offer to copy the options of the chosen model, or to continue its training."""
        model = self.session.model
        if (self._corpus is not None) != self.body.visible:
            self._show()
            return
        known = model is not None and not self.session.is_training and model.step > 0
        self.copy.param.update(visible=model is not None, label=f"Copy settings from {model.name}" if model else "")
        self.resume.param.update(visible=known, label=f"Continue training {model.name}" if model and known else "")

    def _estimate(self) -> None:
        """Estimate the cost in the background; results of older requests are ignored."""
        self.about.object = f'<p class="soft small">{escaped(presets()[self.preset.value].help)}</p>'
        self._num_requests += 1
        self._too_short = False
        self._allow_training()
        corpus = self._corpus
        if corpus is None or self._is_choosing or self.form.errors:
            return
        request, values = self._num_requests, self.form.values

        def work() -> Estimate | str:
            try:
                return estimate(values, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
            except TextError as error:
                return str(error)

        def done(result: Estimate | str) -> None:
            if request == self._num_requests:
                self.cost.object = cost(result)
                self.fit.visible = self._too_short = isinstance(result, str)
                self._allow_training()

        self.session.run(work, done, self.session.show_error)

    def _allow_training(self) -> None:
        """Enable the Train button unless options are being chosen, one is invalid, or the text is too short."""
        self.train.blocked = self._is_choosing or self._too_short or bool(self.form.errors)

    def _adjust(self) -> None:
        corpus = self._corpus
        if corpus:
            self.form.fill({**self.form.values, **fitting(self.form.values, corpus.num_characters)})

    def _copy_options(self) -> None:
        if self.session.model:
            self._is_choosing = False
            self.form.fill(self.session.model.train_params)

    def _start(self) -> Task:
        corpus, name, values = self._corpus, self.name_field.value_input.strip() or None, self.form.values
        training = self.session.services.training
        return self.session.run(
            lambda: training.start(corpus, name=name, options=values) if corpus else None,
            self._started,
            self.session.show_error,
        )

    def _resume(self) -> Task:
        model_id, values = self.session.model_id, self.form.values
        training = self.session.services.training
        return self.session.run(
            lambda: training.resume(model_id, options=values), self._started, self.session.show_error
        )

    def _started(self, model: Model) -> None:
        self.name_field.param.update(value="", value_input="")
        self.session.choose(model, "training")
        self.session.hub.refresh()


def _choice_of(minutes: float) -> str:
    """Return the choice of "How long?" for a time; empty if there is none."""
    text = format_value(minutes)
    return text if text in MINUTES.values() else ""


def fitting(values: dict[str, Any], num_characters: int) -> dict[str, int]:
    """Return `num_steps` and `num_seqs` of the largest batch that fits a short text."""
    steps = min(values["num_steps"], num_characters - 1)
    return {"num_steps": steps, "num_seqs": min(values["num_seqs"], num_characters // (steps + 1))}


def cost(result: Estimate | str) -> str:
    """Return HTML with the estimated cost of a training, or why it is impossible."""
    if isinstance(result, str):
        return error_message(result)
    return facts(
        {
            "Estimated time": formatting.duration(60 * result.minutes),
            "Parameters": f"{result.num_parameters:,}",
            "Memory": formatting.size(result.memory_bytes),
            "Steps": f"{result.total_steps:,}",
            "Steps per epoch": f"{result.steps_per_epoch:,}",
            "Epochs": f"{result.epochs:,.1f}",
        }
    )
