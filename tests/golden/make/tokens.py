#!/usr/bin/env python3
"""The small tokenizers' golden ids (see ../README.md), and any tokenizer's ids beside those of the
libraries that models were made with.

python3 tokens.py make                                       writes ../tokens
python3 tokens.py compare PROGRAM TOKENIZER [N [MODEL]]      N (20,000) random texts

PROGRAM is the build's encode_texts, TOKENIZER a tokenizer.json, or a .gguf with the SentencePiece MODEL
that it was made from. Needs tokenizers, sentencepiece, gguf."""

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


def random_texts(num, seed, most=14):
    chance = random.Random(seed)
    return ["".join(random_piece(chance) for _ in range(chance.randint(1, most))) for _ in range(num)]


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
    texts += json.loads((HERE / "world" / "strings.json").read_text())
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


# --- the small SentencePiece tokenizer

MARK = "\u2581"
INST = "[INST]"
VOCAB = 500


def train(folder):
    """On our own text, some lines of it set in, so that runs of spaces are pieces too."""
    import sentencepiece
    lines = (DATA / "neutral.txt").read_text().split("\n")
    (folder / "text").write_text("\n".join("  " * (i % 3) + x for i, x in enumerate(lines)))
    sentencepiece.SentencePieceTrainer.train(
        input=folder / "text", model_prefix=folder / "spm", model_type="bpe", vocab_size=VOCAB, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True,
        allow_whitespace_only_pieces=True, user_defined_symbols=[INST], num_threads=1, minloglevel=2)
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))


def added_tokens(spm, normalized):
    kinds = {"<unk>": True, "<s>": True, "</s>": True, INST: False}
    return [{"id": spm.piece_to_id(x), "content": x, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": normalized, "special": special} for x, special in kinds.items()]


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": MARK, "prepend_scheme": scheme, "split": split}


def text(pattern, content):
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


def tokenizer_json(spm):
    """As transformers makes it: merges are all pairs that make a piece, by the piece's score."""
    pieces = [spm.id_to_piece(i) for i in range(VOCAB)]
    vocab = {x: i for i, x in enumerate(pieces)}
    merges = []
    for i in range(VOCAB):
        if spm.is_control(i) or spm.is_unknown(i) or spm.is_byte(i) or pieces[i] == INST:
            continue
        splits = [(pieces[i][:k], pieces[i][k:]) for k in range(1, len(pieces[i]))]
        pairs = [x for x in splits if x[0] in vocab and x[1] in vocab]
        merges += [(spm.get_score(i), p) for p in sorted(pairs, key=lambda x: (vocab[x[0]], vocab[x[1]]))]
    merges.sort(key=lambda x: -x[0])
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added_tokens(spm, False),
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARK}, text(" ", MARK)]},
        "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [text(MARK, " "), {"type": "ByteFallback"}, {"type": "Fuse"},
                                                     {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True,
                  "vocab": vocab, "merges": [" ".join(p) for _, p in merges]}}


def write_gguf(spm, path):
    """A whole model, if a tiny one of zeros: what a tokenizer comes in."""
    import gguf, numpy
    width, hidden = 32, 32
    w = gguf.GGUFWriter(path, "llama")
    w.add_context_length(64)
    w.add_embedding_length(width)
    w.add_block_count(1)
    w.add_feed_forward_length(hidden)
    w.add_head_count(1)
    w.add_head_count_kv(1)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(width)
    w.add_vocab_size(VOCAB)
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list([spm.id_to_piece(i) for i in range(VOCAB)])
    w.add_token_scores([spm.get_score(i) for i in range(VOCAB)])
    kind = gguf.TokenType
    w.add_token_types([kind.CONTROL if spm.is_control(i) else kind.UNKNOWN if spm.is_unknown(i) else
                       kind.BYTE if spm.is_byte(i) else
                       kind.USER_DEFINED if spm.id_to_piece(i) == INST else kind.NORMAL for i in range(VOCAB)])
    w.add_bos_token_id(spm.bos_id())
    w.add_eos_token_id(spm.eos_id())
    shapes = {"token_embd": (VOCAB, width), "output_norm": (width,), "blk.0.attn_norm": (width,), "blk.0.ffn_norm": (width,),
              "blk.0.attn_q": (width, width), "blk.0.attn_k": (width, width), "blk.0.attn_v": (width, width),
              "blk.0.attn_output": (width, width), "blk.0.ffn_gate": (hidden, width), "blk.0.ffn_up": (hidden, width),
              "blk.0.ffn_down": (width, hidden)}
    for name, shape in shapes.items():
        type = numpy.float16 if len(shape) == 2 else numpy.float32
        w.add_tensor(name + ".weight", numpy.zeros(shape, type))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


# --- golden ids

QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def variants(spm):
    """Members of tokenizer.json that other files have otherwise; "base" is the file."""
    first = {"normalizer": None, "pre_tokenizer": metaspace("first", False)}
    always = {"normalizer": None, "pre_tokenizer": metaspace("always", True), "added_tokens": added_tokens(spm, True)}
    split = {"type": "Split", "pattern": {"Regex": QWEN2}, "behavior": "Isolated", "invert": False}
    bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    qwen2 = {"normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, bytes]}}
    return {"prepend": ("tokens", {}),
            "prepend-normalized": ("tokens", {"added_tokens": added_tokens(spm, True)}),
            "metaspace-first": ("tokens", first), "metaspace-split": ("tokens", always), "qwen2": ("world", qwen2)}


def check_sentencepiece(spm, texts, ids):
    """SentencePiece itself puts no space behind a symbol of the user's."""
    for text, theirs in zip(texts, ids):
        assert INST in text or spm.encode(text) == theirs, (text, spm.encode(text), theirs)


def make():
    from tokenizers import Tokenizer
    folder = HERE / "tokens"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        spm = train(pathlib.Path(temporary))
    dump = lambda x: json.dumps(x, ensure_ascii=True, separators=(",", ":")) + "\n"
    (folder / "tokenizer.json").write_text(dump(tokenizer_json(spm)))
    write_gguf(spm, folder / "tokenizer.gguf")
    texts = json.loads((HERE / "world" / "strings.json").read_text()) + random_texts(200, SEED, 6)
    (folder / "strings.json").write_text("[\n" + ",\n".join(json.dumps(x) for x in texts) + "\n]\n")
    golden = {}
    for name, (base, members) in variants(spm).items():
        path = (folder if base == "tokens" else HERE.parent / "world") / "tokenizer.json"
        t = Tokenizer.from_str(json.dumps(json.loads(path.read_text()) | members))
        plain, special = ids_of(t, texts, False), ids_of(t, texts, True)
        decoded = [t.decode(x, skip_special_tokens=False) for x in plain]
        golden[name] = {"base": base, "members": members, "plain": plain, "special": special, "decoded": decoded}
    check_sentencepiece(spm, texts, golden["prepend"]["plain"])
    (folder / "tokens.json").write_text(dump(golden))


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make()
    elif sys.argv[1:2] == ["compare"]:
        sys.exit(1 if compare(*sys.argv[2:]) else 0)
    else:
        sys.exit(__doc__)
