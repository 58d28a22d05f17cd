"""The pages for operators: a process of its own that asks the daemon over its control socket."""
