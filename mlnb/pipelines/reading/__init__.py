"""Reading a run: its report and graph, the summary, the JUnit file, what to say in a review."""
