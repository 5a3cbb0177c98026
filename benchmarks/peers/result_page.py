"""Write result pages with a table, a plot and a description of the machine."""

import os
import platform
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from importlib.metadata import version
from pathlib import Path

from peers.turn_protocol import num_processors

RESULTS = Path(__file__).parents[1] / "results"
COLORS = "#0072b2", "#e69f00", "#009e73", "#cc79a7"
WIDTH, LEFT, ROW = 760, 250, 18


def machine() -> str:
    """Return a description of the machine, with the date."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    return (
        f"{date.today()}; {num_processors()} processors ({processor}), {platform.system()}; "
        f"TensorFlow {version('tensorflow')}, Keras {version('keras')}."
    )


def add_option(parser: ArgumentParser) -> None:
    """Add the flag --write; BENCH_WRITE=1 sets it for all benchmarks of `make bench`."""
    default = bool(os.environ.get("BENCH_WRITE"))
    parser.add_argument("--write", action="store_true", default=default, help="store the result in results/")


def exact(value: float) -> tuple[float, float, float]:
    """Return a value without spread in the form that `bars` expects."""
    return value, value, value


def write(name: str, title: str, lines: Sequence[str], plot: str) -> None:
    """Write a result to `results/NAME.md` and `results/NAME.svg`.

    Args:
        name: Name of the files.
        title: Title of the page.
        lines: A Markdown table and paragraphs of text.
        plot: The plot, as SVG.
    """
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.svg").write_text(plot, encoding="utf-8")
    page = [f"# {title}\n", machine() + "\n", f"![{title}]({name}.svg)\n", *lines, ""]
    (RESULTS / f"{name}.md").write_text("\n".join(page), encoding="utf-8")


def bars(rows: Mapping[str, Mapping[str, tuple[float, float, float]]], unit: str) -> str:
    """Draw a bar with quartiles for each value of each row, with one color per name and a line at 1.

    Args:
        rows: Lower quartile, median and upper quartile, by label and name.
        unit: Unit of the values, shown below the axis.
    """
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    highest = max([1.0, *(high for row in rows.values() for _, _, high in row.values())])

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - 20) * value / highest

    parts, y = [], 30.0
    for number, name in enumerate(names):
        legend_x = LEFT + 170 * number
        parts.append(f'<rect x="{legend_x}" y="6" width="12" height="12" fill="{COLORS[number]}"/>')
        parts.append(f'<text x="{legend_x + 18}" y="16">{escape(name)}</text>')
    for label, row in rows.items():
        parts.append(f'<text x="{LEFT - 8}" y="{y + ROW * len(row) / 2 + 5}" text-anchor="end">{escape(label)}</text>')
        for name, (low, median, high) in row.items():
            middle = y + ROW / 2
            parts.append(
                f'<rect x="{LEFT}" y="{y + 2}" width="{x(median) - LEFT:.1f}" height="{ROW - 4}" '
                f'fill="{COLORS[names.index(name)]}"/>'
                f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{middle}" y2="{middle}" stroke="#222"/>'
            )
            y += ROW
        y += 8
    parts.append(f'<line x1="{x(1):.1f}" x2="{x(1):.1f}" y1="24" y2="{y}" stroke="#222" stroke-dasharray="3 3"/>')
    parts.append(f'<text x="{x(1):.1f}" y="{y + 14}" text-anchor="middle">1</text>')
    parts.append(f'<text x="{WIDTH - 20}" y="{y + 14}" text-anchor="end">{escape(unit)}</text>')
    return _svg(parts, y + 24)


def curves(lines: Mapping[str, Sequence[tuple[float, float]]], x_label: str, y_label: str) -> str:
    """Draw lines through points `(x, y)`, with one color per name and a dot at the last point of each line."""
    points = [point for line in lines.values() for point in line]
    (left, right), (low, high) = ((min(values), max(values)) for values in zip(*points, strict=True))
    height, bottom = 320, 40

    def to_pixels(x: float, y: float) -> tuple[float, float]:
        x_share, y_share = (x - left) / (right - left or 1), (y - low) / (high - low or 1)
        return 60 + (WIDTH - 90) * x_share, height - bottom - (height - bottom - 30) * y_share

    parts = []
    for number, (name, line) in enumerate(lines.items()):
        pixels = [to_pixels(*point) for point in line]
        coordinates = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
        parts.append(f'<polyline points="{coordinates}" fill="none" stroke="{COLORS[number]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLORS[number]}"/>' for x, y in pixels[-1:]]
        parts.append(
            f'<text x="{WIDTH - 20}" y="{20 + 18 * number}" text-anchor="end" fill="{COLORS[number]}">'
            f"{escape(name)}</text>"
        )
    for value in (low, (low + high) / 2, high):
        parts.append(f'<text x="52" y="{to_pixels(left, value)[1] + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    for value in (left, (left + right) / 2, right):
        x = to_pixels(value, low)[0]
        parts.append(f'<text x="{x:.1f}" y="{height - 20}" text-anchor="middle">{value:.0f}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{height - 4}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(f'<text x="8" y="16">{escape(y_label)}</text>')
    return _svg(parts, height)


def _svg(parts: Sequence[str], height: float) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" '
            'font-size="13"><rect width="100%" height="100%" fill="white"/>',
            *parts,
            "</svg>",
            "",
        ]
    )
