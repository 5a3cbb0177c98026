"""Options of a new model: the time there is or a preset, the form, what it will cost, and the button that trains it."""

from typing import Any

import panel as pn
import panel.ui as pui

from charrnn.core import formatting
from charrnn.core.errors import OptionError, TextError
from charrnn.core.options import Value, options, preset, presets
from charrnn.core.records import MAX_NAME_LENGTH, Corpus, Model
from charrnn.services.cost_estimate import Estimate, estimate
from dashboard.components.action_button import ActionButton
from dashboard.components.option_form import Form, help_table, spelled
from dashboard.components.visible_only_layout import sparing
from dashboard.escape import escaped
from dashboard.live.session import Session, Work
from dashboard.theme import empty, markup

FIRST = "auto"
"""Preset that a new model begins with."""
MINUTES = {"1 minute": "1", "5 minutes": "5", "15 minutes": "15", "1 hour": "60", "Another time": ""}
"""Answers to "How long?"."""


class OptionsView(pn.viewable.Viewer):
    """Sets the options of a training and begins it."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._asked = 0
        self._too_short = False
        self._form = Form("training")
        self._name = pui.TextInput(
            label="Name of the model", max_length=MAX_NAME_LENGTH, width=280, size="small", margin=0
        )
        self._preset = pui.Select(
            label="Preset", options={p.title: p.name for p in presets().values()}, value=FIRST, width=160, size="small",
            margin=0,
        )  # fmt: skip
        self._minutes = pui.Select(
            label="How long?", options=MINUTES, value=_shown_minutes(presets()[FIRST].minutes), width=140, size="small",
            margin=0,
        )  # fmt: skip
        self._own_minutes = pui.TextInput(
            label="Minutes", max_length=12, width=100, size="small", margin=0, visible=False
        )
        self._copy = ActionButton(session, self._copy_options, label="", variant="text", size="small")
        self._train = ActionButton(session, self._start, label="Train", color="primary")
        self._go_on = ActionButton(session, self._resume, label="", variant="outlined", visible=False)
        self._fit = ActionButton(
            session, self._lower, label="Lower the batch to fit", color="primary", variant="outlined", visible=False
        )
        self._text, self._about, self._cost = markup(), markup(), markup()
        self._nothing = empty(
            "First a text", "Options are for a text: take one, then come back.",
            ActionButton(session, lambda: self._go("text"), label="Take a text"),
        )  # fmt: skip
        self._body = pn.Column(
            self._text,
            pn.FlexBox(
                self._name, self._minutes, self._own_minutes, self._preset, self._copy,
                gap="10px", align_items="center", margin=(12, 0, 4, 0),
            ),
            self._about,
            self._cost,
            sparing(pn.FlexBox(self._train, self._go_on, self._fit, gap="10px", margin=(14, 0, 4, 0))),
            *self._groups(),
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self._choosing = False
        self._layout = sparing(pn.Column(self._nothing, self._body, sizing_mode="stretch_width", margin=0))
        self._preset.param.watch(lambda event: self._take_preset(), "value")
        self._minutes.param.watch(lambda event: self._choose(), "value")
        self._own_minutes.param.watch(lambda event: self._choose(), "value")
        self._form.on_change(self._weigh)
        session.param.watch(lambda *events: self._show(), ["corpus_id", "model_id"])
        session.on_news(self._offer_model)
        self._show()

    def _groups(self) -> list[Any]:
        parts = []
        for title, fields in self._form.groups():
            names = [name for name, option in options("training").items() if option.group == title]
            parts += [markup(f"<h3>{title}</h3>", margin=(14, 0, 4, 0)), fields, help_table("training", names)]
        return parts

    @property
    def _corpus(self) -> Corpus | None:
        """The chosen text, else the one of the chosen model."""
        if self._session.corpus is not None:
            return self._session.corpus
        model = self._session.model
        return self._session.services.corpora.get(model.corpus_id) if model and model.corpus_id else None

    def _go(self, tab: str) -> None:
        self._session.tab = tab

    def _show(self) -> None:
        corpus = self._corpus
        self._nothing.visible, self._body.visible = corpus is None, corpus is not None
        if corpus is None:
            return
        self._text.object = (
            f'<h2>New model</h2><p class="soft">from the text <bdi>{escaped(corpus.name)}</bdi>, '
            f"{corpus.num_characters:,} characters</p>"
        )
        self._name.placeholder = self._session.services.models.free_name(corpus.name)
        self._offer_model()
        self._choose()

    def _take_preset(self) -> None:
        """Begin with a preset; what was set before is forgotten."""
        chosen = presets()[self._preset.value]
        self._form.typed = set()
        if chosen.minutes:
            self._minutes.value = _shown_minutes(chosen.minutes)
            self._own_minutes.param.update(value=spelled(chosen.minutes), value_input=spelled(chosen.minutes))
        self._choose()

    def _choose(self) -> None:
        """Fill the form: with a preset's fixed options, or with what Auto chooses, beside what the user has set."""
        name, corpus = self._preset.value, self._corpus
        is_auto = bool(presets()[name].minutes)
        self._minutes.visible = is_auto
        self._own_minutes.visible = is_auto and not self._minutes.value
        if not is_auto:
            self._asked += 1
            self._choosing = False
            self._form.fill(preset(name))
            return
        if corpus is None:
            return
        self._asked += 1
        asked, minutes = self._asked, self._minutes.value or self._own_minutes.value
        given = {name: self._form.values[name] for name in self._form.typed}
        self._choosing = True
        self._allow()

        def work() -> dict[str, Value] | OptionError:
            try:
                return training.options_for(corpus, preset=name, minutes=minutes, options=given)
            except OptionError as error:
                return error

        def done(found: dict[str, Value] | OptionError) -> None:
            if asked != self._asked:
                return
            if isinstance(found, OptionError):
                problem = " ".join(found.problems.values())
                self._own_minutes.param.update(error_state=True, helper_text=problem)
                return  # nothing can be trained until there is a time
            self._choosing = False
            self._own_minutes.param.update(error_state=False, helper_text="")
            self._form.fill(found, typed=given)

        training = self._session.services.training
        self._session.run(work, done, self._session.complain)

    def _offer_model(self) -> None:
        """Offer what can be done with the chosen model's options."""
        model = self._session.model
        if (self._corpus is not None) != self._body.visible:
            self._show()
            return
        known = model is not None and not self._session.is_training and model.step > 0
        self._copy.param.update(visible=model is not None, label=f"Copy options of {model.name}" if model else "")
        self._go_on.param.update(visible=known, label=f"Go on training {model.name}" if model and known else "")

    def _weigh(self) -> None:
        """Say what it will cost; measured on a thread of its own, and only the newest answer counts."""
        self._about.object = f'<p class="soft small">{escaped(presets()[self._preset.value].help)}</p>'
        self._asked += 1
        self._too_short = False
        self._allow()
        corpus = self._corpus
        if corpus is None or self._choosing or self._form.problems:
            return
        asked, values = self._asked, self._form.values

        def work() -> Estimate | str:
            try:
                return estimate(values, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
            except TextError as error:
                return str(error)

        def done(found: Estimate | str) -> None:
            if asked == self._asked:
                self._cost.object = cost(found)
                self._fit.visible = self._too_short = isinstance(found, str)
                self._allow()

        self._session.run(work, done, self._session.complain)

    def _allow(self) -> None:
        """Let a training begin unless something is wrong."""
        self._train.blocked = self._choosing or self._too_short or bool(self._form.problems)

    def _lower(self) -> None:
        corpus = self._corpus
        if corpus:
            self._form.fill({**self._form.values, **fitting(self._form.values, corpus.num_characters)})

    def _copy_options(self) -> None:
        if self._session.model:
            self._choosing = False
            self._form.fill(self._session.model.train_params)

    def _start(self) -> Work:
        corpus, name, values = self._corpus, self._name.value_input.strip() or None, self._form.values
        training = self._session.services.training
        return self._session.run(
            lambda: training.start(corpus, name=name, options=values) if corpus else None,
            self._started,
            self._session.complain,
        )

    def _resume(self) -> Work:
        model_id, values = self._session.model_id, self._form.values
        training = self._session.services.training
        return self._session.run(
            lambda: training.resume(model_id, options=values), self._started, self._session.complain
        )

    def _started(self, model: Model) -> None:
        self._name.param.update(value="", value_input="")
        self._session.choose(model, "training")
        self._session.hub.hurry()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout


def _shown_minutes(minutes: float) -> str:
    """Return the answer that stands for a time: one of those offered, or the one for another time."""
    return spelled(minutes) if spelled(minutes) in MINUTES.values() else ""


def fitting(values: dict[str, Any], num_characters: int) -> dict[str, int]:
    """Return the largest batch of a text that is too short for the one wished: fewer sequences, then shorter ones."""
    steps = min(values["num_steps"], num_characters - 1)
    return {"num_steps": steps, "num_seqs": min(values["num_seqs"], num_characters // (steps + 1))}


def cost(found: Estimate | str) -> str:
    """Say in markup what a training will cost, or why it cannot be done."""
    if isinstance(found, str):
        return f'<div class="notice error" role="alert">{escaped(found)}</div>'
    rows = {
        "Takes about": formatting.duration(60 * found.minutes),
        "Weights": f"{found.num_parameters:,}",
        "Memory": formatting.size(found.memory_bytes),
        "Steps": f"{found.total_steps:,}",
        "Steps a pass": f"{found.steps_per_epoch:,}",
        "Passes over the text": f"{found.epochs:,.1f}",
    }
    return '<dl class="facts">' + "".join(f"<div><dt>{n}</dt><dd>{v}</dd></div>" for n, v in rows.items()) + "</dl>"
