"""How a job trains on this machine: device, memory, the plan, whether it is feasible."""
