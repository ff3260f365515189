"""Model test suites: held-out metrics, champion comparison, fairness → a gate."""
