"""In place of detectron2, which no registry has: what the bindings call of it, no more.

Written from its public documentation and from papers, not from its code. Where these leave
something open, what stands here says nothing about detectron2.
"""
