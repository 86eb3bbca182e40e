"""The C programs of this folder, and `palaver bench`."""
import json
import os
import subprocess

from . import paths
from .processes import bound

PATIENCE = 120


def command(name, *arguments):
    return [os.path.join(paths.PROGRAMS, name), *map(str, arguments)]


def _result(name, output, errors, status):
    if status or not output.strip():
        raise RuntimeError(f"{name}: {errors.strip()[-500:] or f'status {status}'}")
    return json.loads(output.strip().splitlines()[-1])


def run(name, *arguments):
    """Runs a program; returns the JSON of its last line."""
    result = subprocess.run(command(name, *arguments), capture_output=True, text=True, timeout=PATIENCE, check=False)
    return _result(name, result.stdout, result.stderr, result.returncode)


def bench(workload, port, *arguments):
    """Runs `palaver bench`; returns its report."""
    result = subprocess.run(
        [paths.PALAVER, "bench", workload, "--url", f"http://127.0.0.1:{port}", "--json", *map(str, arguments)],
        capture_output=True, text=True, timeout=PATIENCE + 30, check=False)
    if not result.stdout.strip():
        raise RuntimeError(f"palaver bench {workload}: {result.stderr.strip()[-500:]}")
    report = json.loads(result.stdout)
    if not report["ok"]:
        raise RuntimeError(f"palaver bench {workload} found broken promises: {report['first_breaches'][:3]}")
    return report


class Background:
    """A program that says "ready", may be told to go on, and ends with a line of JSON."""

    def __init__(self, name, *arguments, greeting="ready", is_polite=False):
        self.name = name
        self.process = subprocess.Popen(bound(command(name, *arguments), is_polite), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if greeting and self.process.stdout.readline().strip() != greeting:
            self._fail()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    @property
    def pid(self):
        return self.process.pid

    def _fail(self):
        self.process.kill()
        raise RuntimeError(f"{self.name}: {self.process.communicate()[1].strip()[-500:]}")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        """The JSON of its next line, while it goes on."""
        line = self.process.stdout.readline()
        if not line:
            self._fail()
        return json.loads(line)

    def result(self):
        """The JSON of its last line, once it has ended."""
        try:
            output, errors = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._fail()
        return _result(self.name, output, errors, self.process.returncode)
