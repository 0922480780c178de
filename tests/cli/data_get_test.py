"""`simclr data get` against a server on loopback. Run by ctest as `data_get_test.py PROGRAM`."""

import hashlib
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

PROGRAM = ""
FAILED, USAGE, DATA = 1, 2, 3
CONTENT = bytes(range(256)) * 800
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT as /set, with ranges; as /plain without; as /cut it breaks off."""

    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        if self.path not in ("/set", "/plain", "/cut"):
            self.send_error(404)
            return
        start = 0
        if self.path == "/set" and self.headers.get("If-Range") in (None, '"v1"') and self.headers.get("Range"):
            start = int(self.headers["Range"].split("=")[1].rstrip("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:start + 1000] if self.path == "/cut" else CONTENT[start:])

    def log_message(self, *args):
        pass


class DataGetTest(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.dir = Path(temp.name)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.ranges = []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def url(self, path="/set"):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def get(self, *args, **environment):
        env = {**os.environ, "SIMCLR_HOME": str(self.dir / "home"), "no_proxy": "127.0.0.1", **environment}
        return subprocess.run([PROGRAM, "data", "get", *map(str, args)], capture_output=True, text=True, env=env,
                              timeout=120)

    def expect_whole(self, done, target):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"{target}\n")
        self.assertEqual(target.read_bytes(), CONTENT)
        self.assertEqual([path.name for path in target.parent.iterdir()], [target.name])

    def expect_error(self, done, code, words):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn("error:", done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_it_lands_in_the_cache_folder(self):
        file = "cifar-10-binary.tar.gz"
        arguments = ["cifar10", "--url", self.url(), "--sha256", SHA256]
        self.expect_whole(self.get(*arguments), self.dir / "home" / file)
        xdg = {"SIMCLR_HOME": "", "XDG_CACHE_HOME": str(self.dir / "xdg")}
        self.expect_whole(self.get(*arguments, **xdg), self.dir / "xdg/simclr" / file)
        home = {"SIMCLR_HOME": "", "XDG_CACHE_HOME": "", "HOME": str(self.dir / "user")}
        self.expect_whole(self.get(*arguments, **home), self.dir / "user/.cache/simclr" / file)
        nowhere = {"SIMCLR_HOME": "", "XDG_CACHE_HOME": "", "HOME": ""}
        self.expect_error(self.get(*arguments, **nowhere), USAGE, "no cache folder")

    def test_a_second_call_fetches_nothing(self):
        arguments = ["stl10", "--url", self.url(), "--sha256", SHA256, "--out", self.dir / "a/set"]
        self.expect_whole(self.get(*arguments), self.dir / "a/set")
        again = self.get(*arguments)
        self.expect_whole(again, self.dir / "a/set")
        self.assertIn("is there already", again.stderr)
        self.assertEqual(self.server.ranges, [None])

    def test_a_part_is_gone_on_with(self):
        for path, asked in (("/set", "bytes=1000-"), ("/plain", "bytes=1000-")):
            target = self.dir / path[1:] / "file"
            target.parent.mkdir()
            (target.parent / "file.part").write_bytes(CONTENT[:1000])
            (target.parent / "file.part.from").write_text(f'{self.url(path)}\n"v1"\n')
            self.expect_whole(self.get("cifar100", "--url", self.url(path), "--sha256", SHA256, "--out", target),
                              target)
            self.assertEqual(self.server.ranges.pop(), asked)

    def test_a_connection_that_breaks_leaves_the_part(self):
        target = self.dir / "a/set"
        done = self.get("cifar10", "--url", self.url("/cut"), "--sha256", SHA256, "--out", target)
        self.expect_error(done, FAILED, "1000 bytes are kept")
        self.assertIn("Run this again to go on", done.stderr)
        self.assertEqual(sorted(path.name for path in target.parent.iterdir()), ["set.part", "set.part.from"])

    def test_a_wrong_checksum_is_thrown_away(self):
        target = self.dir / "a/set"
        done = self.get("cifar10", "--url", self.url(), "--sha256", "0" * 64, "--out", target)
        self.expect_error(done, DATA, f"has SHA-256 {SHA256}, published is 000")
        self.assertEqual(list(target.parent.iterdir()), [])

    def test_a_folder_gets_it_under_its_published_name(self):
        file = "cifar-10-binary.tar.gz"
        for folder, given in ((self.dir / "there", "there"), (self.dir / "new", "new/")):
            if given == "there":
                folder.mkdir()
            done = self.get("cifar10", "--url", self.url(), "--sha256", SHA256, "--out", f"{self.dir}/{given}")
            self.expect_whole(done, folder / file)

    def test_a_checksum_is_64_hexadecimal_digits_of_either_case(self):
        target = self.dir / "a/set"
        for wrong in (SHA256[1:], SHA256 + "0", "g" * 64, f"sha256:{SHA256}"):
            done = self.get("cifar10", "--url", self.url(), "--sha256", wrong, "--out", target)
            self.expect_error(done, USAGE, f"--sha256 {wrong}: no SHA-256")
        self.assertEqual(self.server.ranges, [])
        done = self.get("cifar10", "--url", self.url(), "--sha256", SHA256.upper(), "--out", target)
        self.expect_whole(done, target)

    def test_another_file_than_the_published_is_refused(self):
        done = self.get("cifar10", "--url", self.url())
        self.expect_error(done, DATA, f"has {len(CONTENT)} bytes, published are 170052171")

    def test_refusals_are_told(self):
        self.expect_error(self.get("cifar10", "--url", self.url("/none")), FAILED, "the server answers with status 404")
        self.expect_error(self.get("cifar"), USAGE, "Did you mean 'cifar10'? Known are: ")
        self.expect_error(self.get("cifar10", "--sha256", SHA256), USAGE, "--url")

    def test_without_a_network_the_manual_steps_are_given(self):
        self.server.shutdown()
        self.server.server_close()
        done = self.get("cifar10", "--url", self.url())
        self.expect_error(done, FAILED, "Failed to connect")
        self.assertIn(f"put it at {self.dir / 'home/cifar-10-binary.tar.gz'}", done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
