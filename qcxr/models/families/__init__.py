"""The families of backbones: from a `backbone:` section to a description, and checkpoints' arrays by our names."""
