"""Which recognizers are offered: whoever runs this may leave out those that infer emotions."""

from collections.abc import Sequence
from typing import TypeVar

from service.errors import GatewayCode, ProblemError
from service.schemas import JobOptions

Options = TypeVar("Options", bound=JobOptions)


def as_permitted(options: Options, offered: Sequence[str]) -> Options:
    """The options with a recognizer that is offered: the first one where none was asked for.

    Raises ProblemError where another one was.
    """
    if options.recognizer in offered:
        return options
    if "recognizer" in options.model_fields_set:
        raise ProblemError(
            GatewayCode.INVALID_REQUEST,
            f"options.recognizer: this service offers {', '.join(offered)}.",
        )
    return options.model_copy(update={"recognizer": offered[0]})
