"""People's own pictures from file to result: folders, lists, damaged files, no labels. Run by ctest as
`pictures_test.py PROGRAM`."""

import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

PROGRAM = ""
SMALL = ["--preset", "quick", "--width", "0.25", "--batch-size", "8", "--head-hidden", "32", "--projection-dim", "16",
         "--threads", "1", "--epochs", "1"]
USAGE, DATA = 2, 3


def picture(seed, side=16):
    """A PPM whose pixels follow from the seed."""
    pixels = bytearray()
    state = seed
    while len(pixels) < side * side * 3:
        state = zlib.crc32(state.to_bytes(4, "little"))
        pixels += state.to_bytes(4, "little")
    return b"P6\n%d %d\n255\n" % (side, side) + bytes(pixels[: side * side * 3])


def blacken(cache):
    """Makes every pixel of a cache 0, with checksums that are right; image_cache.h says what stands where."""
    content = cache.read_bytes()
    end = 256 + struct.unpack_from("<Q", content, 24)[0]
    pixels, rest = bytes(end - 256), content[end:]

    def header(digest_of_rest):
        return content[:104] + hashlib.sha256(pixels).hexdigest().encode() + digest_of_rest + content[232:256]

    digest = hashlib.sha256(header(bytes(64)) + rest).hexdigest().encode()
    cache.write_bytes(header(digest) + pixels + rest)


