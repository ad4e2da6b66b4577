"""What readers do with files that are not what they should be: `python -m tests.fuzz READER --minutes 10 --seed N`."""
