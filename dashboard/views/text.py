"""The text: bring one in, see what it is like, mend it."""

import io
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import panel as pn
import panel.ui as pui

from charrnn.core.errors import StateError, TextError
from charrnn.core.records import Corpus
from charrnn.core.text_decoding import Newlines, encode_utf8
from charrnn.core.text_report import TextReport
from charrnn.services.example_texts import Example, examples
from dashboard.components.action_button import ActionButton
from dashboard.components.file_upload import TextUpload, too_large
from dashboard.components.visible_only_layout import sparing
from dashboard.escape import escaped
from dashboard.live.session import Session, Work
from dashboard.theme import markup
from dashboard.views import text_report as shown

PREVIEW = 1500
FIRST = (
    "<h2>Begin with a text</h2><p class='soft'>The network learns to write like it: a novel, poems, songs, code, "
    "names; in any language. Half a million characters are good, a few thousand will do.</p>"
)
AGAIN = "<h2>Or take another one</h2>"
ENCODINGS = (
    "utf-8",
    "windows-1252",
    "iso-8859-15",
    "utf-16",
    "shift_jis",
    "euc_jp",
    "gb18030",
    "big5",
    "euc_kr",
    "koi8-r",
)


@dataclass(frozen=True)
class Source:
    """Where a text came from, so that it can be read once more in another way."""

    data: bytes
    name: str
    encoding: str | None = None
    newlines: Newlines = "lf"


