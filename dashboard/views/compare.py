"""Models beside each other: validation losses in one plot, and the options that differ."""

from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, Legend, LegendItem
from bokeh.palettes import Colorblind
from bokeh.plotting import figure

from charrnn.core import formatting
from charrnn.core.records import Model
from dashboard.components.curve_smoothing import thinned
from dashboard.escape import escaped, visible
from dashboard.live.session import Session
from dashboard.theme import markup

MOST = 6
"""Models that are told apart by colour and dash."""
DASHES = ("solid", "dashed", "dotted", "dotdash", "dashdot", [12, 3])


class CompareView(pn.viewable.Viewer):
    """The models that are ticked in the table."""

    def __init__(self, session: Session, table: Any):
        super().__init__()
        self._session, self._asked = session, 0
        self._plot = pn.pane.Bokeh(None, sizing_mode="stretch_width", margin=(8, 0))
        self._differences = markup()
        self._layout = pn.Column(
            markup("<h3>Compared</h3>"), self._plot, self._differences, sizing_mode="stretch_width", margin=(16, 0),
            visible=False,
        )  # fmt: skip
        table.param.watch(lambda event: self._compare(event.new[-MOST:]), "compared")

    def _compare(self, model_ids: list[str]) -> None:
        models = [model for model in self._session.models if model.id in model_ids]
        self._layout.visible = bool(models)
        if not models:
            return
        library = self._session.services.models
        self._asked += 1
        asked = self._asked

        def read() -> list[tuple[Model, np.ndarray, np.ndarray]]:
            found = []
            for model in models:
                validation = library.curve(model.id, "val_loss")
                curve = validation if len(validation) else library.curve(model.id, "loss")
                found.append((model, *thinned(curve.steps, curve.values)))
            return found

        def done(found: list[tuple[Model, np.ndarray, np.ndarray]]) -> None:
            if asked == self._asked:  # only the newest answer counts
                self._show(found)

        self._session.run(read, done, self._session.complain)

    def _show(self, found: list[tuple[Model, np.ndarray, np.ndarray]]) -> None:
        plot = figure(
            height=300, sizing_mode="stretch_width", x_axis_label="step", y_axis_label="nats per character",
            tools="pan,box_zoom,reset",
        )  # fmt: skip
        plot.toolbar.logo, plot.toolbar.autohide, plot.outline_line_color, items = None, True, None, []
        for i, (model, x, y) in enumerate(found):
            source = ColumnDataSource({"x": x, "y": y})
            line = plot.line(
                "x", "y", source=source, color=Colorblind[8][i], line_dash=DASHES[i], line_width=2
            )  # fmt: skip
            items.append(LegendItem(label={"value": visible(model.name)}, renderers=[line]))
        plot.add_layout(Legend(items=items, click_policy="hide"), "above")
        self._plot.object = plot
        self._differences.object = differences([model for model, _, _ in found])

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout


def differences(models: list[Model]) -> str:
    """Return a table of the options in which models differ, and of what they reached."""
    heads = "".join(f'<th scope="col" dir="auto">{escaped(model.name)}</th>' for model in models)
    rows = {"best loss": [formatting.loss(m.best_loss) for m in models], "step": [f"{m.step:,}" for m in models]}
    names = dict.fromkeys(name for model in models for name in model.train_params)
    for name in names:
        values = [model.train_params.get(name, "–") for model in models]
        if any(value != values[0] for value in values):
            rows[name] = [str(value) for value in values]
    lines = "".join(
        f'<tr><th scope="row">{escaped(name)}</th>' + "".join(f"<td>{escaped(v)}</td>" for v in values) + "</tr>"
        for name, values in rows.items()
    )
    return f'<div class="scroll"><table><thead><tr><td></td>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'
