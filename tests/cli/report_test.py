"""Reports as a reader sees them: in headless Chromium. Run by ctest as `report_test.py PROGRAM [KEEP]`; screenshots go to KEEP."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from browser import Browser, find_browser

PROGRAM = ""
KEEP = None
SMALL = ["--batch-size", "8", "--head-hidden", "32", "--projection-dim", "16", "--threads", "1"]
HOSTILE = "<script>alert(1)"

# A mistake in any of these is one that a reader would see.
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PAINTED = """[...document.querySelectorAll('canvas')].map(c => {
  const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let inked = 0;
  for (let i = 3; i < data.length; i += 4) inked += data[i] > 0;
  return inked;
})"""


def simclr(*args):
    env = {name: value for name, value in os.environ.items() if not name.startswith("SIMCLR_")}
    done = subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, env=env, timeout=600)
    assert done.returncode == 0, done.stderr
    return done


def write_picture(path, shade):
    """A tiny PPM."""
    path.write_bytes(b"P6 8 8 255\n" + bytes((shade * 40 + i * 3) % 256 for i in range(192)))


@unittest.skipUnless(find_browser(), "no Chromium here (scripts/setup --tests installs it where apt has it)")
class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.dir = Path(cls.temp.name)
        photos = cls.dir / "photos"
        for name in (HOSTILE, "b&\"'", "c"):  # class folders
            (photos / name).mkdir(parents=True)
            for i in range(24):
                write_picture(photos / name / f"{i}.ppm", i)
        study = cls.dir / "study.yaml"
        study.write_text(f"""
title: "{HOSTILE} study"
preset: quick
base: {{data: {{source: "{photos}", validation_percent: 0.3, image_size: 32}}, train: {{epochs: 2}}, finetune: {{epochs: 3}}, knn: {{k: 3}}}}
measure: {{batch_size: 8}}
chosen: [optim.lr]
sub_studies:
  - {{name: temperature, seeds: [0, 1], grid: {{temperature: [0.1, 0.5]}}}}
  - {{name: "{HOSTILE}", grid: {{head: [none, mlp]}}}}
claims:
  - {{text: "{HOSTILE} claim", in: temperature, figure: finetune, rule: rises}}
""")
        cls.study = cls.dir / "out"
        simclr("study", study, *SMALL, "--out", cls.study)
        cls.run_folder = cls.study / "trials" / "temperature=0.1"
        simclr("report", cls.run_folder)
        cls.browser = Browser(find_browser())

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.temp.cleanup()

    def setUp(self):
        self.browser.errors.clear()
        self.browser.requests.clear()

    def keep(self, name):
        if KEEP:
            Path(KEEP).mkdir(parents=True, exist_ok=True)
            (Path(KEEP) / f"{name}.png").write_bytes(self.browser.screenshot())

    def check(self, page, name):
        for width, scheme in ((1280, "light"), (390, "light"), (1280, "dark")):
            with self.subTest(page=name, width=width, scheme=scheme):
                self.browser.open(page, width=width, scheme=scheme)
                self.assertEqual(self.browser.errors, [])
                self.assertEqual([url for url in self.browser.requests if not url.startswith(("file:", "data:"))], [])
                figures = self.browser.value("document.querySelectorAll('.chart').length")
                self.assertGreater(figures, 1)
                self.assertEqual(self.browser.value("document.documentElement.dataset.charts"), str(figures))
                painted = self.browser.value(PAINTED)
                self.assertEqual(len(painted), figures)
                self.assertTrue(all(inked > 500 for inked in painted), painted)
                self.assertLessEqual(self.browser.value(OVERFLOW), 0)
                self.keep(f"{name}-{width}-{scheme}")

    def test_a_study_is_drawn_wide_narrow_and_dark_without_an_error(self):
        self.check(self.study / "report.html", "study")
        self.assertEqual(self.browser.value("document.title"), f"{HOSTILE} study")
        self.assertIn(HOSTILE, self.browser.value("document.body.innerText"))

    def test_a_run_is_drawn_wide_narrow_and_dark_without_an_error(self):
        self.check(self.run_folder / "report.html", "run")
        self.assertIn(HOSTILE, self.browser.value("document.querySelector('table.heat').innerText"))

    def test_runs_side_by_side_are_drawn_too(self):
        out = self.dir / "comparison"
        simclr("report", self.run_folder, self.study / "trials" / "head=mlp", "--out", out)
        self.check(out / "report.html", "comparison")

    def test_on_paper_and_without_javascript_the_pictures_stand(self):
        shown = """[...document.querySelectorAll('figure img')].filter(i => i.offsetWidth > 100 && i.naturalWidth > 0).length"""
        all_of_them = "document.querySelectorAll('figure img').length"
        self.browser.open(self.study / "report.html")
        self.browser.media("print")
        self.assertEqual(self.browser.value(shown), self.browser.value(all_of_them))
        self.keep("study-print")
        self.browser.media("")
        self.browser.call("Emulation.setScriptExecutionDisabled", value=True)
        self.browser.open(self.study / "report.html")
        self.assertEqual(self.browser.value(shown), self.browser.value(all_of_them))
        self.browser.call("Emulation.setScriptExecutionDisabled", value=False)

    def test_a_script_that_gets_into_the_page_is_not_run(self):
        page = self.dir / "tampered.html"
        html = (self.study / "report.html").read_text()
        page.write_text(html.replace("</main>", "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"></main>"))
        self.browser.open(page)
        self.assertNotEqual(self.browser.value("document.title"), "taken")
        self.assertTrue(any("Content Security Policy" in error for error in self.browser.errors), self.browser.errors)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    KEEP = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
    unittest.main(verbosity=2)
