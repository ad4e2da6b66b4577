"""Whether a study is the paper's, so that the paper's published numbers may stand beside its own."""

from qcxr.study.config import Config
from qcxr.study.sections import Augment, Image, Train


def is_papers(cfg: Config) -> bool:
    """Whether nothing that decides a result differs from the paper's protocol."""
    return (
        cfg.generate is None
        and cfg.tasks == ["cxr8", "cxr14", "cxr19"]
        and [entry.model_dump() for entry in cfg.heads] == ["cdl", "dqc"]
        and not cfg.vary
        and cfg.search is None
        and (cfg.data.fraction, cfg.data.label_order) == (1.0, "given")
        and len(cfg.seeds) == 5
        and (cfg.data.trained_on, cfg.data.test_on) == ("nih", ["nih", "mimic"])
        and (cfg.image, cfg.augment, cfg.train) == (Image(), Augment(), Train())
        and cfg.backbone.name in (None, "resnet50")
        and cfg.backbone.weights == "microsoft/resnet-50"
        and (cfg.backbone.trainable, cfg.backbone.batch_norm) in (("all", None), ("all", "running"))
        and {**cfg.head.get("dqc", {}), "engine": "auto"} in ({"engine": "auto"}, {"engine": "auto", "layers": 3})
    )
