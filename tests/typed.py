"""Shapes and types checked at every call: what `tests/conftest.py` puts around each annotated function of the package.

`int` is a `float` here, as PEP 484 has it. A test that hands a function what its types already forbid, to see our own
words for it, uses the fixture `unchecked`.
"""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
