"""Files of one image or volume each: pictures, DICOM, NIfTI.

Imports `errors` and libraries. Imported by `layouts` and `sets`.
"""
