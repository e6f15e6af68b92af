"""The configuration `paper`: our literal reconstruction of the TaskFlow paper, a baseline for everything else."""
