"""Show the place in the queue, progress, loss, samples and log of a training, with buttons to control it."""

from collections.abc import Callable

import panel as pn

from charrnn.core import formatting
from charrnn.core.records import Corpus, Model, ModelState
from charrnn.core.training_outcome import Outcome
from charrnn.services.progress_estimate import ProgressEstimate
from dashboard.components.html_pane import HTMLPane
from dashboard.components.visible_only_layout import visible_only
from dashboard.escape import escaped
from dashboard.live.model_feed import ModelFeed
from dashboard.live.session import Session, Task
from dashboard.theme import WIDE, placeholder, section, side_by_side
from dashboard.views.html_snippets import error_message, facts, progress_bar
from dashboard.views.log import LogView
from dashboard.views.loss import LossView
from dashboard.views.samples import SamplesView
from dashboard.views.view import View

RESUMABLE = (ModelState.STOPPED, ModelState.INTERRUPTED, ModelState.FAILED)
STARTING = "Starting: TensorFlow is loaded, and the network is compiled. The first step takes a while."


class TrainingView(View):
    """The training of the chosen model."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._changes: list[tuple[Model, Task]] = []
        """Models after a change, each with the task that ends when the page shows the change."""
        self._corpus: Corpus | None = None
        self._outcome: Outcome | None = None
        self.headline = HTMLPane()
        hidden = {"visible": False}
        self.buttons = {
            "start": self.button("Start", self._start, color="primary", **hidden),
            "stop": self.button("Stop", self._stop, color="primary", **hidden),
            "up": self.button("Move up", lambda: self._move("up"), variant="outlined", **hidden),
            "down": self.button("Move down", lambda: self._move("down"), variant="outlined", **hidden),
            "resume": self.button("Resume", self._resume, color="primary", **hidden),
            "continue": self.button("Train longer", self._continue, variant="outlined", **hidden),
            "restart": self.button("Start over", self._ask_to_restart, variant="text", **hidden),
            "confirm": self.button("Discard and retrain", self._start, color="error", **hidden),
            "write": self.tab_button("Write", "write", color="primary", **hidden),
        }
        self.loss, self.samples, self.log = LossView(session), SamplesView(session), LogView(session, collapsed=True)
        self._placeholder = placeholder(
            "No model chosen",
            "Choose one of your models, or train a new one.",
            self.tab_button("New model", "text"),
        )
        self._body = pn.Column(
            self.headline,
            visible_only(pn.FlexBox(*self.buttons.values(), gap="8px", margin=(10, 0, 18, 0))),
            side_by_side(section("Samples", self.samples), section("Loss", self.loss)),
            section("Log", self.log),
            visible=False,
            **WIDE,
        )
        self.layout = visible_only(pn.Column(self._placeholder, self._body, **WIDE))

    def update(self) -> None:
        """Show the progress, and the buttons of the possible actions."""
        self.update_children(self.loss, self.samples, self.log)
        feed, model = self.session.feed, self.session.model
        self._placeholder.visible, self._body.visible = feed is None, feed is not None
        if feed is not None and model is not None:
            self._show(feed, model)
        elif feed is not None and feed.error:
            self.headline.show(error_message(feed.error))
        self._end_shown_changes(model)

    def _show(self, feed: ModelFeed, model: Model) -> None:
        if self._corpus is None or self._corpus.id != model.corpus_id:
            self._corpus = self.session.services.corpora.get(model.corpus_id) if model.corpus_id else None
        losses = feed.history.curves["loss"] if feed.history else None
        state = (model.id, model.state, model.epoch, model.step > 0, model.stop_requested, self._can_move(model))
        self.if_changed(state, lambda: self._show_state(model))
        progress, place = ProgressEstimate.of(model, self._corpus, losses), self.session.place
        self.headline.show(headline(model, progress, self._outcome, place=str(place or "")))

    def _can_move(self, model: Model) -> bool:
        """Return whether another training of the same user waits, too."""
        queue = self.session.hub.queue
        return model.id in queue and any(
            other.model.owner == model.owner for other in queue.values() if other.model.id != model.id
        )

    def _show_state(self, model: Model) -> None:
        self._outcome = self.session.services.training.outcome(model.id)
        self._offer_actions(model)

    def _offer_actions(self, model: Model, *, confirm: bool = False) -> None:
        """Show the buttons of the possible actions; `confirm` replaces "Start over" by its confirmation."""
        has_begun = model.state not in (ModelState.DRAFT, ModelState.READY)
        is_active = self.session.is_training
        has_checkpoint = has_begun and self.session.services.training.can_resume(model.id)
        visible = {
            "start": model.state == ModelState.READY or (not has_checkpoint and not is_active and has_begun),
            "stop": is_active,
            "up": self._can_move(model),
            "down": self._can_move(model),
            "resume": model.state in RESUMABLE and has_checkpoint,
            "continue": self._outcome is not None and self._outcome.can_continue and has_checkpoint,
            "restart": not is_active and has_checkpoint and not confirm,
            "confirm": confirm,
            "write": has_checkpoint or (is_active and model.step > 0),
        }
        for name, button in self.buttons.items():
            button.visible = visible[name]
        is_stopping = model.state == ModelState.STOPPING or model.stop_requested
        stop = "Cancel" if model.state == ModelState.QUEUED else "Stop"
        self.buttons["stop"].label = "Stopping …" if is_stopping else stop
        self.buttons["stop"].blocked = is_stopping

    def _change(self, act: Callable[[], Model]) -> Task:
        """Change the training; the task ends when the page shows the change."""
        task = Task()

        def done(model: Model) -> None:
            self._changes.append((model, task))
            self.session.hub.refresh()

        def failed(message: str) -> None:
            task.end()
            self.session.show_error(message)

        self.session.run(act, done, failed)
        return task

    def _end_shown_changes(self, shown: Model | None) -> None:
        """End the tasks of changes that the page shows, or whose model it no longer shows."""
        waiting = []
        for model, task in self._changes:
            if shown is None or model.id != shown.id or model.updated_at <= shown.updated_at:
                task.end()
            else:
                waiting.append((model, task))
        self._changes = waiting

    def _start(self) -> Task:
        model_id = self.session.model_id
        return self._change(lambda: self.session.services.training.begin(model_id))

    def _stop(self) -> Task:
        model_id = self.session.model_id
        return self._change(lambda: self.session.services.training.stop(model_id))

    def _move(self, place: str) -> Task:
        model_id = self.session.model_id
        return self._change(lambda: self.session.services.queue.move(model_id, place))

    def _resume(self) -> Task:
        model_id = self.session.model_id
        return self._change(lambda: self.session.services.training.resume(model_id))

    def _continue(self) -> Task | None:
        model = self.session.model
        if model is None:
            return None
        limits = {"max_steps": model.step + max(model.step, 1), "max_minutes": 0, "max_epochs": 0, "fit_steps": False}
        return self._change(lambda: self.session.services.training.resume(model.id, options=limits))

    def _ask_to_restart(self) -> None:
        if self.session.model:
            self._offer_actions(self.session.model, confirm=True)


def headline(model: Model, progress: ProgressEstimate, outcome: Outcome | None = None, *, place: str = "") -> str:
    """Return HTML with a model's name, state, place in the queue, progress, error and advice."""
    is_running = model.state in (ModelState.TRAINING, ModelState.STOPPING)
    # With a time limit, the time left is known before the speed.
    speed, left = (progress.characters_per_second, progress.seconds_left) if is_running else (None, None)
    figures = {
        "Step": f"{model.step:,} of {progress.total:,}" if progress.total else f"{model.step:,}",
        "Best loss": f"{formatting.loss(model.best_loss)} nats" if model.best_loss is not None else "–",
    }
    if speed is not None:
        figures["Speed"] = f"{speed:,.0f} characters/s"
    if left is not None:
        figures["Time left"] = formatting.duration(left)
    percent = f"{100 * progress.fraction:.1f}"
    waiting = f'<p class="advice" role="status">{escaped(place)}</p>' if place else ""
    is_starting = model.state in (ModelState.QUEUED, ModelState.TRAINING) and not model.step and not place
    starting = f'<p class="soft small">{STARTING}</p>' if is_starting else ""
    advice = f'<p class="advice">{escaped(outcome.advice)}</p>' if outcome and outcome.advice else ""
    return (
        f'<div class="title"><h2 dir="auto">{escaped(model.name)}</h2>'
        f'<span class="state {model.state}" role="status">{model.state}</span></div>{waiting}'
        f"{error_message(model.error) if model.error else ''}"
        f"{progress_bar('Training progress', percent)}{facts(figures)}{advice}{starting}"
    )
