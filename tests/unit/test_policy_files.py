"""What a policy file may be: a regular file of a bounded size."""

import os
from pathlib import Path

import pytest

from turnout import PolicyError
from turnout.policy import read_policy
from turnout.source import MAX_BYTES


def test_pipes_devices_and_directories_are_no_policies(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path, tmp_path / "none"):
        with pytest.raises(PolicyError) as caught:
            read_policy(path)
        assert caught.value.code == "policy-unreadable"


def test_a_file_may_be_as_large_as_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"#" * MAX_BYTES)
    assert len(read_policy(path)) == MAX_BYTES
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    assert [each.code for each in caught.value.findings] == ["too-large"]
