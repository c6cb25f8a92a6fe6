"""Write a first policy for a directory; the command that does so is in cli/init.py."""
