"""Shapes and types checked at every call: what `tests/conftest.py` puts around each annotated function of the package.

`int` is a `float` here, as PEP 484 has it. A test that hands a function what its types already forbid, to see our own
words for it, uses the fixture `unchecked`.
"""

import warnings
from collections.abc import Callable

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintPep585DeprecationWarning


def checked(function: Callable) -> Callable:
    """`function`, checked by beartype."""
    with warnings.catch_warnings():
        # flax's State is made of typing's own classes, of which beartype warns (an error in the tests)
        warnings.simplefilter("ignore", BeartypeDecorHintPep585DeprecationWarning)
        return beartype(function, conf=BeartypeConf(is_pep484_tower=True))
