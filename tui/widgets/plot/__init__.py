"""Curves as lines of text: pure functions, in braille or in plain ASCII.

`curves` says what is drawn, `view` how it is looked at, `drawing.draw` makes the lines.
"""
