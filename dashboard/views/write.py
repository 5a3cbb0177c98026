"""Generate text with a model: prompt, sliders, the text as it grows, another one to compare with, and the history."""

import random
from typing import Any

import panel as pn
import panel.ui as pui

from charrnn.core.records import Checkpoint, Model, Sample
from dashboard.components.keyboard_shortcut import KeyboardShortcut
from dashboard.components.option_form import OptionForm
from dashboard.components.visible_only_layout import visible_only
from dashboard.escape import escaped, printable
from dashboard.live.session import Session
from dashboard.theme import SMALL, WIDE, markup, placeholder
from dashboard.views.text_generation import TextGenerationView
from dashboard.views.view import View

BASIC = "temperature", "max_length"
ADVANCED = "top_k", "top_p", "min_p", "repetition_penalty", "seed", "unknown"
CHECKPOINTS = {"Best": "best", "Newest": "newest"}
MAX_LISTED_CHARACTERS = 6
"""Maximum number of unknown characters in the label of a button."""
MAX_HISTORY = 50
"""Maximum number of texts in the history."""

HINT = (
    '<p class="soft small">Hover over a character, or tap it, to see its alternatives; choose one to continue from '
    "there. With the keyboard, use the arrow keys in the text, then Enter.</p>"
)


class WriteView(View):
    """Text generation with the chosen model."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._model_id = self._last_prompt = ""
        self._history: dict[str, Sample] = {}
        self.form = OptionForm("sampling", [*BASIC, *ADVANCED], sliders=True)
        self._head = markup()
        self.prompt = pui.TextAreaInput(
            label="Prompt",
            placeholder="Start with …",
            rows=2,
            auto_grow=True,
            max_rows=8,
            max_length=1_000_000,
            **WIDE | {"margin": (10, 0, 8, 0)},
        )
        self.write = self.button("Write", lambda: self._generate(self.prompt.value_input), color="primary")
        self.stop = self.button("Stop", self._stop, color="primary", visible=False)
        self.shortcut = KeyboardShortcut(self.write.press)
        hidden: dict[str, Any] = {"variant": "outlined", "visible": False}
        self.continue_text = self.button("Continue", lambda: self._generate(self.text.generation.text), **hidden)
        self.remove = self.button("", lambda: self._generate_again("drop"), **hidden)
        self.replace = self.button("", lambda: self._generate_again("replace"), **hidden)
        self.checkpoint = pui.Select(label="Checkpoint", options=CHECKPOINTS, value="best", width=190, **SMALL)
        self.other = pui.Select(label="Compare with", options={"None": ""}, value="", width=220, **SMALL)
        self.history = pui.Select(label="History", options={"–": ""}, value="", width=260, **SMALL)
        self.history.param.watch(lambda event: self._load(event.new), "value")
        self.colored = pui.Switch(label="Color by surprise", value=True, margin=(4, 0))
        self.text = TextGenerationView(session, "Generated text", self._generate)
        self.other_text = TextGenerationView(session, "Generated text to compare with", self._generate)
        for view in (self.text, self.other_text):
            self.colored.link(view.pane, value="colored")
        self.form.on_change(lambda: setattr(self.write, "blocked", bool(self.form.errors)))
        self._create_layout()

    def _create_layout(self) -> None:
        row: dict[str, Any] = {"gap": "8px", "align_items": "center", "margin": (0, 0, 12, 0)}
        buttons = pn.FlexBox(self.write, self.stop, self.shortcut, **row)
        at_end = pn.FlexBox(self.continue_text, self.remove, self.replace, **row)
        self.texts = pn.FlexBox(self.text, gap="16px", margin=0, sizing_mode="stretch_width")
        advanced = pn.Column(self.form.widgets(*ADVANCED), margin=(10, 0), sizing_mode="stretch_width", visible=False)
        toggle = self.button("More settings", lambda: show_or_hide(), variant="text", size="small")

        def show_or_hide() -> None:
            advanced.visible = not advanced.visible
            toggle.label = "Fewer settings" if advanced.visible else "More settings"

        selects = pn.FlexBox(
            self.checkpoint,
            self.other,
            self.history,
            self.colored,
            gap="10px 12px",
            align_items="center",
            margin=(16, 0, 12, 0),
        )
        self._placeholder = placeholder(
            "No trained model chosen",
            "Choose one of your models, or train one: it can generate text as soon as it has a checkpoint.",
            self.tab_button("Open models", "library"),
        )
        self.body = pn.Column(
            self._head,
            self.texts,
            visible_only(at_end),
            self.prompt,
            visible_only(buttons),
            pn.FlexBox(self.form.widgets(*BASIC), toggle, sizing_mode="stretch_width", margin=0),
            visible_only(pn.Column(advanced, sizing_mode="stretch_width", margin=0)),
            selects,
            markup(HINT),
            visible=False,
            **WIDE,
        )
        self.layout = visible_only(pn.Column(self._placeholder, self.body, **WIDE))

    def update(self) -> None:
        """Show new characters, and offer the model's checkpoints."""
        self.update_children(self.text, self.other_text)
        model = self.session.model
        state = (model.id, model.state, model.step, self.session.hub.models_version) if model else ()
        self.if_changed(state, lambda: self._show(model))

    def _show(self, model: Model | None) -> None:
        checkpoints = self.session.services.models.checkpoints(model.id) if model else []
        is_other_model = self._model_id != (model.id if model else "")
        self._placeholder.visible, self.body.visible = not checkpoints, bool(checkpoints)
        if model is None or not checkpoints:
            self._model_id = ""
            self._stop()
            return
        self._head.object = (
            f'<div class="title"><h2 dir="auto">Write with {escaped(model.name)}</h2>'
            f'<span class="soft small">{model.state}, step {model.step:,}</span></div>'
        )
        self._offer(model, checkpoints)
        if is_other_model:
            self._stop()
            self._list_history(load=True)
        self._model_id = model.id

    def _offer(self, model: Model, checkpoints: list[Checkpoint]) -> None:
        by_step = {f"Step {c.step:,} ({c.kind})": c.id for c in checkpoints}
        others = {
            f"Model {printable(other.name)}": f"model:{other.id}"
            for other in self.session.models
            if other.id != model.id and other.step
        }
        for select, choices in (
            (self.checkpoint, {**CHECKPOINTS, **by_step}),
            (self.other, {"None": "", **by_step, **others}),
        ):
            if select.options != choices:
                value = select.value if select.value in choices.values() else next(iter(choices.values()))
                select.param.update(options=choices, value=value)

    def _generate(self, prompt: str, *, unknown: str = "") -> None:
        options = {**self.form.values, "start_string": prompt}
        if unknown:
            options["unknown"] = unknown
        options["seed"] = options["seed"] or random.randint(1, 2**31 - 1)
        self._last_prompt = prompt
        for button in (self.remove, self.replace, self.continue_text):
            button.visible = False
        self.write.visible, self.stop.visible = False, True
        model_id, other = self.session.model_id, self.other.value
        self.text.generate(model_id, options, self.checkpoint.value, self._on_end)
        self.texts.objects = [self.text, self.other_text] if other else [self.text]
        if other:
            other_id, checkpoint = (other.removeprefix("model:"), "best") if ":" in other else (model_id, other)
            self.other_text.generate(other_id, options, checkpoint, lambda: None)

    def _generate_again(self, unknown: str) -> None:
        self._generate(self._last_prompt, unknown=unknown)

    def _stop(self) -> None:
        self.text.generation.stop()
        self.other_text.generation.stop()

    def _on_end(self) -> None:
        text = self.text.generation
        self.write.visible, self.stop.visible = True, False
        self.continue_text.visible = bool(text.count)
        unknown = text.unknown_characters
        listed = printable(" ".join(unknown[:MAX_LISTED_CHARACTERS]))
        listed += " …" if len(unknown) > MAX_LISTED_CHARACTERS else ""
        self.remove.param.update(visible=bool(unknown), label=f"Remove {listed}")
        self.replace.param.update(visible=bool(unknown), label=f"Replace {listed}")
        if text.error and not unknown:
            self.session.show_error(text.error)
        self._list_history()

    def _list_history(self, *, load: bool = False) -> None:
        """List the texts that users have generated with this model; `load` also shows the newest one."""
        model_id, find = self.session.model_id, self.session.services.models.samples
        current = self.text.generation

        def done(samples: list[Sample]) -> None:
            own = [sample for sample in reversed(samples) if sample.by_user][:MAX_HISTORY]
            self._history = {sample.id: sample for sample in own}
            names = {f"{i + 1}. {_title(sample)}": sample.id for i, sample in enumerate(own)}
            self.history.param.update(options={"–": "", **names}, value="")
            if load and self.text.generation is current:  # no other text was started meanwhile
                self.text.load(*((own[0].text, _description(own[0])) if own else ("", "")))

        self.session.run(lambda: find(model_id), done, self.session.show_error)

    def _load(self, sample_id: str) -> None:
        if sample := self._history.get(sample_id):
            self._stop()
            self.text.load(sample.text, _description(sample))


def _title(sample: Sample) -> str:
    return printable(" ".join(sample.text.split())[:36]) or "(blank)"


def _description(sample: Sample) -> str:
    options = {name: sample.options.get(name) for name in ("seed", "temperature")}
    return f"generated at step {sample.step:,}, " + ", ".join(f"{name} {value}" for name, value in options.items())
