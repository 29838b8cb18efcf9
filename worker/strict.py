"""The base of everything that crosses a wire here: a leaf."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Base of the wire models: unknown fields are errors, instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
