"""In place of mmcv's compiled part, of which no function is called here; make puts it there."""


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)

    def absent(*arguments, **keywords):
        raise NotImplementedError(f"{name} is in mmcv's compiled part, which is not here")

    return absent
