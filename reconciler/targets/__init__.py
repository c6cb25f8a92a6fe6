"""Talk to the apps whose access we manage; decide nothing about access."""
