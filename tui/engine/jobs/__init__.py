"""Jobs on the server's side: states, store, supervision, reports of the workers."""
