"""The dressed quantum circuit: one definition, several exact engines with one signature."""