class PicturesTest(unittest.TestCase):
    def setUp(self):
        self._temp = tempfile.TemporaryDirectory()
        self.addCleanup(self._temp.cleanup)
        self.dir = Path(self._temp.name)
        self.photos = self.dir / "photos"

    def simclr(self, *args):
        env = {name: value for name, value in os.environ.items() if not name.startswith("SIMCLR_")}
        env["SIMCLR_HOME"] = str(self.dir / "home")
        return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, env=env, timeout=300)

    def run_ok(self, *args):
        done = self.simclr(*args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def expect_error(self, code, words, *args):
        done = self.simclr(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(words, done.stderr)
        return done

    def put(self, name, content):
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def put_classes(self):
        for i in range(20):
            self.put(f"cat/{i}.ppm", picture(i))
            self.put(f"dog/{i}.ppm", picture(100 + i))

    # ---- data verify and stats ----

    def test_verify_lists_damaged_files_and_exits_with_3(self):
        self.put_classes()
        self.put("cat/copy.ppm", picture(3))
        self.assertEqual(self.run_ok("data", "verify", "--data", self.photos).stderr, "")
        self.put("cat/cut.ppm", picture(1)[:-1])
        self.put("dog/a\nb.jpg", b"")
        done = self.simclr("data", "verify", "--data", self.photos)
        self.assertEqual(done.returncode, DATA)
        self.assertIn("2 damaged files; 33 training, 8 test and 0 unlabelled images of 2 classes", done.stdout)
        self.assertIn("cat/3.ppm = cat/copy.ppm", done.stdout)
        self.assertIn("dog/a\\nb.jpg: empty file", done.stdout)
        done = self.simclr("data", "verify", "--data", self.photos, "--json")
        self.assertEqual(done.returncode, DATA)
        found = json.loads(done.stdout)
        self.assertEqual([file["file"] for file in found["damaged"]], ["cat/cut.ppm", "dog/a\\nb.jpg"])
        self.assertEqual((found["files"], found["images"]), (43, 41))
        self.assertEqual(found["duplicates"], {"images": 1, "first_pairs": [["cat/3.ppm", "cat/copy.ppm"]]})
        self.assertEqual(found["sizes"]["most_common"], {"height": 16, "width": 16})

    def test_verify_does_not_trust_the_cache(self):
        self.put_classes()
        stats = ["data", "stats", "--data", self.photos, "--json"]
        honest = self.run_ok(*stats).stdout
        (cache,) = (self.dir / "home/images").glob("*.images")
        blacken(cache)
        self.assertNotEqual(self.run_ok(*stats).stdout, honest)
        self.run_ok("data", "verify", "--data", self.photos)
        self.assertEqual(self.run_ok(*stats).stdout, honest)

    def test_a_damaged_cache_is_made_anew(self):
        self.put_classes()
        stats = ["data", "stats", "--data", self.photos, "--json"]
        honest = self.run_ok(*stats).stdout
        (cache,) = (self.dir / "home/images").glob("*.images")
        content = bytearray(cache.read_bytes())
        content[300] ^= 1  # a pixel
        cache.write_bytes(content)
        done = self.run_ok(*stats)
        self.assertIn("the checksum of its pictures differs; it is made anew", done.stderr)
        self.assertEqual(done.stdout, honest)

    def test_a_file_replaced_by_one_of_its_size_and_time_is_noticed(self):
        self.put_classes()
        self.run_ok("data", "stats", "--data", self.photos)
        path = self.photos / "cat/1.ppm"
        before = path.stat()
        path.write_bytes(b"x" * before.st_size)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.expect_error(DATA, "cat/1.ppm: ", "data", "stats", "--data", self.photos, "--strict")

    def test_stats_counts_every_part(self):
        self.put_classes()
        parts = json.loads(self.run_ok("data", "stats", "--data", self.photos, "--json").stdout)
        self.assertEqual([(part["part"], part["images"], part["classes"]) for part in parts],
                         [("train", 26, {"cat": 13, "dog": 13}), ("validation", 6, {"cat": 3, "dog": 3}),
                          ("test", 8, {"cat": 4, "dog": 4})])

    def test_pictures_are_decoded_into_the_cache_folder(self):
        self.put_classes()
        self.run_ok("data", "stats", "--data", self.photos)
        self.assertEqual(len(list((self.dir / "home/images").glob("*.images"))), 1)
        self.run_ok("data", "stats", "--data", self.photos, "--cache", "")
        self.run_ok("data", "stats", "--data", self.photos, "--cache", self.dir / "other", "--image-size", 8)
        self.assertEqual(len(list((self.dir / "other").glob("*.images"))), 1)

    # ---- runs ----

    def test_class_folders_are_pretrained_on_and_evaluated(self):
        self.put_classes()
        run = self.dir / "run"
        self.run_ok("pretrain", *SMALL, "--data", self.photos, "--out", run)
        self.assertFalse((run / "skipped.jsonl").exists())
        self.assertIn("knn", self.run_ok("knn", "--run", run).stdout)

    def test_a_folder_that_changed_is_noticed(self):
        self.put_classes()
        run = self.dir / "run"
        pretrain = ["pretrain", *SMALL[:-2], "--schedule", "constant", "--data", self.photos, "--out", run]
        self.run_ok(*pretrain, "--epochs", 1)
        self.assertNotIn("Careful", self.run_ok("knn", "--run", run).stderr)
        self.put("cat/0a.ppm", picture(300))  # the test part would be drawn anew
        self.assertIn("of the 8 test images are among those that", self.run_ok("knn", "--run", run).stderr)
        self.expect_error(DATA, "was begun with other images", *pretrain, "--resume", "--epochs", 2)
        (self.photos / "cat/0a.ppm").unlink()
        self.run_ok(*pretrain, "--resume", "--epochs", 2)

    def test_a_link_gives_a_folder_a_name_that_yaml_can_hold(self):
        self.put_classes()
        os.rename(self.photos, os.fsencode(self.dir) + b"/caf\xe9")
        link = self.dir / "pictures"
        os.symlink(b"caf\xe9", os.fsencode(link))
        run = self.dir / "run"
        self.run_ok("pretrain", *SMALL, "--data", link, "--out", run)
        self.assertIn("knn", self.run_ok("knn", "--run", run).stdout)

    def test_flat_folder_is_pretrained_on_and_what_needs_labels_says_so(self):
        for i in range(20):
            self.put(f"{i}.ppm", picture(i))
        run = self.dir / "run"
        done = self.run_ok("pretrain", *SMALL, "--data", self.photos, "--out", run)
        self.assertIn("without labels", done.stderr)
        for command in ("knn", "linear", "finetune"):
            self.expect_error(USAGE, f"{command} needs labels", command, "--run", run)
        self.expect_error(USAGE, "--objective supervised needs labels", "pretrain", *SMALL, "--objective", "supervised",
                          "--data", self.photos, "--out", self.dir / "b")
        self.expect_error(USAGE, "a study needs labels", "study", *SMALL, "--data", self.photos, "--setting",
                          "temperature", "--values", "0.5", "--out", self.dir / "study")
        self.expect_error(USAGE, "but photos has no labels".replace("photos", str(self.photos)), "pretrain", *SMALL,
                          "--subset-classes", 1, "--data", self.photos, "--out", self.dir / "b")
        self.assertFalse((self.dir / "b").exists())

    def test_skipped_files_are_listed_in_the_run(self):
        self.put_classes()
        self.put("cat/bad \xff.jpg", b"oops")
        run = self.dir / "run"
        done = self.run_ok("pretrain", *SMALL, "--data", self.photos, "--out", run)
        self.assertIn("1 of 41 files was skipped; see", done.stderr)
        lines = [json.loads(line) for line in (run / "skipped.jsonl").read_text(encoding="utf-8").splitlines()]
        self.assertEqual([line["file"] for line in lines], ["cat/bad \xff.jpg"])
        self.assertIn("not an image", lines[0]["reason"])
        self.assertIn("skipped; see", (run / "train.log").read_text())
        self.expect_error(DATA, "cat/bad", "pretrain", *SMALL, "--data", self.photos, "--strict", "--out",
                          self.dir / "b")

    def test_lists_with_labels_leave_the_rest_for_pretraining(self):
        self.put_classes()
        lines = [f"cat/{i}.ppm\tcat\ndog/{i}.ppm\tdog\n" for i in range(10)] + [f"cat/{i}.ppm\n" for i in range(10, 20)]
        (self.photos / "list.txt").write_text("".join(lines))
        done = self.run_ok("pretrain", *SMALL, "--data", self.photos / "list.txt", "--out", self.dir / "run")
        self.assertIn("22 training and 4 validation images of 2 classes", done.stderr)  # 12 labelled, 10 not


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
