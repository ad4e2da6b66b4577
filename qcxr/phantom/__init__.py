"""Generated chest films for the demo: a plain chest, 19 findings drawn into it, and the scanner that records it.

Nothing here is real or simulates X-ray physics: the signs are drawn the way a textbook sketches them, so that a small
network has something true to learn and a person can see what. No patient data went into it.
"""
