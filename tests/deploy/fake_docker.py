"""A fake docker: records each command, and registers pushed images in the test registry.

`python fake_docker.py LOG ARGUMENTS…`; an environment variable names the server of the registry.
"""

import hashlib
import json
import sys

import boto3

log, *arguments = sys.argv[1:]
entry = {"arguments": arguments, "stdin": sys.stdin.read() if "--password-stdin" in arguments else ""}
with open(log, "a", encoding="utf-8") as file:
    file.write(json.dumps(entry) + "\n")

target = ""
if arguments[:1] == ["push"]:
    target = arguments[1]
if arguments[:3] == ["buildx", "imagetools", "create"]:
    target = arguments[arguments.index("--tag") + 1]
if target:
    repository, _, tag = target.partition("/")[2].partition(":")
    digest = "sha256:" + hashlib.sha256(tag.encode()).hexdigest()
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"digest": digest, "size": 1},
        "layers": [],
    }
    boto3.client("ecr").put_image(
        repositoryName=repository, imageManifest=json.dumps(manifest), imageTag=tag, imageDigest=digest
    )
