"""The seed pipeline in PyTorch, for a whole batch at once.

Views follow torchvision's operations on float tensors, with parameters of its own for every image: crop box, flip,
jitter or not, order of the four jitter operations, their factors, grey or not.
"""

import math

import torch

SIDE = 32


def uniform(shape, low, high, generator):
    return torch.empty(shape).uniform_(low, high, generator=generator)


def draw_boxes(n, generator):
    """top, left, height, width i64 [n] as RandomResizedCrop draws them: the first of ten tries that fits."""
    area = SIDE * SIDE * uniform((n, 10), 0.08, 1.0, generator)
    ratio = uniform((n, 10), math.log(3 / 4), math.log(4 / 3), generator).exp()
    width = (area * ratio).sqrt().round().long()
    height = (area / ratio).sqrt().round().long()
    fits = (width >= 1) & (width <= SIDE) & (height >= 1) & (height <= SIDE)
    first = fits.int().argmax(1, keepdim=True)
    width, height = width.gather(1, first).squeeze(1), height.gather(1, first).squeeze(1)
    none_fits = ~fits.any(1)
    width[none_fits], height[none_fits] = SIDE, SIDE
    top = (torch.rand(n, generator=generator) * (SIDE - height + 1)).long()
    left = (torch.rand(n, generator=generator) * (SIDE - width + 1)).long()
    return top, left, height, width


def taps(start, size):
    """Rows (or columns) read by a bilinear resize of [start, start + size) to SIDE: low, high, weight [n, SIDE]."""
    position = (torch.arange(SIDE) + 0.5) * (size[:, None] / SIDE) - 0.5
    position = position.clamp_min(0)
    low = position.long().clamp_max(size[:, None] - 1)
    high = (low + 1).minimum(size[:, None] - 1)
    return start[:, None] + low, start[:, None] + high, position - low


def interpolate(images, dim, low, high, weight):
    shape = [len(images), 1, 1, 1]
    shape[dim] = SIDE
    expanded = list(images.shape)
    expanded[dim] = SIDE
    pick = lambda index: images.gather(dim, index.view(shape).expand(expanded))
    weight = weight.view(shape)
    return pick(low) * (1 - weight) + pick(high) * weight


def resized_crop(images, boxes, flip):
    """f32 [n, 3, 32, 32]; bilinear, align_corners=False, no antialiasing. `flip` bool [n] mirrors."""
    top, left, height, width = boxes
    rows = interpolate(images, 2, *taps(top, height))
    columns = [torch.where(flip[:, None], t.flip(1), t) for t in taps(left, width)]
    return interpolate(rows, 3, *columns)


def grey(images):
    red, green, blue = images.unbind(1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)


def blend(images, other, factor):
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def brightness(images, factor):
    return blend(images, torch.zeros(()), factor)


def contrast(images, factor):
    return blend(images, grey(images).mean((1, 2, 3), keepdim=True), factor)


def saturation(images, factor):
    return blend(images, grey(images), factor)


def hue(images, turns):
    red, green, blue = images.unbind(1)
    value, least = images.amax(1), images.amin(1)
    chroma = value - least
    divisor = torch.where(chroma == 0, 1.0, chroma)
    sixth = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    turned = torch.remainder(sixth / 6 + turns.view(-1, 1, 1), 1.0) * 6
    channels = []
    for offset in (5, 3, 1):
        k = torch.remainder(turned + offset, 6)
        channels.append(value - chroma * k.minimum(4 - k).clamp(0, 1))
    return torch.stack(channels, 1)


OPERATIONS = (brightness, contrast, saturation, hue)


def draw_jitter(n, generator):
    """Order i64 [n, 4] and factors f32 [n, 4] by operation."""
    order = torch.rand(n, 4, generator=generator).argsort(1)
    factors = uniform((n, 4), 0.8, 1.2, generator)
    factors[:, 3] = uniform((n,), -0.1, 0.1, generator)
    return order, factors


def color_jitter(images, order, factors):
    """Place by place in the order, each operation takes the images whose turn it is."""
    for place in range(4):
        for index, operation in enumerate(OPERATIONS):
            turn = (order[:, place] == index).nonzero().squeeze(1)
            images[turn] = operation(images[turn], factors[turn, index].view(-1, 1, 1, 1))
    return images


def make_views(pixels, generator):
    """One view of each image: f32 [n, 3, 32, 32] in [0, 1]."""
    n = len(pixels)
    boxes = draw_boxes(n, generator)
    flip = torch.rand(n, generator=generator) < 0.5
    views = resized_crop(pixels.float() / 255, boxes, flip)
    jittered = (torch.rand(n, generator=generator) < 0.8).nonzero().squeeze(1)
    order, factors = draw_jitter(len(jittered), generator)
    views[jittered] = color_jitter(views[jittered], order, factors)
    greyed = (torch.rand(n, generator=generator) < 0.2).nonzero().squeeze(1)
    views[greyed] = grey(views[greyed]).expand(-1, 3, -1, -1)
    return views


def two_views(pixels, generator):
    """[2n, 3, 32, 32], channels_last; rows i and i + n are views of image i."""
    views = torch.cat([make_views(pixels, generator), make_views(pixels, generator)])
    return views.contiguous(memory_format=torch.channels_last)
