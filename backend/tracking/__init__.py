"""From pictures to FLAME parameters: decode, detect, matte, crop, fit."""
