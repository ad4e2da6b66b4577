"""What keeps a study from starting on this machine: paths that are not there, packages that are not installed."""

import importlib.util
from pathlib import Path

from qcxr.study import folders, function
from qcxr.study.config import Config


def obstacles(cfg: Config) -> list[str]:
    """One line for each; films that the study generates count as there."""
    lines = [said for key, folder in cfg.written().items() if (said := folders.unwritable(key, folder))]
    for name in cfg.splits():
        for key, paths in cfg.data.sources[name].paths().items():
            gone = [path for path in paths if not Path(path).exists() and not cfg.generated(path)]
            if gone:
                lines.append(
                    f"{gone[0]} does not exist; set data.sources.{name}.{key} in the config, or try `make demo`"
                )
    arms = cfg.arms.values()
    lines += dict.fromkeys(said for made in arms if (said := made.backbone.obstacle))
    if importlib.util.find_spec("torch") is None:
        outside = dict.fromkeys(made.backbone.weights for made in arms if made.backbone.on_torch)
        lines += [f"{name} needs torch, which is not installed; pip install -e '.[hub]'" for name in outside]
    own = {made.head_options["function"] for made in (*arms, *cfg.trials.values()) if made.kind == "circuit"}
    return lines + [said for reference in sorted(own) if (said := function.obstacle(reference))]
