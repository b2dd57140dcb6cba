"""Data sets: three splits of index-addressed uint8 images with their targets."""
