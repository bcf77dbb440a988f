"""What follows from judgements: scores, intervals, ranks, agreement, annotators, power. Pure functions on rows."""
