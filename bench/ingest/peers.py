"""The stages of ingestion with other libraries, for bench/ingest/run: peers.py FILE.pdf DATABASE MODEL.gguf SHARE"""
import json
import os
import sqlite3
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import gguf
import numpy as np
import onnx
import onnxruntime
import pymupdf
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../embed"))
from graph import MaskedGraph

BATCH, WINDOW, SHARED = 32, 128, 32


class Clock:
    def __enter__(self):
        self.begin = time.process_time()
        return self

    def __exit__(self, *_):
        self.seconds = time.process_time() - self.begin


def show(name, seconds, note=""):
    print(f"{name:40} {seconds:8.2f} s   {note}".rstrip(), flush=True)


def parse(path):
    for name, kind in (("parse: PyMuPDF, text", "text"), ("parse: PyMuPDF, text with boxes", "dict")):
        with Clock() as clock:
            document = pymupdf.open(path)
            pages = [page.get_text(kind) for page in document]
        show(name, clock.seconds, f"{len(pages)} pages")
        if kind == "text":
            text = "\n".join(pages)
    return text


def tokenizer_of(reader):
    """SentencePiece's unigram model as Hugging Face's tokenizers have it."""
    pieces = reader.fields["tokenizer.ggml.tokens"].contents()
    scores = [float(score) for score in reader.fields["tokenizer.ggml.scores"].contents()]
    scores = [score if np.isfinite(score) else -1e6 for score in scores]
    unknown = int(reader.fields["tokenizer.ggml.unknown_token_id"].contents())
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores)), unknown, False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def windows(encoding):
    """Offsets of windows of 128 tokens that share 32."""
    offsets = encoding.offsets
    starts = range(0, max(1, len(offsets) - SHARED), WINDOW - SHARED)
    return [(offsets[at][0], offsets[min(at + WINDOW, len(offsets)) - 1][1]) for at in starts]


def chunk(tokenizer, text):
    with Clock() as clock:
        cut = [text[a:b] for part in text.split("\f") for a, b in windows(tokenizer.encode(part, add_special_tokens=False))]
    show("chunk: Hugging Face tokenizers", clock.seconds, f"{len(cut)} windows, cut without regard to structure")


def embedded(database):
    """The texts that were embedded with the vectors that came out, in order."""
    rows = sqlite3.connect(f"file:{database}?mode=ro", uri=True).execute("SELECT heading, text, vector FROM chunk ORDER BY id")
    texts, vectors = [], []
    for heading, text, vector in rows:
        heading = json.loads(heading)
        texts.append(f"{' / '.join(heading)}\n{text}" if heading else text)
        vectors.append(np.frombuffer(vector, np.float32))
    return texts, np.stack(vectors)


def tensors_of(reader):
    """Hugging Face's names, f32."""
    names = {"token_embd": "embeddings.word_embeddings", "position_embd": "embeddings.position_embeddings",
             "token_types": "embeddings.token_type_embeddings", "token_embd_norm": "embeddings.LayerNorm"}
    parts = {"attn_q": "attention.self.query", "attn_k": "attention.self.key", "attn_v": "attention.self.value",
             "attn_output": "attention.output.dense", "attn_output_norm": "attention.output.LayerNorm",
             "ffn_up": "intermediate.dense", "ffn_down": "output.dense", "layer_output_norm": "output.LayerNorm"}
    tensors = {}
    for tensor in reader.tensors:
        stem, kind = tensor.name.rsplit(".", 1)
        if stem.startswith("blk."):
            _, layer, part = stem.split(".")
            stem = f"encoder.layer.{layer}.{parts[part]}"
        else:
            stem = names[stem]
        tensors[f"{stem}.{kind}"] = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
    return tensors


class Embedder:
    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(self, rows):
        """Rows of token numbers → unit vectors, in the given order."""
        vectors = [None] * len(rows)
        order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
        for first in range(0, len(order), BATCH):
            batch = order[first:first + BATCH]
            length = max(len(rows[at]) for at in batch)
            ids, mask = np.ones((len(batch), length), np.int64), np.zeros((len(batch), length), np.float32)
            for row, at in enumerate(batch):
                ids[row, :len(rows[at])], mask[row, :len(rows[at])] = rows[at], 1
            found = self.session.run(None, {"ids": ids, "mask": mask, "positions": np.arange(length)})[0]
            for at, vector in zip(batch, found):
                vectors[at] = vector
        return np.stack(vectors)


def embed(reader, tokenizer, texts, expected, share):
    field = lambda name: reader.fields[name].contents()
    with Clock() as clock:
        rows = [[0, *tokenizer.encode(f"passage: {text}", add_special_tokens=False).ids, 2] for text in texts]
    lengths = sum(map(len, rows))
    show("embed: tokens (Hugging Face tokenizers)", clock.seconds, f"{lengths} tokens, {lengths / len(rows):.0f} a text")
    config = {"hidden_size": int(field("bert.embedding_length")), "num_attention_heads": int(field("bert.attention.head_count")),
              "num_hidden_layers": int(field("bert.block_count")),
              "layer_norm_eps": float(field("bert.attention.layer_norm_epsilon"))}
    some = rows[::share]
    with tempfile.TemporaryDirectory() as folder:
        plain, small = os.path.join(folder, "f32.onnx"), os.path.join(folder, "int8.onnx")
        onnx.save(MaskedGraph(tensors_of(reader), config).build(), plain)
        quantize_dynamic(plain, small, weight_type=QuantType.QInt8, per_channel=True)
        for name, path in (("f32", plain), ("int8", small)):
            embedder = Embedder(path)
            embedder.run(some[:BATCH])
            with Clock() as clock:
                vectors = embedder.run(some)
            cosines = (vectors * expected[::share]).sum(1)
            scale = lengths / sum(map(len, some))
            show(f"embed: ONNX Runtime {onnxruntime.__version__}, {name}", clock.seconds * scale,
                 f"{len(some)} of {len(rows)} texts in {clock.seconds:.1f} s, scaled by tokens; "
                 f"cosine to ours median {np.median(cosines):.4f}, least {cosines.min():.4f}")


def index(texts, vectors):
    """Floors: the least that keeping and indexing the same rows costs in a well known library."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(os.path.join(folder, "floor.db"))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE chunk (id INTEGER PRIMARY KEY, text TEXT, vector BLOB)")
        connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'trigram')")
        with Clock() as clock, connection:
            rows = ((text, vector.tobytes()) for text, vector in zip(texts, vectors))
            connection.executemany("INSERT INTO chunk (text, vector) VALUES (?, ?)", rows)
        show("store: floor, SQLite's rows", clock.seconds)
        with Clock() as clock, connection:
            connection.executemany("INSERT INTO words VALUES (?)", ((text,) for text in texts))
        show("index: SQLite's FTS5, trigrams", clock.seconds)


def main():
    path, database, model, share = sys.argv[1:]
    text = parse(path)
    reader = gguf.GGUFReader(model)
    tokenizer = tokenizer_of(reader)
    chunk(tokenizer, text)
    texts, vectors = embedded(database)
    embed(reader, tokenizer, texts, vectors, int(share))
    index(texts, vectors)


main()
