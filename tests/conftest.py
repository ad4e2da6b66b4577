"""Every test runs on the CPU, with strict dtype and rank promotion and warnings as errors (pyproject.toml)."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
