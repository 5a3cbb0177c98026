"""Pack a tiny data folder as this version of the program makes it: `python tests/data/make_home.py`.

Run it before a new revision is added under charrnn/store/migrations, and keep the file that it writes for ever:
tests/services/test_old_data.py opens each of them with the newest program.
"""

import json
import sqlite3
import tempfile
import zipfile
from pathlib import Path

from charrnn.core.atomic_files import atomic_file
from charrnn.services import open_services
from charrnn.store.schema_version import NEWEST

HERE = Path(__file__).parent
TEXT = "".join(f"{number} little ducks went out to play, over the hill and far away.\n" for number in range(9, 0, -1))
OPTIONS = {
    "cell": "lstm", "num_seqs": 2, "num_steps": 5, "lstm_size": 4, "num_layers": 1, "max_steps": 6, "eval_every_n": 3,
    "save_every_n": 4, "log_every_n": 2, "sample_every_n": 6, "seed": 11,
}  # fmt: skip


def make(home: Path) -> dict[str, object]:
    """Fill a data folder; return what a test needs to know of it."""
    with open_services(home, environ={}) as services:
        model = services.training.start(TEXT, name="ducks", options=OPTIONS)
        model = services.training.wait(model.id)
        services.models.note(model.id, "Old, and kept.")
        services.models.tag(model.id, ["old"])
        services.models.delete(services.models.create("drakes").id)
        written = services.writing.write(model.id, {"start_string": "duck", "max_length": 9, "seed": 5})[0]
        return {
            "step": model.step,
            "best_loss": model.best_loss,
            "num_lines": model.log_position,
            "nats": services.writing.score(model.id, TEXT).nats,
            "kept": written.prompt + written.text,
        }


def main() -> None:
    """Write the file of this version; one that is there stays as it is."""
    target = HERE / f"home-{NEWEST}.zip"
    if target.exists():
        raise SystemExit(f"{target} is kept for ever; remove it by hand if no version with it was ever released.")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        expected = make(home)
        with sqlite3.connect(home / "charrnn.sqlite3") as database:  # one file, without a journal beside it
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute("VACUUM")
        database.close()
        with atomic_file(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as pack:
            for path in sorted(home.rglob("*")):
                pack.write(path, path.relative_to(home))
            pack.writestr("expected.json", json.dumps(expected, indent=1))
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
