"""The machine: accelerator, processor cores, fast CPU functions, patches of pinned libraries."""
