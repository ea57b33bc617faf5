"""What training needs and what the machine has: device, memory, model shape."""
