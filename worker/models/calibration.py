"""Probabilities that mean what they say: a temperature, and below what the model abstains.

Both are fitted on people the model never saw and served with it as parameters. The temperature is
that of Guo et al., "On Calibration of Modern Neural Networks", 2017.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from worker.domain import FloatArray
from worker.errors import ContractMismatch
from worker.models.recognizer import Emotion

TEMPERATURE: Final = "temperature"
ABSTAIN_BELOW: Final = "abstain_below"
"""Names of the parameters; both are there or none."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is done to probabilities: 1 and 0 change nothing and are those of no calibration."""

    temperature: float = 1.0
    """Above 1 evens probabilities out, below 1 sharpens them."""
    abstain_below: float = 0.0
    """Probability of the best label under which there is no answer, 0..1."""
    confidence: Literal["calibrated", "uncalibrated"] = "uncalibrated"

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Calibration":
        """That of a served model, by its parameters.

        Raises:
            ContractMismatch: They are no numbers in range, or one of the two is missing.
        """
        told = [parameters.get(name) for name in (TEMPERATURE, ABSTAIN_BELOW)]
        if told == [None, None]:
            return cls()
        try:
            temperature, below = (float(value or "") for value in told)
        except ValueError as error:
            raise ContractMismatch(f"calibration parameters: {error}") from error
        if not (0 < temperature < np.inf and 0 <= below <= 1):
            raise ContractMismatch(f"calibration parameters out of range: {temperature}, {below}")
        return cls(temperature, below, "calibrated")

    def applied(self, emotion: Emotion) -> Emotion:
        """The same answer with its probabilities tempered; the levels' are left as they are."""
        return replace(emotion, probabilities=self.tempered(emotion.probabilities))

    def tempered(self, probabilities: FloatArray) -> FloatArray:
        """f32 [..., labels] as the softmax of the logits over the temperature gives them."""
        if self.temperature == 1:
            return probabilities
        logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)) / self.temperature
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=-1, keepdims=True), dtype=np.float32)

    def abstains(self, emotion: Emotion) -> bool:
        """Whether tempered probabilities are too even to name one label."""
        return float(emotion.probabilities.max()) < self.abstain_below
