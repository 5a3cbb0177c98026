"""Define the exceptions of this project.

    StudioError
    ├── OptionError        an option is unknown, of the wrong type or out of range
    ├── TextError          a text cannot be read or cannot be trained on
    ├── UnknownCharacters  a prompt contains characters that are not in the model's vocabulary
    ├── NotFound           there is no such model, corpus, checkpoint or sample
    ├── NameTaken          another model has this name
    ├── StateError         the model's state does not allow the operation
    ├── LimitExceeded      a limit of this server is exceeded
    ├── LeaseLost          another worker took over this training
    ├── TrainingFailed     the training cannot continue (the loss is NaN, a callback raised, …)
    ├── BundleError        a file is not an exported model, or is damaged or dangerous
    ├── CheckpointError    a checkpoint is missing, damaged or does not match
    └── StoreError         the database rejected an operation, or has an incompatible schema version
        ├── ConstraintError    a change violates a constraint of the database
        └── StoreUnavailable   the database cannot be reached or written now; a retry may succeed

Each message says what was received, what was expected, and what to do. Programming errors raise Python's built-in
exceptions.
"""

from collections.abc import Mapping


class StudioError(Exception):
    """Base class of errors that the user can fix; the message is shown unchanged."""


class OptionError(StudioError):
    """One or more options are invalid.

    Args:
        problems: Maps each invalid option's name to a message.
    """

    def __init__(self, problems: Mapping[str, str]):
        self.problems = dict(problems)
        super().__init__("\n".join(self.problems.values()))


class TextError(StudioError):
    """A text cannot be read, or cannot be trained on with these options."""


class UnknownCharacters(StudioError):
    """A prompt contains characters that are not in the model's vocabulary.

    Args:
        characters: The unknown characters, each once, in order of appearance.
        known: Number of characters in the vocabulary.
    """

    def __init__(self, characters: str, known: int):
        self.characters = characters
        shown = " ".join(repr(c) for c in characters[:20]) + (" …" if len(characters) > 20 else "")
        super().__init__(
            f"The prompt contains {len(characters)} character(s) that are not in the model's vocabulary: {shown}. "
            f"The vocabulary has {known} characters. Remove these from the prompt, choose to drop or replace them "
            f"(--unknown drop, --unknown replace), or train on a text that contains them."
        )


class NotFound(StudioError):
    """There is no such record in the store."""


class NameTaken(StudioError):
    """Another model already has this name."""


class StateError(StudioError):
    """The model's state does not allow the operation."""


class LimitExceeded(StudioError):
    """A limit of this server is exceeded; the message names the limit and how to raise it."""


class LeaseLost(StudioError):
    """Another worker holds this training now; writes of this worker are rejected."""


class TrainingFailed(StudioError):
    """The training cannot continue; the message says which option to change."""


class CheckpointError(StudioError):
    """A checkpoint is missing, damaged, or does not match the network."""


class BundleError(StudioError):
    """A file is not an exported model, or is damaged or dangerous; nothing was imported."""


class StoreError(StudioError):
    """The database cannot be reached, rejected an operation, or has an incompatible schema version.

    Args:
        message: The message to show.
        unexpected: Whether the cause is unknown, so that the error is logged with its traceback.
    """

    def __init__(self, message: str, *, unexpected: bool = False):
        self.unexpected = unexpected
        super().__init__(message)


class ConstraintError(StoreError):
    """A change violates a constraint of the database; `__cause__` is the driver's error."""


class StoreUnavailable(StoreError):
    """The database cannot be reached or written now: it is restarting, busy, or its disk is full."""
