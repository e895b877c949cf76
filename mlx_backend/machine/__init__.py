"""The machine: accelerator, processor cores, fast CPU functions, keyring, library patches."""
