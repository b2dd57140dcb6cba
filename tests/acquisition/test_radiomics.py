"""Features of maps against their definitions, PyRadiomics and scikit-image."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import kurtosis
from skimage.filters import threshold_otsu
from torch import Tensor

from al_runner.acquisition.radiomics import first_order as first_order_module
from al_runner.acquisition.radiomics import glcm as glcm_module
from al_runner.acquisition.radiomics import gray_levels
from al_runner.acquisition.radiomics import shape2d as shape2d_module
from al_runner.acquisition.radiomics.first_order import first_order
from al_runner.acquisition.radiomics.glcm import glcm
from al_runner.acquisition.radiomics.gray_levels import LEVELS, equal_bins, in_bins, scaled, unit_range
from al_runner.acquisition.radiomics.histogram import Of, histogram_kurtosis
from al_runner.acquisition.radiomics.shape2d import Threshold, above, of_regions, otsu, shape2d
from tests import reference
from tests.acquisition.data import generator

FIRST_ORDER = ("Kurtosis", "Skewness", "Entropy", "TotalEnergy")
GLCM = ("SumEntropy", "Idn", "DifferenceEntropy", "MCC")
SHAPE2D = ("Sphericity", "SphericalDisproportion", "Elongation")
WIDTHS = [25, 10, 7.3, 0.1]
ALL = [histogram_kurtosis, first_order, glcm, shape2d]


def maps(n: int, height: int = 9, width: int = 12, seed: int = 0) -> Tensor:
    """Float64, sparse to flat, signed to positive, levels on the edges of bins, few levels."""
    draws = torch.rand(n, height, width, generator=generator(seed), dtype=torch.float64)
    powers = torch.arange(1, n + 1, dtype=torch.float64)[:, None, None]
    found = draws**powers * 250
    found[::3] -= 60
    found[1::3] = (found[1::3] / 5).round() * 5
    return found


def regions(n: int = 12, height: int = 9, width: int = 12, seed: int = 0) -> Tensor:
    """Speckles, holes, many parts, all edges touched."""
    draws = torch.rand(n, height, width, generator=generator(seed))
    return draws < torch.linspace(0.02, 1, n)[:, None, None]


def peer(image: Any, mask: Any, width: float = 25, shift: float = 0) -> dict[str, float]:
    """What PyRadiomics says."""
    radiomics = pytest.importorskip("radiomics")
    radiomics.setVerbosity(60)
    from radiomics.firstorder import RadiomicsFirstOrder
    from radiomics.glcm import RadiomicsGLCM
    from radiomics.shape2D import RadiomicsShape2D
    from SimpleITK import GetImageFromArray

    whole = np.ones_like(mask, dtype=np.uint8)
    options = {"binWidth": width, "voxelArrayShift": shift, "force2D": True, "force2Ddimension": 0}
    found: dict[str, float] = {}
    for extractor, inside, names in (
        (RadiomicsFirstOrder, whole, FIRST_ORDER),
        (RadiomicsGLCM, whole, GLCM),
        (RadiomicsShape2D, mask.astype(np.uint8), SHAPE2D),
    ):
        features = extractor(GetImageFromArray(image[None]), GetImageFromArray(inside[None]), **options)
        for name in names:
            features.enableFeatureByName(name)
        found |= {name: float(value) for name, value in features.execute().items()}
    return found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("shift", [0, 100])
def test_first_order_is_the_definition(width: float, shift: float) -> None:
    images = maps(6) if width > 1 else maps(6) / 50 + 0.003  # on no edge, where the formula is rounded
    expected = [reference.first_order(image, width, shift) for image in images.tolist()]
    np.testing.assert_allclose(first_order(images, width, shift), expected, rtol=1e-9)


@pytest.mark.parametrize("width", WIDTHS)
def test_glcm_is_the_definition(width: float) -> None:
    images = maps(6) if width > 1 else maps(6) / 50 + 0.003  # on no edge, where the formula is rounded
    expected = [reference.glcm(image, width) for image in images.tolist()]
    np.testing.assert_allclose(glcm(images, width), expected, atol=1e-7)


def test_glcm_of_narrow_maps_and_rare_levels() -> None:
    for shape in ((1, 1, 9), (1, 9, 1), (1, 2, 1), (1, 2, 2)):
        images = maps(3)[:1, : shape[1], : shape[2]]
        np.testing.assert_allclose(glcm(images, 10), [reference.glcm(images[0].tolist(), 10)], atol=1e-7)
    corner = torch.zeros(1, 5, 5)
    corner[0, 0, 4] = 200  # has no neighbor in one of the directions
    np.testing.assert_allclose(glcm(corner), [reference.glcm(corner[0].tolist(), 25)], atol=1e-7)


def test_shape2d_is_the_definition() -> None:
    images = regions()
    np.testing.assert_allclose(of_regions(images), [reference.shape2d(i) for i in images.numpy()], atol=1e-7)


def test_shapes_that_are_known() -> None:
    images = torch.zeros(5, 9, 9, dtype=torch.bool)
    images[0, 4, 4] = True  # a pixel: a square on its tip, of edges √½
    images[1, 2:8, 2:8] = True
    images[2, 3, 1:8] = True  # a line
    images[3] = images[2].T
    images[4, 3:6, 3:6] = True
    images[4, 4, 4] = False  # a ring
    found = of_regions(images)
    side = 2 * (torch.pi * 0.5) ** 0.5 / (4 * 0.5**0.5)
    square = 2 * (torch.pi * (36 - 4 / 8)) ** 0.5 / (20 + 4 * 0.5**0.5)
    line = 2 * (torch.pi * 6.5) ** 0.5 / (12 + 4 * 0.5**0.5)
    ring = 2 * (torch.pi * (9 - 4 / 8 - 1 / 2)) ** 0.5 / (8 + 4 * 0.5**0.5 + 4 * 0.5**0.5)
    assert found[:, 0].tolist() == pytest.approx([side, square, line, line, ring])
    assert found[:, 1].tolist() == pytest.approx((1 / found[:, 0]).tolist())
    assert found[:, 2].tolist() == pytest.approx([1, 1, 0, 0, 1], abs=1e-7)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("size", [(9, 12), (32, 32)])
def test_all_are_those_of_pyradiomics(width: float, size: tuple[int, int]) -> None:
    images = maps(7, *size)
    images = images if width > 1 else images / 50
    masks = regions(9, *size)[1:8]
    found = torch.cat([first_order(images, width, 3), glcm(images, width), of_regions(masks)], 1)
    for image, mask, ours in zip(images.numpy(), masks.numpy(), found.tolist(), strict=True):
        theirs = peer(image, mask, width, 3)
        assert ours == pytest.approx([theirs[k] for k in FIRST_ORDER + GLCM + SHAPE2D], rel=1e-9, abs=1e-6)


def test_constant_maps_are_those_of_pyradiomics() -> None:
    image = np.full((6, 6), 80.0)
    theirs = peer(image, np.ones((6, 6)))
    ours = torch.cat([f(torch.from_numpy(image)[None]) for f in (first_order, glcm)], 1)[0].tolist()
    assert ours == pytest.approx([theirs[k] for k in FIRST_ORDER + GLCM], abs=1e-9)


def test_names_are_in_the_order_of_the_features() -> None:
    assert first_order_module.NAMES == ("kurtosis", "skewness", "entropy", "total_energy")
    assert len(glcm_module.NAMES) == len(GLCM)
    assert len(shape2d_module.NAMES) == len(SHAPE2D)


@pytest.mark.parametrize("of", ["distribution", "counts"])
@pytest.mark.parametrize("n_bins", [2, 16, 256])
def test_histogram_kurtosis_is_the_definition(n_bins: int, of: Of) -> None:
    images = maps(9)
    expected = [reference.histogram_kurtosis(image, n_bins, of) for image in images.numpy()]
    np.testing.assert_allclose(histogram_kurtosis(images, n_bins, of), expected, rtol=1e-9)
    if of == "distribution":
        bins = equal_bins(unit_range(images), n_bins).flatten(1)
        np.testing.assert_allclose(histogram_kurtosis(images, n_bins), kurtosis(bins, 1, fisher=False))


def test_histogram_kurtosis_rises_with_rare_peaks_and_knows_no_scale() -> None:
    images = torch.rand(5, 16, 16, generator=generator()) ** torch.tensor([1, 2, 4, 8, 16])[:, None, None]
    assert histogram_kurtosis(images).diff().gt(0).all()
    torch.testing.assert_close(histogram_kurtosis(images * 1e-12 + 0), histogram_kurtosis(images))


def test_otsu_is_the_definition_and_that_of_scikit_image() -> None:
    images = maps(9, 20, 20)
    found = otsu(unit_range(images))
    for image, share in zip(images, found.tolist(), strict=True):
        bins = equal_bins(unit_range(image[None]), 256)[0].flatten().tolist()
        assert share * 256 - 0.5 == reference.otsu(bins, 256)
    for image, region in zip(images.numpy()[::3], above(images, "otsu").numpy()[::3], strict=True):
        assert np.array_equal(region, image > threshold_otsu(image))


def test_threshold_is_a_share_of_the_range() -> None:
    image = torch.tensor([[[-10.0, 0.0], [9.0, 10.0]]])
    assert above(image, 0.5).tolist() == [[[False, False], [True, True]]]
    assert above(image, 0.96).tolist() == [[[False, False], [False, True]]]


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e-30, 1e6])
def test_constant_maps(value: float) -> None:
    image = torch.full((2, 7, 9), value, dtype=torch.float64)
    assert histogram_kurtosis(image).tolist() == [0, 0]
    assert histogram_kurtosis(image, of="counts").tolist() == [0, 0]
    energy = pytest.approx(63 * value**2)
    assert first_order(image).tolist() == [[0, 0, 0, energy]] * 2
    assert glcm(image).tolist() == [[0, 1, 0, 1]] * 2
    for threshold in ("otsu", 0.0, 0.5):
        assert shape2d(image, threshold).tolist() == [[0, 63, 0]] * 2  # type: ignore[arg-type]


@pytest.mark.parametrize("threshold", ["otsu", 0.5])
def test_what_stands_out_is_one_pixel(threshold: Threshold) -> None:
    image = torch.zeros(1, 7, 9)
    image[0, 0, 3] = 1e-20
    sphericity = (torch.pi / 4) ** 0.5
    assert shape2d(image, threshold)[0].tolist() == pytest.approx([sphericity, 1 / sphericity, 1])


def test_no_region_is_less_compact_than_none() -> None:
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 == 0
    assert of_regions(board[None])[0, 1] < 64


@pytest.mark.parametrize("features", ALL, ids=lambda f: f.__name__)
def test_features_are_never_nan(features: Any) -> None:
    tiny = maps(4) * 1e-40
    one_pixel, almost = torch.zeros(2, 9, 12), torch.full((1, 9, 12), 0.1)
    one_pixel[0, 2, 3], one_pixel[1, 8, 11] = 255, -255
    almost[0, 0, 0] += 1e-8
    for images in (tiny, tiny.float(), one_pixel, almost, maps(3, 1, 2), maps(3, 5, 1)):
        assert features(images).isfinite().all()
        assert features(scaled(images)).isfinite().all()


@pytest.mark.parametrize("features", ALL, ids=lambda f: f.__name__)
def test_do_not_depend_on_chunks(features: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    images = scaled(maps(7))
    whole = features(images)
    monkeypatch.setattr(gray_levels, "PIXELS", 250)
    monkeypatch.setattr(glcm_module, "CELLS", 1)
    torch.testing.assert_close(features(images), whole, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(features(images.flip(0)), whole.flip(0), rtol=1e-13, atol=1e-13)
    assert whole.dtype == torch.float64


def test_scaled_maps() -> None:
    images = torch.cat([maps(3), torch.full((1, 9, 12), 7.0)])
    found = scaled(images)
    assert found.amin((1, 2)).tolist() == [0, 0, 0, 0]
    assert found.amax((1, 2)).tolist() == [255, 255, 255, 0]
    torch.testing.assert_close(scaled(images.float() * 1e-30), scaled(images), rtol=0, atol=1e-4)


@pytest.mark.parametrize("width", [*WIDTHS, 1 / 3])
def test_bins_are_those_of_numpy_and_edges_belong_to_the_upper(width: float) -> None:
    for low in (0.0, -7.0, 3.21):
        edges = np.arange(low - low % width, low + 60 * width, width)
        image = np.concatenate([edges[1:50], np.nextafter(edges[1:50], -100), [low]])
        found = in_bins(torch.from_numpy(image)[None, None], width)[0, 0]
        assert found.tolist() == (np.digitize(image, edges) - 1).tolist()


def test_bins_that_are_too_narrow_are_refused() -> None:
    image = torch.linspace(0, 255, 300).view(1, 1, 300)
    assert first_order(image, 255 / (LEVELS - 0.5)).isfinite().all()
    for features in (first_order, glcm):
        with pytest.raises(ValueError, match=rf"bins 0.1 wide: 2551 .* at most {LEVELS}"):
            features(image, 0.1)


@pytest.mark.gpu
@pytest.mark.parametrize("features", ALL, ids=lambda f: f.__name__)
def test_on_a_gpu(features: Any) -> None:
    images = scaled(maps(40, 33, 30))
    torch.testing.assert_close(features(images.cuda()).cpu(), features(images), rtol=1e-9, atol=1e-7)
