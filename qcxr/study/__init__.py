"""What a study is: its configuration, what of it decides a result, and how a job and its files are kept whole."""
