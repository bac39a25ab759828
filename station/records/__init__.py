"""The flight recorder: what a verdict was made of, kept for a while, so that it can be made again and explained."""
