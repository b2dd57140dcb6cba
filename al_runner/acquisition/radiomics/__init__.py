"""Features of maps, such as saliency maps, after PyRadiomics 3.0.1 (van Griethuysen et al., 2017).

`gray_levels` scales maps and counts their levels in bins; `histogram`, `first_order`, `glcm` and `shape2d`
are sets of features: maps [N, H, W] → float64 [N, F], in the order of their names. All pixels of a map
count. Maps have to be finite; features of a constant one are defined.

Imports NumPy and PyTorch alone. Imported by `strategies`.
"""
