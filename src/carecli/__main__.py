"""Runs the program as ``python -m carecli``."""

from carecli.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
