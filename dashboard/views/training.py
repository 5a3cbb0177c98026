"""A training: start, stop, resume; how far it is; its loss, samples and log."""

from collections.abc import Callable
from typing import Any

import panel as pn

from charrnn.core import formatting
from charrnn.core.outcome import Outcome
from charrnn.core.records import Corpus, Model, ModelState
from dashboard.components.action_button import ActionButton
from dashboard.components.html_pane import Live
from dashboard.components.visible_only_layout import sparing
from dashboard.escape import escaped
from dashboard.live.progress_estimate import Progress
from dashboard.live.session import Session, Work
from dashboard.theme import empty, markup
from dashboard.views.log import LogView
from dashboard.views.loss import LossView
from dashboard.views.samples import SamplesView

RESUMABLE = (ModelState.STOPPED, ModelState.INTERRUPTED, ModelState.FAILED)


class TrainingView(pn.viewable.Viewer):
    """The chosen model's training."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._seen: tuple[Any, ...] = ()
        self._changing: list[tuple[Model, Work]] = []
        """Models as they are after what was done to them, and what waits to be seen."""
        self._corpus: Corpus | None = None
        self._outcome: Outcome | None = None
        self._head = Live()
        self._buttons = {
            "start": self._button("Start", self._start, color="primary"),
            "stop": self._button("Stop", self._stop, color="primary"),
            "resume": self._button("Resume", self._resume, color="primary"),
            "longer": self._button("Train longer", self._longer, color="primary"),
            "again": self._button("Start over", self._again, variant="text"),
            "really": self._button("Forget what it learned and start over", self._start, color="error"),
            "write": self._button("Write with it", lambda: self._go("write"), variant="outlined"),
        }
        self._nothing = empty(
            "No model chosen", "Choose one in the library, or take a text and train a new one.",
            ActionButton(session, lambda: self._go("text"), label="Take a text"),
        )  # fmt: skip
        self._body = pn.Column(
            self._head,
            sparing(pn.FlexBox(*self._buttons.values(), gap="8px", margin=(10, 0, 18, 0))),
            markup("<h3>Loss</h3>", margin=(0, 0, 8, 0)),
            LossView(session),
            markup("<h3>What it writes</h3>", margin=(22, 0, 8, 0)),
            SamplesView(session),
            markup("<h3>Log</h3>", margin=(22, 0, 10, 0)),
            LogView(session),
            sizing_mode="stretch_width",
            margin=0,
            visible=False,
        )
        self._layout = sparing(pn.Column(self._nothing, self._body, sizing_mode="stretch_width", margin=0))
        session.on_news(self._show)

    def _button(self, label: str, act: Callable[[], Any], **look: Any) -> ActionButton:
        return ActionButton(self._session, act, label=label, visible=False, **look)

    def _go(self, tab: str) -> None:
        self._session.tab = tab

    def _show(self) -> None:
        feed, model = self._session.feed, self._session.model
        self._nothing.visible, self._body.visible = feed is None, feed is not None
        if feed is None or model is None:
            self._end_what_is_seen(None)
            if feed is not None and feed.error:
                self._head.show(f'<div class="notice error" role="alert">{escaped(feed.error)}</div>')
            return
        if self._corpus is None or self._corpus.id != model.corpus_id:
            self._corpus = self._session.services.corpora.get(model.corpus_id) if model.corpus_id else None
        seen = (model.id, model.state, model.epoch, model.step > 0, model.stop_requested)
        progress = Progress.of(model, self._corpus, feed.story.curves["loss"] if feed.story else None)
        if seen != self._seen:
            self._outcome = self._session.services.training.outcome(model.id)
            self._offer(model)
            self._seen = seen
        self._head.show(headline(model, progress, self._outcome))
        self._end_what_is_seen(model)

    def _offer(self, model: Model, *, sure: bool = False) -> None:
        """Show the buttons that can work now."""
        begun = model.state not in (ModelState.DRAFT, ModelState.READY)
        active = self._session.is_training
        has_checkpoint = begun and self._session.services.training.can_resume(model.id)
        shown = {
            "start": model.state == ModelState.READY or (not has_checkpoint and not active and begun),
            "stop": active,
            "resume": model.state in RESUMABLE and has_checkpoint,
            "longer": self._outcome is not None and self._outcome.can_continue and has_checkpoint,
            "again": not active and has_checkpoint and not sure,
            "really": sure,
            "write": has_checkpoint or (active and model.step > 0),
        }
        for name, button in self._buttons.items():
            button.visible = shown[name]
        stopping = model.state == ModelState.STOPPING or model.stop_requested
        self._buttons["stop"].label = "Stopping …" if stopping else "Stop"
        self._buttons["stop"].blocked = stopping

    def _do(self, act: Callable[[], Model]) -> Work:
        """Do something to the training; it ends when the page shows what came of it."""
        work = Work()

        def done(model: Model) -> None:
            self._changing.append((model, work))
            self._session.hub.hurry()

        def failed(words: str) -> None:
            work.end()
            self._session.complain(words)

        self._session.run(act, done, failed)
        return work

    def _end_what_is_seen(self, shown: Model | None) -> None:
        """End what was done to the model once the page shows it, or shows another model."""
        waiting = []
        for model, work in self._changing:
            if shown is None or model.id != shown.id or model.updated_at <= shown.updated_at:
                work.end()
            else:
                waiting.append((model, work))
        self._changing = waiting

    def _start(self) -> Work:
        model_id = self._session.model_id
        return self._do(lambda: self._session.services.training.begin(model_id))

    def _stop(self) -> Work:
        model_id = self._session.model_id
        return self._do(lambda: self._session.services.training.stop(model_id))

    def _resume(self) -> Work:
        model_id = self._session.model_id
        return self._do(lambda: self._session.services.training.resume(model_id))

    def _longer(self) -> Work | None:
        model = self._session.model
        if model is None:
            return None
        more = {"max_steps": model.step + max(model.step, 1), "max_minutes": 0, "max_epochs": 0, "fit_steps": False}
        return self._do(lambda: self._session.services.training.resume(model.id, options=more))

    def _again(self) -> None:
        if self._session.model:
            self._offer(self._session.model, sure=True)

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout


def headline(model: Model, progress: Progress, outcome: Outcome | None = None) -> str:
    """Say in markup what a model is and how far its training is."""
    active = progress.seconds_left is not None and model.state in (ModelState.TRAINING, ModelState.STOPPING)
    facts = {
        "Step": f"{model.step:,} of {progress.total:,}" if progress.total else f"{model.step:,}",
        "Best loss": f"{formatting.loss(model.best_loss)} nats" if model.best_loss is not None else "–",
        "Speed": f"{progress.characters_per_second:,.0f} characters/s" if active else "–",
        "Time left": formatting.duration(progress.seconds_left or 0) if active else "–",
    }
    percent = f"{100 * progress.share:.1f}"
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    error = f'<div class="notice error" role="alert">{escaped(model.error)}</div>' if model.error else ""
    waiting = (
        '<p class="soft small">Starting: TensorFlow loads, then the network is compiled. The first step takes a while.'
        "</p>"
        if model.state in (ModelState.QUEUED, ModelState.TRAINING) and not model.step
        else ""
    )
    advice = f'<p class="advice">{escaped(outcome.advice)}</p>' if outcome and outcome.advice else ""
    cpu = f'<p class="soft small">Trained on: {escaped(model.cpu)}</p>' if model.cpu else ""
    return (
        f'<div class="title"><h2 dir="auto">{escaped(model.name)}</h2>'
        f'<span class="state {model.state}" role="status">{model.state}</span></div>{error}'
        f'<div class="bar" role="progressbar" aria-label="Progress of the training" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}"><span style="width:{percent}%"></span></div>'
        f'<dl class="facts">{rows}</dl>{advice}{cpu}{waiting}'
    )
