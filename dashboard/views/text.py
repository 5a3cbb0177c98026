"""Choose a text: upload, paste, or use an example or a recent text; show its report, and correct its encoding."""

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
from dashboard.components.file_upload import TextUpload, too_large
from dashboard.components.visible_only_layout import visible_only
from dashboard.escape import escaped
from dashboard.live.session import Session, Task
from dashboard.theme import SMALL, WIDE, markup
from dashboard.views import text_report
from dashboard.views.view import View

PREVIEW_CHARACTERS = 1500
NO_TEXT = (
    "<h2>Start with a text</h2><p class='soft'>The network learns to write like it: a novel, poems, songs, code or "
    "names, in any language. Half a million characters work well; a few thousand are enough for a first try.</p>"
)
OTHER_TEXT = "<h2>Choose another text</h2>"
ENCODINGS = (
    "utf-8", "windows-1252", "iso-8859-15", "utf-16", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "koi8-r",
)  # fmt: skip


@dataclass(frozen=True)
class Upload:
    """The bytes of a text, kept so that they can be decoded again with other settings."""

    data: bytes
    name: str
    encoding: str | None = None
    newlines: Newlines = "lf"


class TextView(View):
    """The text for a new model, and its report."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._upload: Upload | None = None
        self._report: TextReport | None = None
        self._shown_id = ""
        self.status = markup()
        callbacks = self._on_upload, self._on_reject, self._on_progress
        self.file = TextUpload(session.max_upload_bytes, *callbacks, label="Choose or drop a file", margin=0)
        self.pasted = pui.TextAreaInput(
            label="Or paste a text", rows=3, max_length=5_000_000, **WIDE | {"margin": (14, 0, 6, 0)}
        )
        self.use_pasted = self.button("Use pasted text", self._use_pasted, variant="outlined")
        self.recent = pui.Select(label="Recent texts", options={}, width=300, **SMALL)
        self.recent.param.watch(self._choose_recent, "value")
        self.encoding = pui.Select(label="Encoding", options=list(ENCODINGS), width=180, visible=False, **SMALL)
        self.encoding.param.watch(self._choose_encoding, "value")
        self.line_endings = self.button("", self._switch_line_endings, variant="outlined", visible=False)
        self.next = self.tab_button("Continue", "options", color="primary")
        self.summary, self.details = markup(), markup()
        self._create_layout()
        session.param.watch(lambda event: self._show(), "corpus_id")
        self._list_recent()
        self._show()

    def _create_layout(self) -> None:
        limit = f"Plain text, up to {self.session.max_upload_bytes / 1e6:,.0f} MB"
        centered: dict[str, Any] = {"align_items": "center"}
        self.report = pn.Column(
            self.summary,
            pn.FlexBox(self.next, self.line_endings, self.encoding, gap="10px", margin=(14, 0), **centered),
            self.details,
            sizing_mode="stretch_width",
            margin=(0, 0, 28, 0),
            visible=False,
        )
        self._title = markup()
        sources = pn.FlexBox(
            self.file,
            markup(f"<span class='soft small'>{limit}</span>", sizing_mode=None),
            self.recent,
            gap="12px",
            margin=0,
            **centered,
        )
        self.layout = visible_only(
            pn.Column(
                self.status,
                self.report,
                self._title,
                pn.FlexBox(*[self._example(example) for example in examples()], gap="8px 24px", margin=(0, 0, 16, 0)),
                markup("<h3>Your own text</h3>", margin=(0, 0, 8, 0)),
                visible_only(sources),
                self.pasted,
                self.use_pasted,
                **WIDE,
            )
        )

    def _example(self, example: Example) -> pn.Column:
        button = self.button(
            f"Use {example.title}",
            lambda: self._use_example(example.name),
            variant="outlined",
            disabled=bool(example.missing),
            margin=(8, 0, 0, 0),
        )
        text = escaped(example.missing or example.description)
        return pn.Column(
            markup(f"<h3>{escaped(example.title)}</h3><p class='soft small'>{text}</p>"),
            button,
            width=330,
            css_classes=["example"],
            styles={"max-width": "100%"},
            margin=0,
        )

    def _on_upload(self, data: bytes, filename: str) -> None:
        self._read(Upload(data, PurePath(filename).stem[:80] or "text"))

    def _on_reject(self, message: str) -> None:
        self.status.object = ""
        self.session.show_error(message)

    def _on_progress(self, num_bytes: int, fraction: float) -> None:
        self.status.object = text_report.upload_progress(num_bytes, fraction)

    def _use_pasted(self) -> Task:
        text = self.pasted.value_input
        if not text.strip():
            raise TextError("The field is empty. Paste a text into it first.")
        data = encode_utf8(text)
        if len(data) > self.session.max_upload_bytes:
            raise TextError(too_large(self.session.max_upload_bytes))
        return self._read(Upload(data, "pasted text", encoding="utf-8"))

    def _use_example(self, name: str) -> Task:
        self._upload = None
        self._show_status("Reading the example")
        add = self.session.services.corpora.add_example
        return self.session.run(lambda: add(name), self._on_added, self._on_failed)

    def _choose_recent(self, event: Any) -> None:
        if event.new and event.new != self.session.corpus_id:
            self._upload = self._report = None
            self.session.corpus_id = event.new

    def _choose_encoding(self, event: Any) -> None:
        if self._upload and event.new != (self._report.encoding if self._report else None):
            self._read(replace(self._upload, encoding=event.new))

    def _switch_line_endings(self) -> Task | None:
        if self._upload is None:
            return None
        return self._read(replace(self._upload, newlines="keep" if self._upload.newlines == "lf" else "lf"))

    def _read(self, upload: Upload) -> Task:
        """Add a text, and delete the one that was decoded from the same bytes with other settings."""
        replaced_id = self.session.corpus_id if self._upload and self._upload.data is upload.data else ""
        self._upload = upload
        self._show_status("Reading the text")

        def add() -> tuple[Corpus, TextReport]:
            corpora = self.session.services.corpora
            corpus, report = corpora.add(
                io.BytesIO(upload.data), name=upload.name, encoding=upload.encoding, newlines=upload.newlines
            )
            if replaced_id and replaced_id != corpus.id:
                try:
                    corpora.delete(replaced_id)
                except StateError:
                    pass  # a model is trained on it
            return corpus, report

        return self.session.run(add, self._on_added, self._on_failed)

    def _show_status(self, text: str) -> None:
        self.status.object = f'<p class="soft" role="status">{text} …</p>'

    def _on_added(self, added: tuple[Corpus, TextReport]) -> None:
        corpus, self._report = added
        self.status.object = ""
        self._shown_id = ""
        self._list_recent()
        if self.session.corpus_id == corpus.id:
            self._show()
        self.session.corpus_id = corpus.id

    def _on_failed(self, message: str) -> None:
        self.status.object = ""
        # Let the user choose another encoding.
        self.encoding.visible = self.report.visible = self._upload is not None
        self.session.show_error(message)

    def _list_recent(self) -> None:
        recent = {f"{c.name} ({c.num_characters:,} characters)": c.id for c in self.session.services.corpora.all()}
        self.recent.param.update(options={"–": "", **recent}, visible=bool(recent), value="")

    def _show(self) -> None:
        corpus = self.session.corpus
        self.report.visible = corpus is not None
        self._title.object = OTHER_TEXT if corpus else NO_TEXT
        if corpus is None or corpus.id == self._shown_id:
            return
        self._shown_id = corpus.id
        report = self._report
        head = self.session.services.corpora.head(corpus.id, PREVIEW_CHARACTERS)
        remarks = text_report.remarks(report) if report else ""
        self.summary.object = f'<h2 dir="auto">{escaped(corpus.name)}</h2>{text_report.facts(corpus)}{remarks}'
        self.details.object = text_report.preview(head) + (text_report.characters(report) if report else "")
        self._offer_corrections(report)

    def _offer_corrections(self, report: TextReport | None) -> None:
        """Offer other line endings and encodings, if the bytes of the text are available."""
        has_upload = self._upload is not None
        has_other_endings = report is not None and bool(report.line_endings["crlf"] or report.line_endings["cr"])
        keeps_endings = self._upload is not None and self._upload.newlines == "keep"
        self.line_endings.param.update(
            visible=has_upload and has_other_endings,
            label="Convert line endings to LF" if keeps_endings else "Keep original line endings",
        )
        names = list(dict.fromkeys([*([report.encoding, *report.alternatives] if report else []), *ENCODINGS]))
        self.encoding.param.update(options=names, value=report.encoding if report else names[0], visible=has_upload)
