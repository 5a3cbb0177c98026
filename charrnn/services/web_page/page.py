"""Render a web page that contains a network, and the scripts that generate text with it.

The page loads nothing: its content security policy forbids all requests, and allows only the one script and the one
style sheet whose hashes it lists. Stored text gets into the page as JSON or escaped.
"""

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy.typing as npt

import charrnn
from charrnn.core.errors import BundleError
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.web_page.assembler import assemble
from charrnn.services.web_page.packed_weights import Format, pack

MAX_WEIGHTS = 50_000_000
"""Maximum parameter count of an exported network: browsers limit the length of a string to about 500 million."""
SCRIPTS = ("exact_math.js", "network.js", "writer.js", "surprise_text.js", "page.js")
CELLS = {"lstm": "LSTM", "gru": "GRU", "rnn": "plain RNN", "mingru": "minGRU"}


@dataclass(frozen=True)
class WebPage:
    """What a web page shows and runs."""

    name: str
    """Name of the model."""
    options: Mapping[str, Any]
    """Training options of the checkpoint."""
    vocabulary: Vocabulary
    weights: Mapping[str, npt.NDArray[Any]]
    """Arrays by name, as checkpoints store them."""
    step: int
    loss: float | None
    """Validation loss of the checkpoint in nats per character."""


def render(page: WebPage, format: Format) -> str:
    """Return the page as HTML.

    Args:
        page: The contents.
        format: Format of the weights, `int8` or `float16`.

    Raises:
        BundleError: The network is too large for a browser.
        CheckpointError: A weight is infinite or not a number.
    """
    if (size := _num_weights(page)) > MAX_WEIGHTS:
        raise BundleError(
            f"The network of {page.name!r} has {size:,} weights; the maximum for a web page is {MAX_WEIGHTS:,}. "
            "Export the model as a ZIP file instead."
        )
    packed = pack(page.weights, page.options, format)
    description = {
        "name": page.name,
        "characters": page.vocabulary.to_json(),
        "network": _architecture(page),
        "facts": _facts(page, format),
        "ngrams": page.options["ngram_order"],
        "wasm": base64.b64encode(assemble(_source("matrix_vector.wat"))).decode(),
        "arrays": packed.arrays,
    }
    script, style = "".join(map(_source, SCRIPTS)), _source("page.css")
    # With \u escapes, no name or character can end the element or be changed by the parser.
    document = json.dumps(description, ensure_ascii=True).replace("<", "\\u003c")
    parts = {
        "TITLE": html.escape(page.name),
        "POLICY": "; ".join(
            [
                "default-src 'none'",
                f"script-src '{_hash(script)}' 'wasm-unsafe-eval'",
                f"style-src '{_hash(style)}'",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        ),
        "STYLE": style,
        "DESCRIPTION": document,
        "WEIGHTS": base64.b64encode(packed.data).decode(),
        "SCRIPT": script,
    }
    pieces = _source("page.html").split("%%")
    return "".join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def _architecture(page: WebPage) -> dict[str, Any]:
    """Return what the network's script needs to know, besides the shapes of arrays."""
    options = page.options
    units, is_mingru = options["lstm_size"], options["cell"] == "mingru"
    size = options["embedding_size"] if options["use_embedding"] else units
    return {
        "cell": options["cell"],
        "units": units,
        "layers": options["num_layers"],
        "classes": len(page.vocabulary) + 1,
        "inputs": size,
        "embeds": bool(options["use_embedding"]) and not is_mingru,
        "projects": is_mingru and size != units,
    }


def _facts(page: WebPage, format: Format) -> dict[str, str]:
    """Return what the page states about the model."""
    options, layers = page.options, page.options["num_layers"]
    facts = {
        "Network": f"{CELLS[options['cell']]}, {layers} layer{'s' if layers > 1 else ''} of {options['lstm_size']} "
        f"hidden units, {_num_weights(page):,} weights as {format}",
        "Vocabulary": f"{len(page.vocabulary):,} characters",
        "Training": f"{page.step:,} steps",
    }
    if page.loss is not None:
        mixed = ", with n-grams" if options["ngram_order"] else ""
        facts[f"Validation loss{mixed}"] = f"{page.loss:.4f} nats per character"
    return facts | {"Exported by": f"Char-RNN Studio {charrnn.__version__}"}


def _num_weights(page: WebPage) -> int:
    return sum(array.size for array in page.weights.values())


def _source(name: str) -> str:
    return (files("charrnn.services.web_page") / name).read_text("utf-8")


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
