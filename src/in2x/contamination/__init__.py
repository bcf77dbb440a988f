"""The one gate against evaluation text: what the model is measured on is kept out of all that it learns from."""
