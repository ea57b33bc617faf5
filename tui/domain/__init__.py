"""What ftui knows: pure rules and types, without I/O."""
