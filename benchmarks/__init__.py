"""What is measured, and against what.

Each figure is one JSON line. Product and yardstick are measured in one run, on one machine, over
the same tables, one after the other in short turns: only their ratio means something elsewhere.
Starts its own throwaway servers; reads no other database than those.
"""
