"""Runs the program as ``python -m carecli``."""

from carecli.cli.main import run

if __name__ == "__main__":
    raise SystemExit(run())
