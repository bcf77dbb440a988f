"""A model that answers: the sampler for small models, perplexity."""
