"""Writes images.json: small picture files with the pixels that PIL's convert("RGB") makes of them, as SHA-256.

"sha256" is of u8 [height, width, 3] as stored, "turned" the same after PIL's exif_transpose. Where we differ from PIL
(grey of 16 bits, see src/simclr/formats/image.h) the script computes what we promise.
Needs PIL 9.4 with libjpeg-turbo 2.1 (Debian: python3-pil python3-numpy).
Usage: /usr/bin/python3 tests/golden/make_images.py
"""

import base64
import hashlib
import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

HEIGHT, WIDTH = 29, 37  # odd: no whole blocks, no whole chroma samples
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # colour types of PNG
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def picture(channels, levels=256):
    """Slopes, an edge and noise, [HEIGHT, WIDTH, channels]: every coefficient of a JPEG has something to do."""
    rng = np.random.default_rng(channels)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [(x * (5 + c) + y * (3 - c)) % 190 + 50 * ((x + c * 5) // 13 % 2) for c in range(channels)]
    noisy = np.stack(planes, -1) + rng.integers(-9, 10, (HEIGHT, WIDTH, channels))
    scaled = np.clip(noisy, 0, 255) * levels // 256
    if levels > 256:
        return (scaled + rng.integers(0, levels // 256, scaled.shape)).astype(np.uint16)
    return scaled.astype(np.uint8)


def exif_block(orientation, order="<"):
    """A TIFF header and one directory with another tag before the orientation."""
    mark = b"II" if order == "<" else b"MM"
    entries = struct.pack(order + "HHIHH", 0x0103, 3, 1, 6, 0) + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return mark + struct.pack(order + "HIH", 42, 8, 2) + entries + struct.pack(order + "I", 0)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed_rows(samples, depth):
    """Rows of a PNG, filter 0. @param samples [h, w, channels]"""
    rows = []
    for row in samples.reshape(samples.shape[0], -1):
        if depth == 16:
            data = row.astype(">u2").tobytes()
        elif depth == 8:
            data = row.astype(np.uint8).tobytes()
        else:
            bits = (row[:, None] >> np.arange(depth - 1, -1, -1) & 1).astype(np.uint8)
            data = np.packbits(bits.ravel()).tobytes()
        rows.append(b"\0" + data)
    return b"".join(rows)


def png(samples, depth, color, before=(), interlaced=False):
    """PIL writes neither interlaced PNGs nor 16 bits a channel."""
    height, width = samples.shape[:2]
    if interlaced:
        passes = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7]
        data = b"".join(packed_rows(part, depth) for part in passes if part.size)
    else:
        data = packed_rows(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    chunks = [chunk(b"IHDR", header), *(chunk(*pair) for pair in before)]
    chunks += [chunk(b"IDAT", zlib.compress(data, 9)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def png_files():
    colors = picture(3)[:, :16].reshape(-1, 3)[:16]
    palette = (b"PLTE", colors.tobytes())
    yield "png grey", png(picture(1), 8, GREY)
    yield "png rgb", png(picture(3), 8, RGB)
    yield "png grey and alpha", png(picture(2), 8, GREY_ALPHA)
    yield "png rgb and alpha", png(picture(4), 8, RGBA)
    yield "png palette of 4 bits", png(picture(1, 16), 4, PALETTE, [palette])
    yield "png palette with transparency", png(picture(1, 16), 8, PALETTE, [palette, (b"tRNS", bytes(range(0, 160, 10)))])
    yield "png grey with a transparent level", png(picture(1), 8, GREY, [(b"tRNS", b"\0\x64")])
    yield "png rgb with a transparent colour", png(picture(3), 8, RGB, [(b"tRNS", b"\0\x64\0\x64\0\x64")])
    for depth in (1, 2, 4):
        yield f"png grey of {depth} bits", png(picture(1, 2**depth), depth, GREY)
    for color, name in ((RGB, "rgb"), (GREY_ALPHA, "grey and alpha"), (RGBA, "rgb and alpha"), (GREY, "grey")):
        yield f"png {name} of 16 bits", png(picture(CHANNELS[color], 65536), 16, color)
    yield "png interlaced rgb", png(picture(3), 8, RGB, interlaced=True)
    yield "png interlaced palette of 4 bits", png(picture(1, 16), 4, PALETTE, [palette], interlaced=True)
    yield "png interlaced grey of 1 bit", png(picture(1, 2), 1, GREY, interlaced=True)
    yield "png with gamma", png(picture(3), 8, RGB, [(b"gAMA", struct.pack(">I", 100000))])
    yield "png turned", png(picture(3), 8, RGB, [(b"eXIf", exif_block(6))])


def without_adobe(jpeg):
    """Takes the APP14 segment out."""
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]:]


def with_transform(jpeg, transform):
    """Adobe's word on what the channels are: 0 as they stand, 1 YCbCr, 2 YCCK."""
    at = jpeg.index(b"Adobe")
    return jpeg[:at + 11] + bytes([transform]) + jpeg[at + 12:]


def jpeg_files():
    rgb, cmyk = Image.fromarray(picture(3)), Image.fromarray(picture(4), "CMYK")
    for sampling, name in enumerate(("4:4:4", "4:2:2", "4:2:0")):
        yield f"jpeg {name}", saved(rgb, "JPEG", quality=85, subsampling=sampling)
    yield "jpeg of low quality", saved(rgb, "JPEG", quality=10)
    yield "jpeg progressive", saved(rgb, "JPEG", quality=85, progressive=True)
    yield "jpeg with restarts", saved(rgb, "JPEG", quality=85, restart_marker_blocks=2)
    yield "jpeg grey", saved(Image.fromarray(picture(1)[..., 0]), "JPEG", quality=85)
    yield "jpeg grey progressive", saved(Image.fromarray(picture(1)[..., 0]), "JPEG", quality=85, progressive=True)
    cmyk_file = saved(cmyk, "JPEG", quality=85)
    yield "jpeg cmyk", cmyk_file
    yield "jpeg ycck", with_transform(cmyk_file, 2)
    yield "jpeg cmyk without Adobe's marker", without_adobe(cmyk_file)
    adobe = bytes.fromhex("ffee000e") + b"Adobe" + bytes.fromhex("00640000000000")
    plain = saved(rgb, "JPEG", quality=95, subsampling=0)
    app0_end = 4 + 16
    yield "jpeg of red, green and blue", plain[:2] + adobe + plain[app0_end:]
    small = rgb.crop((0, 0, 19, 11))
    for orientation in range(1, 9):
        order = "<>"[orientation % 2]
        block = b"Exif\0\0" + exif_block(orientation, order)
        yield f"jpeg of orientation {orientation}", saved(small, "JPEG", quality=75, exif=block)


def other_files():
    rgb, rgba = Image.fromarray(picture(3)), Image.fromarray(picture(4), "RGBA")
    grey = Image.fromarray(picture(1)[..., 0])
    yield "webp", saved(rgb, "WEBP", quality=80)
    yield "webp lossless", saved(rgb, "WEBP", lossless=True)
    yield "webp with alpha", saved(rgba, "WEBP", quality=80)
    yield "webp lossless with alpha", saved(rgba, "WEBP", lossless=True, exact=True)
    yield "webp turned", saved(rgb, "WEBP", quality=60, exif=b"Exif\0\0" + exif_block(8))
    frames = [rgb, ImageOps.invert(rgb)]
    yield "webp animated", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=60)
    yield "bmp", saved(rgb, "BMP")
    yield "bmp of 32 bits", saved(rgba, "BMP")
    yield "bmp palette", saved(rgb.quantize(20), "BMP")
    yield "bmp grey", saved(grey, "BMP")
    yield "ppm", saved(rgb, "PPM")
    yield "pgm", saved(grey, "PPM")
    yield "pbm", saved(grey.convert("1"), "PPM")
    header = f"P6 {WIDTH} {HEIGHT} ".encode()
    yield "ppm of 16 bits", header + b"65535\n" + picture(3, 65536).astype(">u2").tobytes()
    yield "ppm of 100 levels", header + b"99\n" + picture(3, 100).tobytes()


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array, dtype=np.uint8).tobytes()).hexdigest()


def entry(name, data):
    image = Image.open(io.BytesIO(data))
    pixels = np.asarray(image.convert("RGB"))
    turned = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    if name == "png grey of 16 bits":  # PIL would clip at 255
        pixels = turned = np.repeat(picture(1, 65536) >> 8, 3, axis=-1)
    return {
        "name": name,
        "file": base64.b64encode(data).decode(),
        "shape": pixels.shape[:2],
        "sha256": digest(pixels),
        "turned_shape": turned.shape[:2],
        "turned": digest(turned),
    }


def main():
    entries = [entry(*pair) for files in (jpeg_files, png_files, other_files) for pair in files()]
    text = json.dumps(entries, indent=1)
    pathlib.Path(__file__).with_name("images.json").write_text(text + "\n")
    print(f"{len(entries)} pictures, {len(text)} bytes")


main()
