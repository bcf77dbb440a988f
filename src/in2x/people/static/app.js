// The page of the annotator.
