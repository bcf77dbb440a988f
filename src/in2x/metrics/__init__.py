"""Numbers for translations: strings, sentence chrF, learned metrics, significance."""
