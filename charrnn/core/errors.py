"""Every error that this project raises on purpose, and the one place to look for what can go wrong.

    StudioError
    ├── OptionError        an option is unknown, of the wrong type or out of range
    ├── TextError          a text cannot be read or cannot be trained on
    ├── UnknownCharacters  a prompt holds characters that the model never saw
    ├── NotFound           no model, corpus, checkpoint or sample of that name
    ├── NameTaken          another model has that name
    ├── StateError         the model's state does not allow what was asked
    ├── LimitReached       it is more than whoever runs this server allows
    ├── LeaseLost          another worker has taken this training over
    ├── TrainingFailed     the training cannot go on (loss is not a number, a callback raised, …)
    ├── BundleError        a file is no exported model, or a damaged or dangerous one
    ├── CheckpointError    a checkpoint is missing, damaged or does not fit
    └── StoreError         the database refuses, or has another version
        ├── BrokenConstraint   a change violates a constraint of the database
        └── StoreAway          the database cannot be reached or written just now; trying again may help

Each message says what came, what was expected, and what to do. Programming mistakes stay Python's own errors.
"""

from collections.abc import Mapping


class StudioError(Exception):
    """Something that a user can understand and mend; its text is meant to be shown as it is."""


class OptionError(StudioError):
    """One or more options are wrong.

    Args:
        problems: Message for each wrong option, by the option's name.
    """

    def __init__(self, problems: Mapping[str, str]):
        self.problems = dict(problems)
        super().__init__("\n".join(self.problems.values()))


class TextError(StudioError):
    """A text cannot be read, or cannot be trained on with these options."""


class UnknownCharacters(StudioError):
    """A prompt holds characters that are not in the model's vocabulary.

    Args:
        characters: The unknown characters, each once, in order of appearance.
        known: How many characters the vocabulary has.
    """

    def __init__(self, characters: str, known: int):
        self.characters = characters
        shown = " ".join(repr(c) for c in characters[:20]) + (" …" if len(characters) > 20 else "")
        super().__init__(
            f"The prompt holds {len(characters)} character(s) that this model never saw: {shown}. "
            f"It knows {known} characters. Leave them out of the prompt, or choose to drop or to replace "
            f"them (--unknown drop, --unknown replace), or train on a text that contains them."
        )


class NotFound(StudioError):
    """There is no such thing in the store."""


class NameTaken(StudioError):
    """Another model already has this name."""


class StateError(StudioError):
    """The model's state does not allow what was asked."""


class LimitReached(StudioError):
    """It is more than whoever runs this server allows; the message names the limit and how it is set."""


class LeaseLost(StudioError):
    """Another worker holds this training now; whatever this one still writes does not count."""


class TrainingFailed(StudioError):
    """The training cannot go on; the message says which option to change."""


class CheckpointError(StudioError):
    """A checkpoint is missing, damaged, or does not fit the network."""


class BundleError(StudioError):
    """A file is no model that was exported, or a damaged or dangerous one; nothing was imported."""


class StoreError(StudioError):
    """The database cannot be reached, refuses the login, or has a version that this program does not know.

    Args:
        message: The sentence to show.
        unexpected: The program has no advice for this error: it belongs into a log with its traceback.
    """

    def __init__(self, message: str, *, unexpected: bool = False):
        self.unexpected = unexpected
        super().__init__(message)


class BrokenConstraint(StoreError):
    """A change violates a constraint of the database; its cause is the driver's error."""


class StoreAway(StoreError):
    """The database cannot be reached or written just now: it restarts, is busy, or its disk is full."""
