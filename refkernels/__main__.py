"""``python -m refkernels`` is the command ``refkernels``."""

from refkernels.cli.main import main

main(prog_name="refkernels")
