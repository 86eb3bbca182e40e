"""What is said: real conversations where the corpora are there, else invented ones."""
import json
import os
import random
import subprocess

from . import paths

CORPUS = "english_irc"


def lines(count):
    """Lines as `palaver import` reads them, and where they come from."""
    corpus = os.path.join(paths.CORPORA, f"{CORPUS}.ndjson.zst")
    if not os.path.exists(corpus):
        return invented(count), "invented"
    process = subprocess.Popen(["zstd", "-dc", corpus], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with process:
        taken = [line for line, _ in zip(process.stdout, range(count))]
        process.kill()
    return taken, CORPUS


def invented(count):
    """Words of a frequency like that of a language, in 50 rooms."""
    chance = random.Random(7)
    words = ["".join(chance.choices("etaoinshrdlucm", k=chance.randint(2, 9))) for _ in range(20_000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    said = chance.choices(words, weights, k=count * 12)
    return [json.dumps({"room": f"room{number % 50}", "user": f"user{number % 300}", "timestamp": 1_600_000_000_000 + number * 997,
                        "text": " ".join(said[number * 12:number * 12 + chance.randint(1, 12)])}) + "\n"
            for number in range(count)]


def write_messages(path, count):
    """A file of texts, escaped as in JSON, one a line: what benchmarks/senders.c sends."""
    with open(path, "w") as file:
        for line in lines(count)[0]:
            text = json.loads(line)["text"].strip() or "-"
            if len(text.encode()) < 16_000:
                file.write(json.dumps(text, ensure_ascii=False)[1:-1] + "\n")
