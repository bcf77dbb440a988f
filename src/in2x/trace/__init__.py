"""Steps of the real training code at full size on tensors without numbers: memory, operations, collectives."""
