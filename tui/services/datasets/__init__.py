"""An open training file: its rows, selections, edits and fixes."""
