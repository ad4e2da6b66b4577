"""From label files and films to batches on the device: sources, manifest, cache, packs, audit, augmentation, feeds."""
