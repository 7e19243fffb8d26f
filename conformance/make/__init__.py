"""Makes the vectors: tables of cases over a few builders, with fixed keys and a fixed time.

``python -m conformance.make`` writes conformance/vectors anew; equal sources give equal bytes everywhere,
because nothing is compressed with a library: members are stored, and the few deflate streams are written by hand.
"""
