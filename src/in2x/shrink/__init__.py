"""The rehearsal: any recipe, every stage, on a tiny random model and made sentences, before anybody pays for it."""
