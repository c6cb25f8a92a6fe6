"""What is allowed in a policy and most likely not meant; pure: values in, findings out."""
