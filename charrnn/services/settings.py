"""Read the locations of the data folder and the database from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_path

from charrnn.core.atomic_files import make_folder
from charrnn.core.errors import StudioError
from charrnn.core.file_permissions import make_private, make_tree_private
from charrnn.core.secret_files import resolve_secret_files


@dataclass(frozen=True)
class Settings:
    """The data folder and the database."""

    home: Path
    """Contains the SQLite file, `corpora/` and `checkpoints/`."""
    environ: Mapping[str, str] = field(repr=False)
    """Environment variables; `CHARRNN_DATABASE_URL` or `MYSQL_HOST` etc. may contain a password."""

    @property
    def corpora(self) -> Path:
        """Folder of the text files."""
        return self.home / "corpora"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.home / "checkpoints"

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None, *, home: str | Path | None = None) -> "Settings":
        """Read the settings and create the data folder.

        Args:
            environ: Environment variables; those of the process if missing.
            home: Data folder; `CHARRNN_HOME` or the platform's user data folder if missing.

        Raises:
            StudioError: The data folder cannot be created or written, or a secret file cannot be read.
        """
        environ = resolve_secret_files(os.environ if environ is None else environ)
        folder = Path(home or environ.get("CHARRNN_HOME") or user_data_path("charrnn")).expanduser().absolute()
        settings = cls(folder, environ)
        try:
            make_folder(folder, inherits=False)
            for part in (settings.corpora, settings.checkpoints):
                make_folder(part)
            if any([make_private(path) for path in (folder, settings.corpora, settings.checkpoints)]):
                # created by an older version, readable by other users
                make_tree_private(settings.corpora)
                make_tree_private(settings.checkpoints)
        except OSError as error:
            raise StudioError(
                f"Cannot create the data folder {folder}: {error.strerror}. Set CHARRNN_HOME to a folder that you can "
                f"write to."
            ) from error
        if not os.access(folder, os.W_OK):
            raise StudioError(
                f"Cannot write to the data folder {folder}. Set CHARRNN_HOME to a folder that you can write to."
            )
        return settings
