# The one vocabulary. `make demo` and `make test` need nothing but cargo.

.PHONY: demo demo-guard test test-all lint release image bench statistics fuzz

# The sidecar, an application and sample toggles in one process: open http://localhost:3524/
demo:
	@echo "Compiling burgee with cargo: minutes the first time, seconds after that."
	cargo run --bin burgee -- demo

# Three sidecars, a treatment that begins to fail, a real Prometheus (Debian's package), and a guard that stops it: a minute
demo-guard:
	tests/e2e/guard/demo

test:
	cargo test

# Adds what needs more than cargo; each tests/e2e/*/run installs what it lacks and fails if it cannot.
test-all: test
	tests/run-all

lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

# What is shipped: dist/burgee, static and optimised by training, and counted. Half an hour. deploy/release has the rest.
release:
	deploy/release/build $(ARGS)
	tests/bench/gate --shipped

dist/burgee:
	deploy/release/build

# The image of it (dist/burgee-image.tar), without an engine; with one, deploy/Dockerfile makes such an image.
image: dist/burgee
	deploy/image.py

# It beside nginx, HAProxy and Envoy, each brought if it can be: thirty-five minutes, ARGS=--quick five. The hot path alone: cargo bench
bench: dist/burgee
	tests/bench/run.py $(ARGS)

# The measured tables of tests/statistics/README.md; the second simulates thousands of weeks
statistics:
	cargo test --profile statistics --test statistics -- --include-ignored --nocapture

# Ten minutes of each fuzz target, all cores; `make test-all` has ten seconds of each
fuzz:
	tests/fuzz/run 600
