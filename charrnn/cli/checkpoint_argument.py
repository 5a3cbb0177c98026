"""Define and check the flag `--checkpoint` of `charrnn sample` and `charrnn score`."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from charrnn.cli.command_base import UsageError
from charrnn.core.records import Model

if TYPE_CHECKING:
    from charrnn.services import Services

LOADING_MESSAGE = "loading TensorFlow and the network …"


def add_checkpoint(parser: ArgumentParser) -> None:
    """Add the flag `--checkpoint`."""
    parser.add_argument(
        "--checkpoint",
        default="best",
        metavar="best|last",
        help="best (default): lowest validation loss; last: newest; or the id of a checkpoint",
    )


def checked_checkpoint(args: Namespace, services: "Services", model: Model) -> str:
    """Return the value of the flag.

    Raises:
        UsageError: The model has no such checkpoint.
    """
    known = ["best", "last", *(checkpoint.id for checkpoint in services.models.checkpoints(model.id))]
    if args.checkpoint not in known:
        raise UsageError(f"There is no checkpoint {args.checkpoint!r}. Choose one of {', '.join(known)}.")
    return str(args.checkpoint)
