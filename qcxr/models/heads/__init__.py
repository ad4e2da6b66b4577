"""Classification heads, from pooled features to logits: a module for each kind, found by `qcxr.study.heads.KINDS`."""
