"""The express suite: idioms, slang, register, voice and more into Japanese, checked by code and, if wished, a judge."""