class TextView(pn.viewable.Viewer):
    """Takes a text and says what it found."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._source: Source | None = None
        self._report: TextReport | None = None
        self._shown_id = ""
        limit = session.max_upload_bytes
        self._status = markup()
        self._upload = TextUpload(
            limit, self._arrived, self._refused, self._progress, label="Choose or drop a file", margin=0
        )  # fmt: skip
        self._paste = pui.TextAreaInput(
            label="Or paste a text", rows=3, max_length=5_000_000, sizing_mode="stretch_width", margin=(14, 0, 6, 0)
        )
        self._take = ActionButton(session, self._pasted, label="Use the pasted text", variant="outlined")
        self._known = pui.Select(label="Or one from before", options={}, width=300, size="small", margin=0)
        self._known.param.watch(self._chose_known, "value")
        self._encoding = pui.Select(
            label="Read it as", options=list(ENCODINGS), width=180, size="small", visible=False, margin=0
        )
        self._encoding.param.watch(self._chose_encoding, "value")
        self._line_ends = ActionButton(session, self._turn_line_ends, label="", variant="outlined", visible=False)
        self._on = ActionButton(session, self._go_on, label="Choose options", color="primary")
        self._found = markup()
        self._more = markup()
        self._result = pn.Column(
            self._found,
            pn.FlexBox(self._on, self._line_ends, self._encoding, gap="10px", align_items="center", margin=(14, 0)),
            self._more, sizing_mode="stretch_width", margin=(0, 0, 28, 0), visible=False,
        )  # fmt: skip
        self._title = markup()
        self._layout = sparing(pn.Column(
            self._status,
            self._result,
            self._title,
            pn.FlexBox(*[self._example(example) for example in examples()], gap="8px 24px", margin=(0, 0, 16, 0)),
            markup("<h3>Your own text</h3>", margin=(0, 0, 8, 0)),
            sparing(pn.FlexBox(
                self._upload,
                markup(f"<span class='soft small'>plain text, up to {limit / 1e6:,.0f} MB</span>", sizing_mode=None),
                self._known, gap="12px", align_items="center", margin=0,
            )),
            self._paste,
            self._take,
            sizing_mode="stretch_width", margin=0,
        ))  # fmt: skip
        session.param.watch(lambda event: self._show(), "corpus_id")
        self._list_known()
        self._show()

    def _example(self, example: Example) -> pn.Column:
        button = ActionButton(
            self._session, lambda: self._take_example(example.name), label=f"Take {example.title}", variant="outlined",
            disabled=bool(example.missing), margin=(8, 0, 0, 0),
        )  # fmt: skip
        words = escaped(example.missing or example.description)
        return pn.Column(
            markup(f"<h3>{escaped(example.title)}</h3><p class='soft small'>{words}</p>"), button,
            width=330, css_classes=["example"], styles={"max-width": "100%"}, margin=0,
        )  # fmt: skip

    def _arrived(self, data: bytes, filename: str) -> None:
        self._read(Source(data, PurePath(filename).stem[:80] or "text"))

    def _refused(self, words: str) -> None:
        self._status.object = ""
        self._session.complain(words)

    def _progress(self, received: int, share: float) -> None:
        self._status.object = shown.arriving(received, share)

    def _pasted(self) -> Work:
        text = self._paste.value_input
        if not text.strip():
            raise TextError("There is nothing to use yet: paste a text into the field first.")
        data = encode_utf8(text)
        if len(data) > self._session.max_upload_bytes:
            raise TextError(too_large(self._session.max_upload_bytes))
        return self._read(Source(data, "pasted text", encoding="utf-8"))

    def _take_example(self, name: str) -> Work:
        self._source = None
        self._busy("Reading the example")
        return self._session.run(lambda: self._session.services.corpora.add_example(name), self._took, self._failed)

    def _chose_known(self, event: Any) -> None:
        if event.new and event.new != self._session.corpus_id:
            self._source = self._report = None
            self._session.corpus_id = event.new

    def _chose_encoding(self, event: Any) -> None:
        if self._source and event.new != (self._report.encoding if self._report else None):
            self._read(replace(self._source, encoding=event.new))

    def _turn_line_ends(self) -> Work | None:
        if self._source is None:
            return None
        return self._read(replace(self._source, newlines="keep" if self._source.newlines == "lf" else "lf"))

    def _read(self, source: Source) -> Work:
        """Bring a text in, in the place of the one that the same source gave before."""
        before = self._session.corpus_id if self._source and self._source.data is source.data else ""
        self._source = source
        self._busy("Reading the text")

        def work() -> tuple[Corpus, TextReport]:
            corpora = self._session.services.corpora
            found = corpora.add(
                io.BytesIO(source.data), name=source.name, encoding=source.encoding, newlines=source.newlines
            )
            if before and before != found[0].id:
                try:
                    corpora.delete(before)
                except StateError:
                    pass  # a model was made of it meanwhile, which keeps it
            return found

        return self._session.run(work, self._took, self._failed)

    def _busy(self, words: str) -> None:
        self._status.object = f'<p class="soft" role="status">{words} …</p>'

    def _took(self, found: tuple[Corpus, TextReport]) -> None:
        corpus, self._report = found
        self._status.object = ""
        self._shown_id = ""
        self._list_known()
        if self._session.corpus_id == corpus.id:
            self._show()
        self._session.corpus_id = corpus.id

    def _failed(self, words: str) -> None:
        self._status.object = ""
        # another encoding may be what is wanted: let it be chosen
        self._encoding.visible = self._result.visible = self._source is not None
        self._session.complain(words)

    def _list_known(self) -> None:
        known = {f"{c.name} ({c.num_characters:,} characters)": c.id for c in self._session.services.corpora.all()}
        self._known.param.update(options={"–": "", **known}, visible=bool(known), value="")

    def _show(self) -> None:
        corpus = self._session.corpus
        self._result.visible = corpus is not None
        self._title.object = AGAIN if corpus else FIRST
        if corpus is None or corpus.id == self._shown_id:
            return
        self._shown_id = corpus.id
        report = self._report
        head = self._session.services.corpora.head(corpus.id, PREVIEW)
        self._found.object = (
            f'<h2 dir="auto">{escaped(corpus.name)}</h2>{shown.facts(corpus)}{shown.remarks(report) if report else ""}'
        )
        self._more.object = shown.preview(head) + (shown.characters(report) if report else "")
        has_ends = report is not None and bool(report.line_endings["crlf"] or report.line_endings["cr"])
        keeps = self._source is not None and self._source.newlines == "keep"
        self._line_ends.param.update(
            visible=self._source is not None and has_ends,
            label="Convert line ends to LF" if keeps else "Keep the line ends as they are",
        )
        names = list(dict.fromkeys([*([report.encoding, *report.alternatives] if report else []), *ENCODINGS]))
        self._encoding.param.update(
            options=names, value=report.encoding if report else names[0], visible=self._source is not None
        )

    def _go_on(self) -> None:
        self._session.tab = "options"

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
