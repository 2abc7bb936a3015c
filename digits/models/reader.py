"""Reader: the CNN, trained on digits of other hands, too, for pictures that users bring.

With the recipe of params.yaml: RESULT
"""

from digits.models import cnn
from digits.models.cnn import GAINS_BY_BFLOAT16, XLA_ON_CPU, build

__all__ = ["GAINS_BY_BFLOAT16", "XLA_ON_CPU", "Params", "build"]


class Params(cnn.Params):
    """The section train.reader of params.yaml; what is mixed in stands in the section synthesis."""
