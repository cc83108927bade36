"""Checks a built wheel from inside the clean environment it was installed in: `check_wheel.py WHEEL REPOSITORY`."""

import importlib
import sys
import sysconfig
import zipfile
from importlib.metadata import distributions
from pathlib import Path

wheel, repository = Path(sys.argv[1]), Path(sys.argv[2])
package = repository / "python" / "turnout"

files = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
info = {name for name in files if name.split("/")[0].endswith(".dist-info")}
expected = {
    path.relative_to(package.parent).as_posix()
    for path in package.rglob("*")
    if path.is_file() and path.suffix not in {".pyc", ".so"}
}
expected |= {f"turnout/policies/{path.name}" for path in (repository / "policies").glob("*.yaml")}
expected.add("turnout/_core.abi3.so")

problems = [f"not expected in the wheel: {name}" for name in sorted(files - info - expected)]
problems += [f"missing from the wheel: {name}" for name in sorted(expected - files)]
problems += [f"a wheel must not install a .pth file: {name}" for name in sorted(files) if name.endswith(".pth")]
if not any(name.startswith("turnout/policies/") for name in expected):
    problems.append("the wheel carries no policy")

installed = Path(sysconfig.get_path("platlib"))
turnout = importlib.import_module("turnout")
if not Path(str(turnout.__file__)).is_relative_to(installed):
    problems.append(f"turnout was imported from {turnout.__file__}, not from the wheel")
importlib.import_module("turnout._core")
for policy in sorted((installed / "turnout" / "policies").glob("*.yaml")):
    turnout.load_policy(policy)

names = sorted(str(found.metadata["Name"]).lower() for found in distributions())
if extra := set(names) - {"turnout", "pyyaml", "pip", "setuptools", "wheel"}:
    problems.append(f"the plain install brought more than pyyaml: {', '.join(sorted(extra))}")

if problems:
    sys.exit("\n".join(problems))
size_mb = wheel.stat().st_size / 1e6
print(f"{wheel.name}: {size_mb:.1f} MB, {len(files)} files, installs and imports in a clean environment")
