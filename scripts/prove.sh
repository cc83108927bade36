#!/usr/bin/env bash
# The long campaigns: the property tests of both languages with many times the cases of `make test`. PROVE_CASES sets how many.
# And the reference model of the policy language beside the core, PROVE_REFERENCE_CASES cases (a million).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/venv.sh dev
cases=${PROVE_CASES:-20000}

echo "== proptest, $cases cases a property"
PROPTEST_CASES=$cases cargo test --locked --profile suite -p turnout-core --tests
echo "== 100,000 randomised faulted streams through the translator"
cargo test --locked --profile suite -p turnout-core --test translate_properties -- --ignored --nocapture
scripts/extension.sh suite
reference=${PROVE_REFERENCE_CASES:-1000000}
echo "== the reference model and the core, $reference cases"
.venv/bin/python -m tests.reference.prove "$reference"
echo "== hypothesis, $cases examples a property"
PROVE_CASES=$cases HYPOTHESIS_PROFILE=prove .venv/bin/python -m pytest --quiet -m "hypothesis or prove"
