# The two commands: `make run` and `make test`. Everything else is for working on Weir.
.PHONY: run test test-full bench build release clean
.DEFAULT_GOAL := build

build: release

release:
	scripts/install-packages
	scripts/build release

run: release
	examples/city-cameras/run $(RUN)

test:
	scripts/test

test-full:
	scripts/test --full

bench: release
	scripts/bench

clean:
	rm -rf build run
