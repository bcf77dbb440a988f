"""The one contract of asking a model: prompt profile, chat template, thinking mode, end tokens, token ids."""
