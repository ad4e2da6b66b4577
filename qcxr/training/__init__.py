"""The paired training protocol: step, fit, checkpoints, prediction, devices, progress."""
