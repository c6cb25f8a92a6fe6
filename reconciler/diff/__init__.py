"""Compare what is with what should be; touch nothing."""
