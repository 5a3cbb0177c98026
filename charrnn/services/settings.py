"""Where everything lives, read from the environment once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_path

from charrnn.core.atomic_files import make_folder
from charrnn.core.environment_secrets import resolve_secret_files
from charrnn.core.errors import StudioError
from charrnn.core.file_permissions import make_private, make_tree_private


@dataclass(frozen=True)
class Settings:
    """The data folder and the database."""

    home: Path
    """Holds the SQLite file, `corpora/` and `checkpoints/`."""
    environ: Mapping[str, str] = field(repr=False)
    """Names the database (`CHARRNN_DATABASE_URL`, or `MYSQL_HOST` and its companions); may hold a password."""

    @property
    def corpora(self) -> Path:
        """Folder of the texts."""
        return self.home / "corpora"

    @property
    def checkpoints(self) -> Path:
        """Folder of what the models learned."""
        return self.home / "checkpoints"

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None, *, home: str | Path | None = None) -> "Settings":
        """Read the settings and make the data folder.

        Args:
            environ: Environment variables; the process's own if missing.
            home: Data folder; `CHARRNN_HOME` or the platform's user data folder if missing.

        Raises:
            StudioError: The data folder cannot be made or written, or a file with a secret cannot be read.
        """
        environ = resolve_secret_files(os.environ if environ is None else environ)
        folder = Path(home or environ.get("CHARRNN_HOME") or user_data_path("charrnn")).expanduser().absolute()
        settings = cls(folder, environ)
        try:
            make_folder(folder, inherits=False)
            for part in (settings.corpora, settings.checkpoints):
                make_folder(part)
            if any([make_private(each) for each in (folder, settings.corpora, settings.checkpoints)]):
                # an older version left it open
                make_tree_private(settings.corpora)
                make_tree_private(settings.checkpoints)
        except OSError as error:
            raise StudioError(
                f"The data folder {folder} cannot be made ({error.strerror}). Set CHARRNN_HOME to a folder that you "
                f"may write to."
            ) from error
        if not os.access(folder, os.W_OK):
            raise StudioError(
                f"The data folder {folder} cannot be written to. Set CHARRNN_HOME to a folder that you may write to."
            )
        return settings
