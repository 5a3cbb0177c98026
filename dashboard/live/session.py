"""Hold the state of one page, and deliver results of background threads to it."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import param

from charrnn.core.errors import NotFound, StoreError, StoreUnavailable, StudioError
from charrnn.core.records import ACTIVE, Corpus, Model, ModelState
from charrnn.services import Services
from charrnn.services.training_queue import QueueEntry
from dashboard.live.hub import Hub
from dashboard.live.model_feed import ModelFeed, ModelHistory

NEW_TABS = "text", "options"
"""Tabs of a new model."""
MODEL_TABS = "training", "write", "details"
"""Tabs of the chosen model."""
TABS = "library", *NEW_TABS, *MODEL_TABS

log = logging.getLogger(__name__)


class Task:
    """Work that runs in the background; all methods need the page's lock."""

    def __init__(self) -> None:
        self._has_ended = False
        self._callbacks: list[Callable[[], None]] = []

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call a function when the task ends, or at once if it has ended already."""
        if self._has_ended:
            callback()
        else:
            self._callbacks.append(callback)

    def end(self) -> None:
        """Mark the task as ended; repeated calls have no effect."""
        self._has_ended = True
        while self._callbacks:
            self._callbacks.pop()()


class Session(param.Parameterized):
    """The state of one page.

    Args:
        services: Services of the page's user.
        hub: The hub of the process.
        wake: Schedules a call of `update` with the page's lock held; called from any thread.
        max_upload_bytes: Maximum size of an uploaded text.
    """

    tab = param.Selector(default="library", objects=list(TABS), doc="The open tab.")
    model_id = param.String(default="", doc="ID of the chosen model.")
    corpus_id = param.String(default="", doc="ID of the text for a new model.")
    copied_id = param.String(default="", doc="ID of a model whose settings a new model gets.")
    deleted_id = param.String(default="", doc="ID of the model that was just deleted, which can be restored.")
    is_page_visible = param.Boolean(default=True, doc="Whether the browser shows the page; if not, updates wait.")
    notice = param.Tuple(default=("", ""), length=2, doc="Kind (`error` or `info`) and text of the newest message.")

    def __init__(self, services: Services, hub: Hub, wake: Callable[[], None], *, max_upload_bytes: int = 50_000_000):
        super().__init__()
        self.services, self.hub, self.max_upload_bytes = services, hub, max_upload_bytes
        self._wake = wake
        self._inbox: deque[Callable[[], None]] = deque()
        self._updates: list[Callable[[], None]] = []
        self._disconnects: list[Callable[[], None]] = []
        self.closing = threading.Event()
        self._must_follow = False
        hub.subscribe(self._wake)

    @property
    def feed(self) -> ModelFeed | None:
        """The feed of the chosen model; `None` if there is none."""
        return self.hub.feed(self._wake)

    @property
    def history(self) -> ModelHistory | None:
        """The history of the chosen model as of the hub's last refresh."""
        return self.feed.history if self.feed else None

    @property
    def model(self) -> Model | None:
        """The chosen model as of the hub's last refresh."""
        return self.feed.model if self.feed else None

    @property
    def place(self) -> QueueEntry | None:
        """The place of the chosen model's training in the queue; `None` if it does not wait."""
        return self.hub.queue.get(self.model.id) if self.model and self.model.state == ModelState.QUEUED else None

    @property
    def is_training(self) -> bool:
        """Whether the chosen model is being trained, or waits for that."""
        return self.model is not None and self.model.state in ACTIVE

    @property
    def corpus(self) -> Corpus | None:
        """The text for a new model; `None` if there is none."""
        if not self.corpus_id:
            return None
        try:
            return self.services.corpora.get(self.corpus_id)
        except NotFound:  # an old link, or the text was deleted meanwhile
            return None

    @property
    def models(self) -> list[Model]:
        """All models that the user may see, as of the hub's last refresh."""
        return [model for model in self.hub.models if self.services.models.sees(model)]

    @param.depends("model_id", watch=True)
    def _follow(self) -> None:
        model_id = self.model_id
        self._must_follow = False
        try:
            if model_id:
                self.services.models.check_access(model_id)
        except NotFound as error:  # another user's model, from a link or a forged message
            model_id = ""
            self.show_error(str(error))
        except StoreError as error:  # checked again when the database is available
            model_id, self._must_follow = "", True
            self.hub.database.fail(error)
        self.hub.follow(self._wake, model_id)

    @param.depends("tab", "is_page_visible", watch=True)
    def _update_soon(self) -> None:
        self._wake()

    def choose(self, model: Model, tab: str = "") -> None:
        """Choose a model, and open a tab; one entry in the history of the browser."""
        self.param.update(model_id=model.id, tab=tab or self.tab)

    def on_update(self, callback: Callable[[], None]) -> None:
        """Call a function with the page's lock held whenever there may be something new to show."""
        self._updates.append(callback)

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        """Call a function when the last browser has disconnected from the page; it must not block."""
        self._disconnects.append(callback)

    def disconnect(self) -> None:
        """Stop what only a connected browser needs, such as text generation."""
        for callback in self._disconnects:
            callback()

    def post(self, callback: Callable[[], None]) -> None:
        """Call a function with the page's lock held; can be called from any thread."""
        self._inbox.append(callback)
        self._wake()

    def wake(self) -> None:
        """Update the views soon; can be called from any thread."""
        self._wake()

    def update(self) -> None:
        """Call the posted functions and, if the page is visible, update its views."""
        self.report_errors(self._check_access)
        while self._inbox and not self.closing.is_set():
            self.report_errors(self._inbox.popleft())
        if self._must_follow and not self.hub.database.message:
            self._follow()
        if self.is_page_visible:
            for callback in self._updates:
                self.report_errors(callback)

    def _check_access(self) -> None:
        """Stop following a model that was deleted or given to another user meanwhile."""
        feed = self.feed
        if feed is None:
            return
        if feed.is_gone:
            self.model_id = ""
            self.show_error(feed.error)
        elif feed.model is not None and not self.services.models.sees(feed.model):
            self.model_id = ""
            self.show_error("This model now belongs to another user. Choose another model.")

    def run(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[str], None]) -> Task:
        """Run a slow function on a background thread.

        Args:
            work: The function.
            done: Called with its result, with the page's lock held.
            failed: Called with the message of an exception that it raised, with the page's lock held.

        Returns:
            The task, which ends after `done` or `failed`.
        """
        task = Task()

        def deliver(outcome: Callable[[], None]) -> None:
            try:
                outcome()
            finally:
                task.end()

        def run() -> None:
            try:
                result = work()
            except Exception as error:
                message = error_message(error)
                self.post(lambda: deliver(lambda: failed(message)))
            else:
                self.post(lambda: deliver(lambda: done(result)))

        threading.Thread(target=run, name="dashboard task", daemon=True).start()
        return task

    def report_errors(self, act: Callable[[], Any]) -> None:
        """Call a function, and show an exception that it raises as a notice.

        An unavailable database is not shown as a notice, since a line at the top of every page reports it. All views
        are updated when it is available again.
        """
        try:
            act()
        except StoreUnavailable as error:
            self.hub.database.fail(error)
        except Exception as error:
            self.show_error(error_message(error))

    def show_error(self, message: str) -> None:
        """Show an error."""
        self.notice = ("", "")  # so that the same message shows again
        self.notice = ("error", message)

    def close(self) -> None:
        """Stop everything that this session started, except trainings."""
        self.closing.set()
        self.disconnect()
        self.hub.unsubscribe(self._wake)
        self._updates.clear()
        self._disconnects.clear()
        self._inbox.clear()


def error_message(error: Exception) -> str:
    """Return the message for an exception, and log unexpected ones."""
    if isinstance(error, StudioError):
        if isinstance(error, StoreError) and error.unexpected:
            log.error("unexpected database error", exc_info=error)
        return str(error)
    log.error("unexpected error", exc_info=error)
    return f"Internal error: {type(error).__name__}: {error}. See the server's log for details."
