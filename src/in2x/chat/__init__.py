"""The one contract of asking a model: prompt profile, chat template, token ids."""
