"""What commands share: output, progress, interruption."""
