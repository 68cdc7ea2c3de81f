"""Studies of replicated arms: arms and controls, runs, tables, and one file a study."""
