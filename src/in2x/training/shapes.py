"""Few shapes: CPU matrix kernels are made and kept per shape, and making one takes longer than its product."""


def round_up(number: int, step: int) -> int:
    """`number`, or the next multiple of `step` above it."""
    return -(-number // step) * step
