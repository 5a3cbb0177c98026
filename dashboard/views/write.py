"""Write with a model: prompt, sliders, a text that streams in, another one beside it, and those written before."""

import random
from collections.abc import Callable
from typing import Any

import panel as pn
import panel.ui as pui

from charrnn.core.records import Checkpoint, Model, Sample
from dashboard.components.action_button import ActionButton
from dashboard.components.option_form import Form
from dashboard.components.visible_only_layout import sparing
from dashboard.escape import escaped, visible
from dashboard.live.session import Session
from dashboard.theme import empty, markup
from dashboard.views.generated_text import Sheet

SLIDERS = ("max_length", "temperature", "top_k", "top_p", "min_p", "repetition_penalty")
CHECKPOINTS = {"Best": "best", "Newest": "newest"}
FEW = 6
"""Unknown characters of a prompt that are named on a button."""
REMEMBERED = 50
"""Texts written before that can be chosen."""

HINT = (
    '<p class="soft small">Point at a character, or tap it, to see what else could have stood there, and choose one to '
    "go on from there. Without a mouse: arrow keys in the text, then Enter.</p>"
)


class WriteView(pn.viewable.Viewer):
    """Writes with the chosen model."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._seen: tuple[Any, ...] = ()
        self._before: dict[str, Sample] = {}
        self._last_prompt = ""
        self._form = Form("sampling", [*SLIDERS, "seed", "unknown"], sliders=True)
        self._head = markup()
        self._prompt = pui.TextAreaInput(
            label="Prompt: the text goes on from here", rows=2, auto_grow=True, max_rows=8, max_length=1_000_000,
            sizing_mode="stretch_width", margin=(10, 0, 8, 0),
        )  # fmt: skip
        self._write = self._button("Write", lambda: self._begin(self._prompt.value_input), color="primary")
        self._stop = self._button("Stop", self._end, color="primary", visible=False)
        self._more = self._button("Go on", self._continue, variant="outlined", visible=False)
        self._drop = self._button("", lambda: self._again("drop"), variant="outlined", visible=False)
        self._swap = self._button("", lambda: self._again("replace"), variant="outlined", visible=False)
        small = {"size": "small", "margin": 0}
        self._checkpoint = pui.Select(label="Checkpoint", options=CHECKPOINTS, value="best", width=190, **small)
        self._beside = pui.Select(label="Beside it", options={"Nothing": ""}, value="", width=220, **small)
        self._history = pui.Select(label="Written before", options={"–": ""}, value="", width=260, **small)
        self._history.param.watch(lambda event: self._show_before(event.new), "value")
        self._coloured = pui.Switch(label="Colour by surprise", value=True, margin=(4, 0))
        self._sheet = Sheet(session, "Written text", self._begin)
        self._other = Sheet(session, "Written text, the other one", self._begin)
        self._pair = pn.FlexBox(self._sheet, gap="16px", margin=0, sizing_mode="stretch_width")
        for sheet in (self._sheet, self._other):
            self._coloured.link(sheet.pane, value="coloured")
        self._nothing = empty(
            "Nothing to write with yet", "Train a model first; its first checkpoint can write already.",
            ActionButton(session, lambda: self._go("library"), label="Open the library"),
        )  # fmt: skip
        self._body = pn.Column(
            self._head, self._prompt,
            sparing(
                pn.FlexBox(self._write, self._stop, self._more, self._drop, self._swap, gap="8px", margin=(0, 0, 12, 0))
            ),
            self._form.widgets(*SLIDERS, "seed", "unknown"),
            pn.FlexBox(self._checkpoint, self._beside, self._history, self._coloured, gap="10px 12px",
                       align_items="center", margin=(16, 0, 12, 0)),
            self._pair, markup(HINT), sizing_mode="stretch_width", margin=0, visible=False,
        )  # fmt: skip
        self._layout = sparing(pn.Column(self._nothing, self._body, sizing_mode="stretch_width", margin=0))
        self._form.on_change(lambda: setattr(self._write, "blocked", bool(self._form.problems)))
        session.on_news(self._show)

    def _button(self, label: str, act: Callable[[], Any], **look: Any) -> ActionButton:
        return ActionButton(self._session, act, label=label, **look)

    def _go(self, tab: str) -> None:
        self._session.tab = tab

    def _show(self) -> None:
        """Offer the model's checkpoints; look for new ones only when its training got on."""
        model = self._session.model
        seen = (model.id, model.state, model.step, self._session.hub.models_version) if model else ()
        if seen == self._seen:
            return
        another = seen[:1] != self._seen[:1]
        checkpoints = self._session.services.models.checkpoints(model.id) if model else []
        self._seen = seen
        self._nothing.visible, self._body.visible = not checkpoints, bool(checkpoints)
        if model is None or not checkpoints:
            self._end()
            return
        self._head.object = (
            f'<div class="title"><h2 dir="auto">Write with {escaped(model.name)}</h2>'
            f'<span class="soft small">{model.state}, step {model.step:,}</span></div>'
        )
        self._offer(model, checkpoints)
        if another:
            self._end()
            self._list_before(shows=True)

    def _offer(self, model: Model, checkpoints: list[Checkpoint]) -> None:
        single = {f"Step {c.step:,} ({c.kind})": c.id for c in checkpoints}
        others = {
            f"Model {visible(other.name)}": f"model:{other.id}"
            for other in self._session.models
            if other.id != model.id and other.step
        }
        for select, found in (
            (self._checkpoint, {**CHECKPOINTS, **single}),
            (self._beside, {"Nothing": "", **single, **others}),
        ):
            if select.options != found:
                kept = select.value if select.value in found.values() else next(iter(found.values()))
                select.param.update(options=found, value=kept)

    def _begin(self, prompt: str, *, unknown: str = "") -> None:
        options = {**self._form.values, "start_string": prompt}
        if unknown:
            options["unknown"] = unknown
        options["seed"] = options["seed"] or random.randint(1, 2**31 - 1)
        self._last_prompt = prompt
        for button in (self._drop, self._swap, self._more):
            button.visible = False
        self._write.visible, self._stop.visible = False, True
        model_id, beside = self._session.model_id, self._beside.value
        self._sheet.write(model_id, options, self._checkpoint.value, self._ended)
        self._pair.objects = [self._sheet, self._other] if beside else [self._sheet]
        if beside:
            other, checkpoint = (beside.removeprefix("model:"), "best") if ":" in beside else (model_id, beside)
            self._other.write(other, options, checkpoint, lambda: None)

    def _continue(self) -> None:
        self._begin(self._sheet.pen.text)

    def _again(self, unknown: str) -> None:
        self._begin(self._last_prompt, unknown=unknown)

    def _end(self) -> None:
        self._sheet.pen.stop()
        self._other.pen.stop()

    def _ended(self) -> None:
        pen = self._sheet.pen
        self._write.visible, self._stop.visible = True, False
        self._more.visible = bool(pen.count)
        unknown = visible(" ".join(pen.unknown[:FEW])) + (" …" if len(pen.unknown) > FEW else "")
        self._drop.param.update(visible=bool(unknown), label=f"Leave {unknown} out")
        self._swap.param.update(visible=bool(unknown), label=f"Replace {unknown}")
        if pen.error and not pen.unknown:
            self._session.complain(pen.error)
        self._list_before()

    def _list_before(self, *, shows: bool = False) -> None:
        """List what was written with this model before, by anybody; `shows` the newest on the sheet."""
        model_id, find = self._session.model_id, self._session.services.models.samples
        pen = self._sheet.pen

        def done(samples: list[Sample]) -> None:
            own = [sample for sample in reversed(samples) if sample.by_user][:REMEMBERED]
            self._before = {sample.id: sample for sample in own}
            names = {f"{i + 1}. {_title(sample)}": sample.id for i, sample in enumerate(own)}
            self._history.param.update(options={"–": "", **names}, value="")
            if shows and self._sheet.pen is pen:  # nobody began to write meanwhile
                self._sheet.show(*((own[0].text, _about(own[0])) if own else ("", "")))

        self._session.run(lambda: find(model_id), done, self._session.complain)

    def _show_before(self, sample_id: str) -> None:
        if sample := self._before.get(sample_id):
            self._end()
            self._sheet.show(sample.text, _about(sample))

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout


def _title(sample: Sample) -> str:
    return visible(" ".join(sample.text.split())[:36]) or "(blank)"


def _about(sample: Sample) -> str:
    chosen = {name: sample.options.get(name) for name in ("seed", "temperature")}
    return f"written at step {sample.step:,}, " + ", ".join(f"{name} {value}" for name, value in chosen.items())
