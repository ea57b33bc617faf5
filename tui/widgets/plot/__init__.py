"""Curves as lines of text: pure functions, in braille or in plain ASCII.

`curves` holds what is drawn, `view` how, `drawing.draw` makes the lines.
"""
