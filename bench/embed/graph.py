"""A BERT encoder as an ONNX graph, from its tensors under Hugging Face's names."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


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

    def more_inputs(self):
        return []

    def hide(self, scores):
        return scores

    def pool(self, value):
        return self.op("ReduceMean", value, self.constant(np.array([1], np.int64)), keepdims=0)

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
            shares = self.op("Softmax", self.hide(self.op("Mul", scores, scale)), axis=-1)
            mixed = self.op("MatMul", shares, self.op("Transpose", values, perm=[0, 2, 1, 3]))
            mixed = self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), join)
            mixed = self.linear(mixed, name + "attention.output.dense")
            value = self.norm(self.op("Add", value, mixed), name + "attention.output.LayerNorm")
            inner = self.op("Gelu", self.linear(value, name + "intermediate.dense"))
            inner = self.linear(inner, name + "output.dense")
            value = self.norm(self.op("Add", value, inner), name + "output.LayerNorm")
        last = self.op("LpNormalization", self.pool(value), axis=-1, p=2)
        inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"]),
                  helper.make_tensor_value_info("positions", TensorProto.INT64, ["length"]), *self.more_inputs()]
        output = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", width])
        graph = helper.make_graph(self.nodes, "bert", inputs, [output], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


class MaskedGraph(Graph):
    """The same for texts of different lengths in one batch: `mask` is 1 where a token is and 0 where none is."""

    def more_inputs(self):
        return [helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", "length"])]

    def hide(self, scores):
        absent = self.op("Sub", "mask", self.constant(np.array(1, np.float32)))
        absent = self.op("Mul", absent, self.constant(np.array(1e9, np.float32)))
        return self.op("Add", scores, self.op("Unsqueeze", absent, self.constant(np.array([1, 2], np.int64))))

    def pool(self, value):
        # The sum points where the mean does, and is made a unit vector.
        there = self.op("Unsqueeze", "mask", self.constant(np.array([2], np.int64)))
        return self.op("ReduceSum", self.op("Mul", value, there), self.constant(np.array([1], np.int64)), keepdims=0)
