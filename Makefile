# The one vocabulary. `make demo` and `make test` need nothing but cargo.

.PHONY: demo test test-all lint bench profile image statistics fuzz

# The sidecar, an application and sample toggles in one process: open http://localhost:3524/
demo:
	cargo run --quiet --bin burgee -- demo

test:
	cargo test

# Adds what needs more than cargo; each tests/e2e/*/run installs what it lacks and fails if it cannot.
test-all: test
	tests/run-all

lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

# Beside nginx, HAProxy and Envoy, each brought if it can be: twenty minutes, ARGS=--quick three. The hot path alone: cargo bench
bench:
	tests/bench/run.py $(ARGS)

# What a release build is laid out by, seen and written anew: ten minutes. With a new compiler, a new version, or a hot path that was rewritten.
profile:
	tests/bench/training.py
	tests/bench/startup.py

# The static binary (dist/burgee) and its image (dist/burgee-image.tar), without an engine; with one, deploy/Dockerfile makes the same.
image:
	deploy/image.py

# The measured table of tests/statistics/README.md
statistics:
	cargo test --test statistics -- --nocapture

# Ten minutes of each fuzz target, all cores; `make test-all` has ten seconds of each
fuzz:
	tests/fuzz/run 600
