"""Every adapter, in one place."""

from collections.abc import Mapping
from typing import Final

from training.datasets.casme2 import CASME2
from training.datasets.casme3 import CASME3_A, CASME3_C
from training.datasets.casme_sq import CASME_SQ
from training.datasets.clip import DatasetName
from training.datasets.dfme import DFME
from training.datasets.fourdme import FOURDME
from training.datasets.mmew import MMEW
from training.datasets.reading import Adapter
from training.datasets.samm import SAMM
from training.datasets.smic import SMIC_HS, SMIC_NIR, SMIC_VIS

_ALL: Final[tuple[Adapter, ...]] = (
    SMIC_HS,
    SMIC_VIS,
    SMIC_NIR,
    CASME2,
    CASME_SQ,
    SAMM,
    MMEW,
    CASME3_A,
    CASME3_C,
    FOURDME,
    DFME,
)
ADAPTERS: Final[Mapping[DatasetName, Adapter]] = {adapter.dataset: adapter for adapter in _ALL}
