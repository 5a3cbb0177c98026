"""What one visitor looks at. No widgets: views watch it, and everything it started ends with it."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import param

from charrnn.core.errors import NotFound, StoreError, StoreUnavailable, StudioError
from charrnn.core.records import ACTIVE, Corpus, Model
from charrnn.services import Services
from dashboard.live.hub import Hub
from dashboard.live.model_feed import Feed

TABS = ("library", "text", "options", "training", "write")

log = logging.getLogger(__name__)


class Work:
    """Something that was begun and will end; used with the page's lock held."""

    def __init__(self) -> None:
        self._has_ended = False
        self._followers: list[Callable[[], None]] = []

    def on_end(self, follow: Callable[[], None]) -> None:
        """Have `follow` called once the work has ended, at once if it has already."""
        if self._has_ended:
            follow()
        else:
            self._followers.append(follow)

    def end(self) -> None:
        """Say that the work has ended; only the first time counts."""
        self._has_ended = True
        while self._followers:
            self._followers.pop()()


class Session(param.Parameterized):
    """One visitor's choices, and the way in for what other threads have to tell.

    Args:
        services: What a user can do.
        hub: Follows models for all sessions.
        wake: Called from any thread; must soon lead to `drain` on a thread that may touch the page.
        max_upload_bytes: Largest text that is taken from the browser.
    """

    tab = param.Selector(default="library", objects=list(TABS), doc="The page that is open.")
    model_id = param.String(default="", doc="The chosen model.")
    corpus_id = param.String(default="", doc="The text that a new model is to be made from.")
    in_sight = param.Boolean(default=True, doc="Whether the browser shows the page; if not, news waits.")
    notice = param.Tuple(default=("", ""), length=2, doc="Kind (`error` or `info`) and words of the newest message.")

    def __init__(self, services: Services, hub: Hub, wake: Callable[[], None], *, max_upload_bytes: int = 50_000_000):
        super().__init__()
        self.services, self.hub, self.max_upload_bytes = services, hub, max_upload_bytes
        self._wake = wake
        self._inbox: deque[Callable[[], None]] = deque()
        self._drains: list[tuple[str, Callable[[], None]]] = []
        self._leaves: list[Callable[[], None]] = []
        self.place = ""
        """The tab whose view is being built; its drains are called only while it is open."""
        self.closing = threading.Event()
        self._must_look = False
        hub.join(self._wake)

    @property
    def feed(self) -> Feed | None:
        """What is known about the chosen model; `None` when none is chosen."""
        return self.hub.feed(self._wake)

    @property
    def model(self) -> Model | None:
        """The chosen model as the hub last saw it."""
        return self.feed.model if self.feed else None

    @property
    def is_training(self) -> bool:
        """Whether the chosen model is being trained."""
        return self.model is not None and self.model.state in ACTIVE

    @property
    def corpus(self) -> Corpus | None:
        """The text for a new model."""
        if not self.corpus_id:
            return None
        try:
            return self.services.corpora.get(self.corpus_id)
        except NotFound:  # an old link, or a text that was deleted meanwhile
            return None

    @property
    def models(self) -> list[Model]:
        """All models that this visitor may see, as the hub last saw them."""
        return [model for model in self.hub.models if self.services.models.sees(model)]

    @param.depends("model_id", watch=True)
    def _look(self) -> None:
        model_id = self.model_id
        self._must_look = False
        try:
            if model_id:
                self.services.models.check_access(model_id)
        except NotFound as error:  # another's, by a link or by what a browser made up
            model_id = ""
            self.complain(str(error))
        except StoreError as error:  # nobody can say whose it is: looked up again when the database is back
            model_id, self._must_look = "", True
            self.hub.outage.fail(error)
        self.hub.look(self._wake, model_id)

    @param.depends("tab", "in_sight", watch=True)
    def _turn(self) -> None:
        self._wake()

    def choose(self, model: Model, tab: str = "") -> None:
        """Look at a model."""
        self.model_id = model.id
        if tab:
            self.tab = tab

    def on_news(self, drain: Callable[[], None]) -> None:
        """Have `drain` called, with the page's lock held, whenever there may be something new."""
        self._drains.append((self.place, drain))

    def on_leave(self, stop: Callable[[], None]) -> None:
        """Have `stop` called when nobody is connected to the page any more; it must return at once."""
        self._leaves.append(stop)

    def leave(self) -> None:
        """Stop what is done for the visitor only, such as writing a text, since nobody is connected any more."""
        for stop in self._leaves:
            stop()

    def post(self, deliver: Callable[[], None]) -> None:
        """Have `deliver` called with the page's lock held; from any thread."""
        self._inbox.append(deliver)
        self._wake()

    def wake(self) -> None:
        """Have the views look for news; from any thread."""
        self._wake()

    def drain(self) -> None:
        """Deliver what was posted and, if anybody can see it, show what is new."""
        self.guarded(self._check_access)
        while self._inbox and not self.closing.is_set():
            self.guarded(self._inbox.popleft())
        if self._must_look and not self.hub.outage.words:
            self._look()
        if self.in_sight:
            for place, drain in self._drains:
                if place in ("", self.tab):
                    self.guarded(drain)

    def fill(self, place: str) -> None:
        """Have the views of a place show what there is, before they are on the page."""
        if self.in_sight:
            for drain in [drain for of, drain in self._drains if of == place]:
                self.guarded(drain)

    def _check_access(self) -> None:
        """Stop following a model that was deleted or given to another user since the page was opened."""
        feed = self.feed
        if feed is None:
            return
        if feed.is_gone:
            self.model_id = ""
            self.complain(feed.error)
        elif feed.model is not None and not self.services.models.sees(feed.model):
            self.model_id = ""
            self.complain("This model belongs to another user now. Choose another model in the library.")

    def run(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[str], None]) -> Work:
        """Do something slow on a thread of its own; `done` or `failed` gets the outcome with the page's lock held.

        Returns:
            The work, which ends after `done` or `failed`.
        """
        under_way = Work()

        def deliver(outcome: Callable[[], None]) -> None:
            try:
                outcome()
            finally:
                under_way.end()

        def work_and_tell() -> None:
            try:
                result = work()
            except Exception as error:
                words = explained(error)
                self.post(lambda: deliver(lambda: failed(words)))
            else:
                self.post(lambda: deliver(lambda: done(result)))

        threading.Thread(target=work_and_tell, name="dashboard work", daemon=True).start()
        return under_way

    def guarded(self, act: Callable[[], Any]) -> None:
        """Call `act`; what goes wrong is shown as a notice, but for a database that is away: the page says so already.

        When it is back, all views are told to look for news.
        """
        try:
            act()
        except StoreUnavailable as error:
            self.hub.outage.fail(error)
        except Exception as error:
            self.complain(explained(error))

    def complain(self, words: str) -> None:
        """Show an error."""
        self.notice = ("", "")
        self.notice = ("error", words)

    def say(self, words: str) -> None:
        """Show a message."""
        self.notice = ("", "")
        self.notice = ("info", words)

    def close(self) -> None:
        """End what this session started; trainings go on."""
        self.closing.set()
        self.leave()
        self.hub.leave(self._wake)
        self._drains.clear()
        self._leaves.clear()
        self._inbox.clear()


def explained(error: Exception) -> str:
    """Put an error in words; one of the program's own mistakes also goes to the server's log."""
    if isinstance(error, StudioError):
        if isinstance(error, StoreError) and error.unexpected:
            log.error("unexpected database error", exc_info=error)
        return str(error)
    log.error("unexpected error", exc_info=error)
    return f"Something went wrong in the program: {type(error).__name__}: {error}. The server's log says where."
