"""Compare models: a plot of their validation losses, and a table of the options that differ."""

from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, Legend, LegendItem
from bokeh.palettes import Colorblind
from bokeh.plotting import figure

from charrnn.core import formatting
from charrnn.core.records import Model
from dashboard.components.curve_smoothing import downsample
from dashboard.escape import escaped, printable
from dashboard.live.session import Session
from dashboard.theme import WIDE, markup
from dashboard.views.view import View

MAX_MODELS = 6
"""More lines can hardly be distinguished by color and dash."""
DASHES = ("solid", "dashed", "dotted", "dotdash", "dashdot", [12, 3])

type Curves = list[tuple[Model, np.ndarray, np.ndarray]]
"""Each model with the x and y values of its loss."""


class CompareView(View):
    """The comparison of the models that are selected in a table."""

    def __init__(self, session: Session, table: Any):
        super().__init__(session)
        self._num_requests = 0
        self.plot = pn.pane.Bokeh(None, sizing_mode="stretch_width", margin=(8, 0))
        self.differences = markup()
        parts = markup("<h3>Comparison</h3>"), self.plot, self.differences
        self.layout = pn.Column(*parts, **WIDE | {"margin": (16, 0)}, visible=False)
        table.param.watch(lambda event: self._compare(event.new[-MAX_MODELS:]), "compared")

    def _compare(self, model_ids: list[str]) -> None:
        models = [model for model in self.session.models if model.id in model_ids]
        self.layout.visible = bool(models)
        if not models:
            return
        library = self.session.services.models
        self._num_requests += 1
        request = self._num_requests

        def read() -> Curves:
            curves = []
            for model in models:
                validation = library.curve(model.id, "val_loss")
                curve = validation if len(validation) else library.curve(model.id, "loss")
                curves.append((model, *downsample(curve.steps, curve.values)))
            return curves

        def done(curves: Curves) -> None:
            if request == self._num_requests:  # ignore results of older requests
                self._draw(curves)

        self.session.run(read, done, self.session.show_error)

    def _draw(self, curves: Curves) -> None:
        plot = figure(
            height=300,
            sizing_mode="stretch_width",
            x_axis_label="step",
            y_axis_label="nats per character",
            tools="pan,box_zoom,reset",
        )
        plot.toolbar.logo, plot.toolbar.autohide, plot.outline_line_color, items = None, True, None, []
        for i, (model, x, y) in enumerate(curves):
            source = ColumnDataSource({"x": x, "y": y})
            line = plot.line("x", "y", source=source, color=Colorblind[8][i], line_dash=DASHES[i], line_width=2)
            items.append(LegendItem(label={"value": printable(model.name)}, renderers=[line]))
        plot.add_layout(Legend(items=items, click_policy="hide"), "above")
        self.plot.object = plot
        self.differences.object = differences([model for model, _, _ in curves])


def differences(models: list[Model]) -> str:
    """Return an HTML table of the best loss, the step, and the options that differ between models."""
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
