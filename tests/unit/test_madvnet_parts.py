import math

import pytest
import torch

from training.models.madvnet.au_encoder import BottleneckLayer, MeanLayer
from training.models.madvnet.config import MADVNetConfig
from training.models.madvnet.fusion import temporal_bands
from training.models.madvnet.projection import attend, cls_attention, projection, strongest
from training.models.madvnet.tokens import DifferenceStem, differences


def test_differences_are_against_onset_or_previous_frame() -> None:
    video = torch.tensor([1.0, 4.0, 9.0]).view(1, 1, 3, 1, 1)
    assert differences(video, "onset").flatten().tolist() == [0, 3, 8]
    assert differences(video, "previous").flatten().tolist() == [0, 3, 5]
    assert differences(video, "both").flatten().tolist() == [0, 3, 8, 0, 3, 5]


def test_the_adaptive_factor_weighs_the_difference() -> None:
    torch.manual_seed(0)
    stem = DifferenceStem(MADVNetConfig(frames=4, side=32)).eval()
    video = torch.rand(1, 1, 4, 32, 32)
    still, moving = stem.still(video), stem.moving(differences(video, "onset"))
    share = (stem(video) - still) / moving
    assert torch.allclose(share.amin(dim=(3, 4)), share.amax(dim=(3, 4)), atol=1e-3)
    assert share.min() > 0
    assert share.max() < 1
    stem.gate[2].bias.data.fill_(-100)
    assert torch.allclose(stem(video), still)


def test_only_convolutional_projections_see_neighbours() -> None:
    torch.manual_seed(0)
    tokens = torch.rand(1, 1, 1 + 9, 4)
    changed = tokens.clone()
    changed[0, 0, 1 + 4] += 1  # the one in the middle
    for kind, touched in (("linear", 1), ("convolutional", 9)):
        mapped = projection(kind, 4, side=3).eval()
        apart = (mapped(changed) - mapped(tokens)).abs().amax(dim=-1)[0, 0] > 1e-7
        assert apart.sum() == touched
        assert not apart[0]  # the class token skips the convolution


def test_convolutional_projection_is_equation_1() -> None:
    torch.manual_seed(0)
    mapped = projection("convolutional", 2, side=2).eval()
    tokens = torch.rand(1, 1, 5, 2)
    grid = tokens[0, 0, 1:].T.view(1, 2, 2, 2)
    spread = (1 + mapped.norm.eps) ** 0.5  # of an untrained BN
    deep = torch.nn.functional.conv2d(grid, mapped.depthwise.weight, padding=1, groups=2) / spread
    by_hand = deep.flatten(2)[0].T @ mapped.pointwise.weight.T + mapped.pointwise.bias
    assert torch.allclose(mapped(tokens)[0, 0, 1:], by_hand, atol=1e-6)


def test_attention_at_some_keys_is_attention_without_the_others() -> None:
    torch.manual_seed(0)
    query, key, value = torch.rand(3, 1, 2, 4, 8)[:, :, :, None].squeeze(3).unbind(0)
    seen = torch.tensor([True, False, True, True])[None, None].expand(1, 2, -1)
    masked = attend(query, key, value, 2, seen)
    rest = attend(query, key[:, :, seen[0, 0]], value[:, :, seen[0, 0]], 2)
    assert torch.allclose(masked, rest, atol=1e-6)


def test_the_class_token_s_attention_is_a_softmax_over_the_keys() -> None:
    query = torch.tensor([[[[2.0, 0.0], [9.0, 9.0]]]])  # the second token asks nothing here
    key = torch.tensor([[[[0.0, 0.0], [1.0, 5.0]]]])
    weight = 1 / (1 + math.exp(-2 / math.sqrt(2)))
    assert cls_attention(query, key, 1)[0, 0].tolist() == pytest.approx([1 - weight, weight])


def test_the_class_token_and_the_strongest_keys_are_kept() -> None:
    scores = torch.tensor([[[0.0, 0.1, 0.5, 0.2, 0.3]]])
    assert strongest(scores, 0.5)[0, 0].tolist() == [True, False, True, False, True]
    assert strongest(scores, 0.01)[0, 0].tolist() == [True, False, True, False, False]


def test_temporal_bands_sum_to_the_map() -> None:
    torch.manual_seed(0)
    grid = torch.rand(2, 3, 6, 2, 2)
    assert torch.allclose(sum(temporal_bands(grid)), grid, atol=1e-6)
    still = grid[:, :, :1].expand_as(grid)
    low, mid, high = temporal_bands(still)
    assert torch.allclose(low, still)
    assert mid.abs().max() < 1e-6
    assert high.abs().max() < 1e-6


def test_quick_change_is_the_high_band() -> None:
    flicker = torch.tensor([1.0, -1.0] * 4).view(1, 1, 8, 1, 1)
    low, mid, high = (band[:, :, 2:-2].abs().mean() for band in temporal_bands(flicker))
    assert high == 1
    assert low == mid == 0


def test_bottleneck_divergence_is_that_of_vibnet() -> None:
    layer = BottleneckLayer(3, 2)
    layer.mu.data = torch.tensor([2.0, 0.5])
    layer.log_variance.data = torch.tensor([0.0, math.log(0.25)])
    assert layer.kl().item() == pytest.approx((math.log(1 + 4) + math.log(1 + 1)) / 2)


def test_bottleneck_drops_units_with_more_noise_than_signal() -> None:
    layer = BottleneckLayer(1, 2).eval()
    layer.linear.weight.data.fill_(1)
    layer.linear.bias.data.fill_(0)
    layer.mu.data = torch.tensor([2.0, 0.5])
    layer.log_variance.data = torch.tensor([0.0, 0.0])
    assert layer(torch.tensor([[3.0]])).tolist() == [[6, 0]]


def test_terms_of_a_mean_layer_are_equation_8() -> None:
    layer = MeanLayer(1, 2, later=1)
    layer.share.data = torch.tensor([0.0, math.log(3)])  # mu = 1/2 and 3/4
    layer.decoder.weight.data = torch.tensor([[1.0], [2.0]])
    layer.decoder.bias.data.fill_(0)
    hidden, later = torch.tensor([[4.0, 8.0]]), torch.tensor([[2.0]])
    compression, reconstruction = layer.terms(hidden, later)
    assert compression.tolist() == pytest.approx([(2**2 + 6**2) / 2])
    assert reconstruction.tolist() == pytest.approx(
        [((4 - 0.5 * 2) ** 2 + (8 - 0.75 * 4) ** 2) / 4]
    )
