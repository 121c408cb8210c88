"""``python -m refkernels`` is the command ``refkernels``."""

from refkernels.cli import main

main(prog_name="refkernels")
