"""Jobs as the server knows them: states, store, supervision, what workers report."""
