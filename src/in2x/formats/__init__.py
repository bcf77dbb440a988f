"""Document formats: a file is read into segments and written back by replacing their bytes, nothing else."""
