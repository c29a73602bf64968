#!/usr/bin/env python3
"""Compares the ids of random texts with those of the libraries that models were made with.

python3 tokens.py compare PROGRAM TOKENIZER [N [MODEL]]      needs tokenizers, sentencepiece

N (20,000) texts. PROGRAM is the build's encode_texts, TOKENIZER a tokenizer.json, or a .gguf with the
SentencePiece MODEL that it was made from."""

import json, pathlib, random, struct, subprocess, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent.parent
DATA = HERE.parent.parent / "experiments" / "data"
SEED = 1729

# --- texts

WORDS = (DATA / "neutral.txt").read_text().split()
MARKS = [" ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u2581", " \u2581", ".", ",", "'", "'s", "'LL", "12", "3456", "_"]
SPECIAL = ["<s>", "</s>", "<unk>", "[INST]", "<0x0A>", "<|endoftext|>", "<|im_start|>", "<", ">"]
RANGES = [(0x20, 0x7E), (0xA0, 0x17F), (0x300, 0x36F), (0x370, 0x5FF), (0x900, 0xDFF), (0x1100, 0x11FF),
          (0x1E00, 0x20CF), (0x2100, 0x26FF), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
          (0xF900, 0xFAFF), (0xFE00, 0xFFFD), (0x1D400, 0x1D7FF), (0x1F300, 0x1F6FF), (0x0, 0x1F)]


def random_piece(chance):
    kind = chance.random()
    if kind < 0.35:
        return chance.choice(WORDS)
    if kind < 0.6:
        return chance.choice(MARKS)
    if kind < 0.65:
        return chance.choice(SPECIAL)
    low, high = chance.choice(RANGES)
    return "".join(chr(chance.randint(low, high)) for _ in range(chance.randint(1, 4)))


def random_texts(num, seed):
    chance = random.Random(seed)
    return ["".join(random_piece(chance) for _ in range(chance.randint(1, 14))) for _ in range(num)]


# --- a tokenizer.json's ids


def ids_of(tokenizer, texts, special):
    tokenizer.encode_special_tokens = not special
    return [tokenizer.encode(x, add_special_tokens=False).ids for x in texts]


def our_lines(program, path, texts):
    with tempfile.NamedTemporaryFile() as f:
        for x in texts:
            data = x.encode()
            f.write(struct.pack("<I", len(data)) + data)
        f.flush()
        out = subprocess.run([program, path, f.name], check=True, capture_output=True, text=True).stdout
    lines = out.split("\n")[:-1]
    assert len(lines) == 3 * len(texts), (len(lines), len(texts))
    return lines


def compare(program, path, num=20000, model=None):
    texts = random_texts(int(num), SEED)
    for name in (HERE / "world" / "strings.json",):
        texts += json.loads(name.read_text())
    lines = our_lines(program, path, texts)
    ours = [[int(i) for i in x.split()] if n % 3 < 2 else x for n, x in enumerate(lines)]
    if model:
        import sentencepiece
        spm = sentencepiece.SentencePieceProcessor(model_file=model)
        kinds, decode = (("plain", spm.encode(texts), 0),), spm.decode
    else:
        from tokenizers import Tokenizer
        t = Tokenizer.from_file(path)
        kinds = (("plain", ids_of(t, texts, False), 0), ("special", ids_of(t, texts, True), 1))
        decode = lambda ids: t.decode(ids, skip_special_tokens=False)
    wrong = 0
    for kind, theirs, row in kinds:
        for i, text in enumerate(texts):
            if theirs[i] != ours[3 * i + row]:
                wrong += 1
                if wrong <= 5:
                    print(kind, json.dumps(text), "\n theirs", theirs[i], "\n ours  ", ours[3 * i + row])
    back = 0
    for i, text in enumerate(texts):
        said = bytes.fromhex(lines[3 * i + 2]).decode(errors="replace")
        theirs = decode(ours[3 * i]).replace("\0", "\ufffd")
        if said != theirs:
            back += 1
            if back <= 5:
                print("decoded", json.dumps(text), "\n theirs", json.dumps(theirs), "\n ours  ", json.dumps(said))
    print(f"{path}: {len(texts)} texts, {wrong} with other ids, {back} decoded to another text")
    return wrong + back


if __name__ == "__main__":
    sys.exit(1 if compare(*sys.argv[2:]) else 0)
