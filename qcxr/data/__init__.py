"""From label files and films to batches on the device: labels, sources, manifest, cache, packs, augmentation."""
