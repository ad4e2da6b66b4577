"""Small random checkpoints of Hugging Face's vision models, written by transformers; their tests skip without torch."""

import contextlib
import io
import json
from pathlib import Path

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 37}
TOKENS = {**SMALL, "image_size": 64, "patch_size": 16}
TEXT = {**SMALL, "vocab_size": 9, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, "projection_dim": 8}
SQUASH = {"image_processor_type": "ViTImageProcessor", "size": {"height": 64, "width": 64}}
CUT = {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 72}, "crop_size": 64}
CONV = {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}}
MODELS = {  # transformers' model, its configuration, its processor
    "vit": ("ViT", TOKENS, SQUASH),
    "gray vit": ("ViT", {**TOKENS, "num_channels": 1}, {**SQUASH, "image_mean": [0.4], "image_std": [0.3]}),
    "dinov2": ("Dinov2", {k: v for k, v in TOKENS.items() if k != "intermediate_size"}, CUT),
    "deit": ("DeiT", TOKENS, {**SQUASH, "image_processor_type": "DeiTImageProcessor", "crop_size": 64}),
    "convnext": ("ConvNext", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}, {**CONV, "crop_pct": 0.95}),
    "swin": (
        "Swin",
        {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4, "image_size": 64},
        SQUASH,
    ),
    "resnet": ("ResNet", {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"}, CONV),
    "siglip": ("SiglipVision", TOKENS, {**SQUASH, "image_processor_type": "SiglipImageProcessor"}),
    "clip": (
        "CLIP",
        {"text_config": TEXT, "vision_config": TOKENS},
        {**CUT, "image_processor_type": "CLIPImageProcessor"},
    ),
    "vit mae": ("ViTMAE", {**TOKENS, "decoder_num_attention_heads": 2, "decoder_hidden_size": 8}, SQUASH),
    "bert": ("Bert", {**SMALL, "vocab_size": 9}, {}),
}


def write(folder: Path, name: str, **changes) -> Path:
    """The checkpoint as transformers' save_pretrained lays it out."""
    import torch
    import transformers

    family, config, processor = MODELS[name]
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**{**config, **changes})
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        getattr(transformers, f"{family}Model")(config).eval().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder
